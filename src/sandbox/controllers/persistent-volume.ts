import { createController } from './controller.ts';
import { find, list, remove } from './objects.ts';

/** A volume goes with its claim, unless its class says to retain it. */
export const persistentVolumeController = createController({
  name: 'persistentvolume-controller',
  resource: 'persistentvolumes',
  affectedBy: ({ resource, type, object }, store) =>
    resource === 'persistentvolumeclaims' && type === 'DELETED' ? list(store, 'persistentvolumes').filter(({ spec }) => spec?.claimRef?.uid === object.metadata.uid) : [],
  reconcile(volume, { store }) {
    const { claimRef, persistentVolumeReclaimPolicy } = volume.spec ?? {};
    if (!claimRef?.name || persistentVolumeReclaimPolicy !== 'Delete') return;
    const claim = find(store, 'persistentvolumeclaims', claimRef.namespace, claimRef.name);
    if (claim?.metadata.uid !== claimRef.uid) remove(store, 'persistentvolumes', volume);
  },
});
