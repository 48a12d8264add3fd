import { resourceNameOf, resources } from '../kube/resources.ts';
import { changeStatus, change, find, isDeleted, remove } from './objects.ts';
import type { Controller } from './controller.ts';
import { createQueue } from './controller.ts';

/**
 * A namespace that was deleted is emptied, and goes when nothing is left in it: pods take their grace period, objects with
 * finalizers wait for those.
 */
export const namespaceController: Controller = {
  name: 'namespace-controller',
  start({ store }, signal) {
    /** Custom resources are known from the first object of theirs. */
    const namespaced = new Set(resources.filter(({ namespaced: isNamespaced }) => isNamespaced).map(resourceNameOf));

    const queue = createQueue((name) => {
      const namespace = find(store, 'namespaces', undefined, name);
      if (!namespace || !isDeleted(namespace)) return;
      if (namespace.status?.phase !== 'Terminating') {
        changeStatus(store, 'namespaces', namespace, (draft) => {
          draft.status = { ...draft.status, phase: 'Terminating' };
        });
      }
      const content = () => [...namespaced].flatMap((resource) => store.list(resource, name).map((object) => ({ resource, object })));
      // What is on its way already is left alone: deleting a pod anew would not hurt, but tell nothing either.
      for (const { resource, object } of content()) if (!isDeleted(object)) remove(store, resource, object);
      if (content().length > 0) return;
      change(store, 'namespaces', namespace, (draft) => {
        draft.spec = { ...draft.spec, finalizers: (draft.spec?.finalizers ?? []).filter((finalizer) => finalizer !== 'kubernetes') };
      });
    }, signal);

    const unsubscribe = store.subscribe(({ resource, object }) => {
      if (resource === 'namespaces') queue.add(object.metadata.name);
      if (object.metadata.namespace === undefined) return;
      namespaced.add(resource);
      queue.add(object.metadata.namespace);
    });
    signal.addEventListener('abort', unsubscribe, { once: true });
    for (const { metadata } of store.list('namespaces')) queue.add(metadata.name);
  },
};
