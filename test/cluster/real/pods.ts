import { CoreV1Api, KubeConfig, type V1Pod } from '@kubernetes/client-node';
import { onTestFinished } from 'vitest';
import type { RealCluster } from './cluster.ts';
import { busyboxImage } from './node-image.ts';
import { patienceMs, waitFor } from './waiting.ts';

export interface PodOptions {
  name: string;
  namespace?: string;
  node?: string;
  gpuCount?: number;
  labels?: Record<string, string>;
  hostname?: string;
  subdomain?: string;
  /** Run by a shell; by default the pod sleeps. */
  script?: string;
  until?: (pod: V1Pod) => boolean;
}

export const configOf = ({ kubeconfigFile }: RealCluster): KubeConfig => {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfigFile);
  return config;
};

const isRunning = ({ status }: V1Pod): boolean => status?.phase === 'Running';

/** A pod of the image that every node has, once it runs or what `until` says; deleted with the test. */
export const runPod = async (cluster: RealCluster, options: PodOptions): Promise<V1Pod> => {
  const { name, namespace = 'default', node, gpuCount = 0, labels = {}, hostname, subdomain, script = 'sleep 3600', until = isRunning } = options;
  const api = configOf(cluster).makeApiClient(CoreV1Api);
  await api.createNamespacedPod({
    namespace,
    body: {
      metadata: { name, labels },
      spec: {
        ...(node !== undefined && { nodeSelector: { 'kubernetes.io/hostname': node } }),
        ...(hostname !== undefined && { hostname }),
        ...(subdomain !== undefined && { subdomain }),
        tolerations: [{ operator: 'Exists' }],
        terminationGracePeriodSeconds: 0,
        containers: [
          {
            name: 'main',
            image: busyboxImage,
            command: ['sh', '-c', script],
            ...(gpuCount > 0 && { resources: { limits: { 'nvidia.com/gpu': String(gpuCount) } } }),
          },
        ],
      },
    },
  });
  onTestFinished(async () => {
    await api.deleteNamespacedPod({ name, namespace, gracePeriodSeconds: 0 }).catch(() => undefined); // The cluster may be gone by then.
  });
  let last: V1Pod | undefined;
  return waitFor(
    `the pod ${name} to run`,
    patienceMs,
    async () => {
      last = await api.readNamespacedPod({ name, namespace });
      return until(last) ? last : undefined;
    },
    () => JSON.stringify(last?.status, null, 2),
  );
};
