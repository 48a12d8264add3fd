import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CoreV1Api, KubeConfig, makeInformer, StorageV1Api, type V1PersistentVolumeClaim } from '@kubernetes/client-node';
import type { RealCluster } from '../real/cluster.ts';

const storageClassName = 'shared-folders';

export interface Volumes {
  /** Where the content of a claim's volume is on this machine. */
  folderOf(claim: string): string;
  /** Removes what is left of them too; no pod may use them any more. */
  close(): Promise<void>;
}

/**
 * A default StorageClass that gives each claim of this namespace a folder of this machine: all nodes are here, so every pod sees the same.
 * Real Kubernetes binds and mounts them; only the provisioner is ours.
 */
export const startVolumes = async (cluster: RealCluster, namespace: string): Promise<Volumes> => {
  const kubeconfig = new KubeConfig();
  kubeconfig.loadFromFile(cluster.kubeconfigFile);
  const core = kubeconfig.makeApiClient(CoreV1Api);
  const root = join(cluster.folder, 'volumes');
  await mkdir(root, { recursive: true });
  await ignoring(409, kubeconfig.makeApiClient(StorageV1Api).createStorageClass({ body: { metadata: { name: storageClassName, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } }, provisioner: 'kaito-ts.test/folders', reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' } }));

  const folderOf = (claim: string): string => join(root, `${namespace}-${claim}`);

  const provision = async ({ metadata = {}, spec = {}, status }: V1PersistentVolumeClaim): Promise<void> => {
    const { name = '', uid = '' } = metadata;
    if (spec.storageClassName !== storageClassName || spec.volumeName !== undefined || status?.phase === 'Bound') return;
    const path = folderOf(name);
    await mkdir(path, { recursive: true });
    await ignoring(
      409,
      core.createPersistentVolume({
        body: {
          metadata: { name: `pvc-${uid}` },
          spec: { capacity: { storage: spec.resources?.requests?.['storage'] ?? '1Gi' }, accessModes: spec.accessModes ?? ['ReadWriteOnce'], storageClassName, persistentVolumeReclaimPolicy: 'Retain', hostPath: { path }, claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name, namespace, uid } },
        },
      }),
    );
  };
  const remove = async ({ metadata = {} }: V1PersistentVolumeClaim): Promise<void> => {
    await ignoring(404, core.deletePersistentVolume({ name: `pvc-${metadata.uid ?? ''}` }));
    await rm(folderOf(metadata.name ?? ''), { recursive: true, force: true });
  };

  const claims = makeInformer(kubeconfig, `/api/v1/namespaces/${namespace}/persistentvolumeclaims`, () => core.listNamespacedPersistentVolumeClaim({ namespace }));
  const failed = (error: unknown): void => void process.stderr.write(`The provisioner of test volumes failed: ${String(error)}\n`);
  claims.on('add', (claim) => void provision(claim).catch(failed));
  claims.on('update', (claim) => void provision(claim).catch(failed));
  claims.on('delete', (claim) => void remove(claim).catch(failed));
  // A watch that breaks off, as when a test restarts the API server, begins anew.
  claims.on('error', () => void setTimeout(() => void claims.start().catch(failed), 500).unref());
  await claims.start();
  const close = async (): Promise<void> => {
    await claims.stop();
    const { items } = await core.listNamespacedPersistentVolumeClaim({ namespace });
    await Promise.all(items.map(remove));
  };
  return { folderOf, close };
};

const ignoring = async (code: number, request: Promise<unknown>): Promise<void> => {
  await request.catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === code)) throw error;
  });
};
