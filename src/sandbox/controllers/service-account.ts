import type { Controller } from './controller.ts';
import { createQueue } from './controller.ts';
import { find, isDeleted } from './objects.ts';

/** Gives each namespace the account that its pods run as when they name none. */
export const serviceAccountController: Controller = {
  name: 'serviceaccount-controller',
  start({ store }, signal) {
    const queue = createQueue((name) => {
      const namespace = find(store, 'namespaces', undefined, name);
      if (!namespace || isDeleted(namespace)) return;
      if (!store.get('serviceaccounts', name, 'default')) store.create('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: name } });
    }, signal);
    const unsubscribe = store.subscribe(({ resource, object: { metadata } }) => {
      if (resource === 'namespaces') queue.add(metadata.name);
      else if (resource === 'serviceaccounts' && metadata.name === 'default' && metadata.namespace !== undefined) queue.add(metadata.namespace);
    });
    signal.addEventListener('abort', unsubscribe, { once: true });
    for (const { metadata } of store.list('namespaces')) queue.add(metadata.name);
  },
};
