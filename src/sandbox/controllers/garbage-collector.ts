import { resourceNameOf, resources } from '../kube/resources.ts';
import type { ResourceName, Store, StoredObject } from '../kube/store.ts';
import { type Controller, createQueue } from './controller.ts';
import { isDeleted, remove } from './objects.ts';

const foreground = 'foregroundDeletion';
const orphan = 'orphan';

/**
 * Deletes what has lost its owners, and carries out the two finalizers by which a deletion says what shall become of the
 * dependents. https://kubernetes.io/docs/concepts/architecture/garbage-collection/
 */
export const garbageCollector: Controller = {
  name: 'garbage-collector-controller',
  start({ store }, signal) {
    const graph = createGraph();
    const queue = createQueue((uid) => {
      const item = graph.get(uid);
      if (item) collect(item, graph, store);
      else for (const dependent of graph.dependentsOf(uid)) collect(dependent, graph, store);
    }, signal);

    const unsubscribe = store.subscribe(({ type, resource, object, previous }) => {
      const { uid } = object.metadata;
      if (type === 'DELETED') graph.remove(uid);
      else graph.put({ resource, object });
      queue.add(uid);
      // An owner in deletion waits for those that block it.
      for (const owner of ownersOf(previous ?? object)) queue.add(owner.uid);
      if (type === 'MODIFIED' && isDeleted(object)) for (const dependent of graph.dependentsOf(uid)) queue.add(dependent.object.metadata.uid);
    });
    signal.addEventListener('abort', unsubscribe, { once: true });

    const stored = resources.map(resourceNameOf).flatMap((resource) => store.list(resource).map((object) => ({ resource, object })));
    for (const item of stored) graph.put(item);
    for (const { object } of stored) queue.add(object.metadata.uid);
  },
};

interface Item {
  resource: ResourceName;
  object: StoredObject;
}

type Graph = ReturnType<typeof createGraph>;

const collect = (item: Item, graph: Graph, store: Store): void => {
  const { resource, object } = item;
  const finalizers = object.metadata.finalizers ?? [];
  if (isDeleted(object)) {
    if (finalizers.includes(orphan)) orphanDependents(item, graph, store);
    else if (finalizers.includes(foreground)) deleteDependents(item, graph, store);
    return;
  }
  const owners = ownersOf(object);
  if (owners.length === 0) return;

  const owning = owners.map(({ uid }) => ({ uid, owner: graph.get(uid)?.object })).map(({ uid, owner }) => ({ uid, owner: owner && isInReach(owner, object) ? owner : undefined }));
  const solid = owning.filter(({ owner }) => owner && !isWaitingForDependents(owner));
  if (solid.length === owning.length) return;
  if (solid.length > 0) {
    const kept = new Set(solid.map(({ uid }) => uid));
    keepOwners(item, store, (uid) => kept.has(uid));
    return;
  }
  // An owner that goes in the foreground waits for the dependents' own dependents too.
  if (owning.some(({ owner }) => owner) && graph.dependentsOf(object.metadata.uid).length > 0) addFinalizer(item, store);
  remove(store, resource, object);
};

const ownersOf = ({ metadata }: StoredObject) => metadata.ownerReferences ?? [];

/** A namespaced owner owns in its own namespace only. */
const isInReach = (owner: StoredObject, object: StoredObject): boolean => owner.metadata.namespace === undefined || owner.metadata.namespace === object.metadata.namespace;

const isWaitingForDependents = (owner: StoredObject): boolean => isDeleted(owner) && (owner.metadata.finalizers ?? []).includes(foreground);

const orphanDependents = (item: Item, graph: Graph, store: Store): void => {
  const { uid } = item.object.metadata;
  for (const dependent of graph.dependentsOf(uid)) keepOwners(dependent, store, (owner) => owner !== uid);
  dropFinalizer(item, store, orphan);
};

const deleteDependents = (item: Item, graph: Graph, store: Store): void => {
  const { uid } = item.object.metadata;
  const isBlocking = ({ object }: Item): boolean => ownersOf(object).some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true);
  for (const dependent of graph.dependentsOf(uid)) collect(dependent, graph, store);
  if (!graph.dependentsOf(uid).some((dependent) => isBlocking(dependent) && store.get(dependent.resource, dependent.object.metadata.namespace, dependent.object.metadata.name))) {
    dropFinalizer(item, store, foreground);
  }
};

const keepOwners = (item: Item, store: Store, isKept: (uid: string) => boolean): void => {
  edit(item, store, ({ metadata }) => {
    metadata.ownerReferences = (metadata.ownerReferences ?? []).filter(({ uid }) => isKept(uid));
    if (metadata.ownerReferences.length === 0) delete metadata.ownerReferences;
  });
};

const addFinalizer = (item: Item, store: Store): void =>
  edit(item, store, ({ metadata }) => {
    metadata.finalizers = [...new Set([...(metadata.finalizers ?? []), foreground])];
  });

const dropFinalizer = (item: Item, store: Store, finalizer: string): void =>
  edit(item, store, ({ metadata }) => {
    metadata.finalizers = (metadata.finalizers ?? []).filter((name) => name !== finalizer);
    if (metadata.finalizers.length === 0) delete metadata.finalizers;
  });

const edit = ({ resource, object }: Item, store: Store, change: (object: StoredObject) => void): void => {
  const { namespace, name, uid } = object.metadata;
  if (store.get(resource, namespace, name)?.metadata.uid === uid) store.update(resource, namespace, name, change);
};

/** Everything stored, by uid, and who names whom as owner. */
const createGraph = () => {
  const items = new Map<string, Item>();
  const dependents = new Map<string, Set<string>>();
  const forget = (uid: string): void => {
    const item = items.get(uid);
    if (!item) return;
    items.delete(uid);
    for (const owner of ownersOf(item.object)) {
      const known = dependents.get(owner.uid);
      known?.delete(uid);
      if (known?.size === 0) dependents.delete(owner.uid);
    }
  };
  return {
    get: (uid: string): Item | undefined => items.get(uid),
    dependentsOf: (uid: string): Item[] => [...(dependents.get(uid) ?? [])].flatMap((dependent) => items.get(dependent) ?? []),
    put(item: Item): void {
      const { uid } = item.object.metadata;
      forget(uid);
      items.set(uid, item);
      for (const owner of ownersOf(item.object)) dependents.set(owner.uid, (dependents.get(owner.uid) ?? new Set()).add(uid));
    },
    remove: forget,
  };
};
