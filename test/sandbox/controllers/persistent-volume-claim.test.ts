import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startCluster, type TestCluster, containerNamed, nodeNamed, podNamed } from '../support/cluster.ts';

let cluster: TestCluster;
beforeEach(() => {
  cluster = startCluster({ withKubelet: false });
  cluster.create('nodes', nodeNamed('node-a'));
});
afterEach(() => cluster.stop());

const storageClass = (name: string, volumeBindingMode: string, annotations: Record<string, string> = {}) =>
  cluster.create('storageclasses.storage.k8s.io', { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name, annotations }, provisioner: 'disk.csi.azure.com', reclaimPolicy: 'Delete', volumeBindingMode });
const claim = (spec: Record<string, unknown> = {}) =>
  cluster.create('persistentvolumeclaims', { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data', namespace: 'default' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '8Gi' } }, ...spec } });
const stored = () => cluster.get('persistentvolumeclaims', 'data');
const podWithClaim = () => cluster.create('pods', podNamed('web', { containers: [containerNamed('main', 'serve')], volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] }));

describe('a claim', () => {
  it('takes the default class, and waits for the first pod that uses it', async () => {
    storageClass('managed-csi', 'WaitForFirstConsumer', { 'storageclass.kubernetes.io/is-default-class': 'true' });
    claim();
    await cluster.until('it waits', () => cluster.eventsOf('data').includes('WaitForFirstConsumer: waiting for first consumer to be created before binding'));
    expect(stored()).toMatchObject({ spec: { storageClassName: 'managed-csi' }, status: { phase: 'Pending' } });
    podWithClaim();
    await cluster.until('it is bound', () => stored()?.status?.phase === 'Bound');
    const { uid } = stored()?.metadata ?? {};
    expect(stored()).toMatchObject({ spec: { volumeName: `pvc-${uid}` }, status: { capacity: { storage: '8Gi' }, accessModes: ['ReadWriteOnce'] }, metadata: { annotations: { 'volume.kubernetes.io/selected-node': 'node-a' } } });
    expect(cluster.get('persistentvolumes', `pvc-${uid}`)).toMatchObject({ spec: { capacity: { storage: '8Gi' }, claimRef: { name: 'data', uid } }, status: { phase: 'Bound' } });
  });

  it('is bound at once by a class that does not wait', async () => {
    storageClass('fast', 'Immediate');
    claim({ storageClassName: 'fast' });
    await cluster.until('it is bound', () => stored()?.status?.phase === 'Bound');
  });

  it('says that its class is not there', async () => {
    claim({ storageClassName: 'absent' });
    await cluster.until('it says so', () => cluster.eventsOf('data').includes('ProvisioningFailed: storageclass.storage.k8s.io "absent" not found'));
  });

  it('stays while a pod uses it, and takes its volume along when it goes', async () => {
    storageClass('fast', 'Immediate');
    claim({ storageClassName: 'fast' });
    podWithClaim();
    await cluster.until('the pod is placed', () => cluster.get('pods', 'web')?.spec?.nodeName);
    cluster.store.delete('persistentvolumeclaims', 'default', 'data');
    await cluster.clock.sleep(1);
    expect(stored()?.metadata.deletionTimestamp).toBeDefined();
    cluster.store.delete('pods', 'default', 'web');
    await cluster.until('it is gone', () => stored() === undefined && cluster.list('persistentvolumes').length === 0);
  });
});
