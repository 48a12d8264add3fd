import type { Store } from './kube/store.ts';

export interface Seed {
  store: Store;
  registry: { host: string; username: string; password: string };
}

/** What a new AKS cluster and its owner have put there before anybody runs anything. */
export const seed = ({ store, registry }: Seed): void => {
  for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease']) {
    if (!store.get('namespaces', undefined, name)) store.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { 'kubernetes.io/metadata.name': name } }, status: { phase: 'Active' } });
  }
  store.create('storageclasses.storage.k8s.io', {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'managed-csi', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: 'disk.csi.azure.com',
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'WaitForFirstConsumer',
    allowVolumeExpansion: true,
  });
  store.create('daemonsets.apps', devicePlugin);
  const auth = Buffer.from(`${registry.username}:${registry.password}`).toString('base64');
  const dockerConfig = { auths: { [registry.host]: { username: registry.username, password: registry.password, auth } } };
  store.create('secrets', {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'registry-credentials', namespace: 'default' },
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': Buffer.from(JSON.stringify(dockerConfig)).toString('base64') },
  });
};

/** As the AKS documentation has its users install it: https://learn.microsoft.com/azure/aks/use-nvidia-gpu */
const devicePlugin = {
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'nvidia-device-plugin-daemonset', namespace: 'kube-system' },
  spec: {
    selector: { matchLabels: { name: 'nvidia-device-plugin-ds' } },
    updateStrategy: { type: 'RollingUpdate' },
    template: {
      metadata: { labels: { name: 'nvidia-device-plugin-ds' } },
      spec: {
        nodeSelector: { 'kubernetes.azure.com/accelerator': 'nvidia' },
        tolerations: [{ key: 'sku', operator: 'Equal', value: 'gpu', effect: 'NoSchedule' }, { key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }, { key: 'kubernetes.azure.com/scalesetpriority', operator: 'Equal', value: 'spot', effect: 'NoSchedule' }],
        priorityClassName: 'system-node-critical',
        containers: [
          {
            name: 'nvidia-device-plugin-ctr',
            image: 'nvcr.io/nvidia/k8s-device-plugin:v0.18.0',
            env: [{ name: 'FAIL_ON_INIT_ERROR', value: 'false' }],
            securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
            volumeMounts: [{ name: 'device-plugin', mountPath: '/var/lib/kubelet/device-plugins' }],
          },
        ],
        volumes: [{ name: 'device-plugin', hostPath: { path: '/var/lib/kubelet/device-plugins' } }],
      },
    },
  },
};
