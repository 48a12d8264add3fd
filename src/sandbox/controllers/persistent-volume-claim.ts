import { toTimestamp } from '../kube/store.ts';
import { createController, type Reconciliation } from './controller.ts';
import type { Objects, Pod } from './object-types.ts';
import { change, changeStatus, createIfPossible, find, isDeleted, isFinished, list } from './objects.ts';

type Claim = Objects['persistentvolumeclaims'];
type StorageClass = Objects['storageclasses.storage.k8s.io'];

const selectedNode = 'volume.kubernetes.io/selected-node';

/**
 * Gives claims the default class and a volume of their own: at once, or when the first pod that uses one has a node.
 * https://kubernetes.io/docs/concepts/storage/storage-classes/#volume-binding-mode
 */
export const persistentVolumeClaimController = createController({
  name: 'persistentvolume-controller',
  resource: 'persistentvolumeclaims',
  affectedBy({ resource, object }, store) {
    if (resource === 'storageclasses.storage.k8s.io') return list(store, 'persistentvolumeclaims');
    return resource === 'pods' ? list(store, 'persistentvolumeclaims', object.metadata.namespace).filter((claim) => claim.status?.phase !== 'Bound' || isDeleted(claim)) : [];
  },
  reconcile(claim, context) {
    protect(claim, context);
    if (isDeleted(claim) || claim.status?.phase === 'Bound') return;
    const { store, record } = context;
    const storageClass = classOf(claim, store);
    if (!storageClass) return noClass(claim, context);
    if (claim.spec?.storageClassName === undefined) {
      change(store, 'persistentvolumeclaims', claim, (draft) => {
        draft.spec = { ...draft.spec, storageClassName: storageClass.metadata.name };
      });
      return;
    }
    const node = usersOf(claim, store)[0]?.spec?.nodeName;
    if (storageClass.volumeBindingMode === 'WaitForFirstConsumer' && node === undefined) {
      const isTold = claim.metadata.annotations?.['volume.kubernetes.io/storage-provisioner'] !== undefined;
      if (!isTold) record(claim, { type: 'Normal', reason: 'WaitForFirstConsumer', message: 'waiting for first consumer to be created before binding' });
      annotate(claim, { 'volume.kubernetes.io/storage-provisioner': storageClass.provisioner }, context);
      return;
    }
    provision(claim, storageClass, node, context);
  },
});

const protection = 'kubernetes.io/pvc-protection';

/** A claim that a pod uses is not taken from under it. */
const protect = (claim: Claim, { store }: Reconciliation): void => {
  const isUsed = usersOf(claim, store).length > 0;
  if (isDeleted(claim) && isUsed) return;
  change(store, 'persistentvolumeclaims', claim, ({ metadata }) => {
    const others = (metadata.finalizers ?? []).filter((finalizer) => finalizer !== protection);
    metadata.finalizers = isDeleted(claim) ? others : [...others, protection];
    if (metadata.finalizers.length === 0) delete metadata.finalizers;
  });
};

const usersOf = (claim: Claim, store: Reconciliation['store']): Pod[] =>
  list(store, 'pods', claim.metadata.namespace).filter(
    (pod) => pod.spec?.nodeName && !isFinished(pod) && pod.spec.volumes?.some(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName === claim.metadata.name),
  );

const classOf = (claim: Claim, store: Reconciliation['store']): StorageClass | undefined => {
  const wanted = claim.spec?.storageClassName;
  if (wanted !== undefined) return find(store, 'storageclasses.storage.k8s.io', undefined, wanted);
  return list(store, 'storageclasses.storage.k8s.io').find(({ metadata }) => metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true');
};

const noClass = (claim: Claim, { record }: Reconciliation): void => {
  const wanted = claim.spec?.storageClassName;
  if (wanted) record(claim, { type: 'Warning', reason: 'ProvisioningFailed', message: `storageclass.storage.k8s.io "${wanted}" not found` });
  else record(claim, { type: 'Normal', reason: 'FailedBinding', message: 'no persistent volumes available for this claim and no storage class is set' });
};

const annotate = (claim: Claim, annotations: Record<string, string>, { store }: Reconciliation): void => {
  change(store, 'persistentvolumeclaims', claim, ({ metadata }) => {
    metadata.annotations = { ...metadata.annotations, ...annotations };
  });
};

const provision = (claim: Claim, storageClass: StorageClass, node: string | undefined, context: Reconciliation): void => {
  const { store, record, clock } = context;
  const { namespace, name, uid } = claim.metadata;
  const volumeName = `pvc-${uid}`;
  const storage = claim.spec?.resources?.requests?.['storage'] ?? '1Gi';
  const accessModes = claim.spec?.accessModes ?? ['ReadWriteOnce'];
  createIfPossible(store, 'persistentvolumes', {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: volumeName, annotations: { 'pv.kubernetes.io/provisioned-by': storageClass.provisioner } },
    spec: {
      capacity: { storage },
      accessModes,
      claimRef: { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace, name, uid },
      csi: { driver: storageClass.provisioner, volumeHandle: volumeName },
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      storageClassName: storageClass.metadata.name,
      volumeMode: 'Filesystem',
    },
  });
  const volume = find(store, 'persistentvolumes', undefined, volumeName);
  if (!volume) return;
  changeStatus(store, 'persistentvolumes', volume, (draft) => {
    draft.status = { phase: 'Bound', lastPhaseTransitionTime: toTimestamp(clock.now()) };
  });
  const bound = { 'pv.kubernetes.io/bind-completed': 'yes', 'pv.kubernetes.io/bound-by-controller': 'yes' };
  annotate(claim, { ...bound, ...(node === undefined ? {} : { [selectedNode]: node }) }, context);
  changeStatus(store, 'persistentvolumeclaims', claim, (draft) => {
    draft.spec = { ...draft.spec, volumeName };
    draft.status = { phase: 'Bound', accessModes, capacity: { storage } };
  });
  record(claim, { type: 'Normal', reason: 'ProvisioningSucceeded', message: `Successfully provisioned volume ${volumeName}` });
};
