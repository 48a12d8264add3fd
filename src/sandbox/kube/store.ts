import { randomUUID } from 'node:crypto';
import type { KubernetesObject } from '../../domain/kubernetes.ts';
import { createChangeLog } from './change-log.ts';
import { alreadyExists, conflict, notFound, staleVersion, StatusError } from './errors.ts';
import { freezeDeep, isEqualJson, listAt } from './json.ts';

/** `pods`, `deployments.apps`: a plural and its group, as kubectl writes it. */
export type ResourceName = string;

export interface StoredObject extends KubernetesObject {
  metadata: KubernetesObject['metadata'] & {
    uid: string;
    resourceVersion: string;
    creationTimestamp: string;
    deletionGracePeriodSeconds?: number;
  };
}

export interface Change {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  resource: ResourceName;
  object: StoredObject;
  /** The state before, for watches with selectors: an object that stops matching is told as deleted. */
  previous?: StoredObject;
}

export interface WriteOptions {
  /** Everything happens, refusals too, but nothing is kept and nobody is told. */
  dryRun?: boolean;
}

/**
 * The one store behind the API server: objects, versions, watches and apply, knowing no kind. The server's handlers and
 * the controllers all go through it. Refusals are thrown as StatusError with the API's own reasons. What it hands out is
 * frozen: only `update` changes an object.
 */
export interface Store {
  get(resource: ResourceName, namespace: string | undefined, name: string): StoredObject | undefined;
  /** In the order of namespace and name. */
  list(resource: ResourceName, namespace?: string): StoredObject[];
  create(resource: ResourceName, object: KubernetesObject, options?: WriteOptions): StoredObject;
  /** Changes a copy and stores it; a change that changes nothing makes no new version. `status` leaves generation alone. */
  update(
    resource: ResourceName,
    namespace: string | undefined,
    name: string,
    change: (object: StoredObject) => void,
    options?: WriteOptions & { subresource?: 'status' },
  ): StoredObject;
  /** With finalizers it only gets a deletionTimestamp; without it is gone. Dependents are the garbage collector's business. */
  delete(resource: ResourceName, namespace: string | undefined, name: string, options?: WriteOptions & DeletionOptions): StoredObject;
  /** Called in order, after each change, never for the past. Returns how to stop. */
  subscribe(listener: (change: Change) => void): () => void;
}

export interface DeletionOptions {
  /** More than 0: the object stays, marked, until it is deleted with 0; that is how the kubelet gets time to stop a pod. */
  gracePeriodSeconds?: number;
}

/** A store that also remembers, so that watches resume and long lists stay of one moment. */
export interface VersionedStore extends Store {
  /** Of the latest change. */
  readonly resourceVersion: string;
  /** What happened after that version. Throws 410 Expired when that is no longer known. */
  changesSince(resourceVersion: string, resource: ResourceName): Change[];
  /** The list as it was at that version. Throws 410 Expired when that is no longer known. */
  listAt(resourceVersion: string, resource: ResourceName, namespace?: string): StoredObject[];
  /** Nobody gets to see what was before now: the past of a server begins when it starts. */
  forgetPast(): void;
}

export interface StoreOptions {
  now: () => Date;
  /** How many changes are remembered. */
  historyLength?: number;
}

const defaultHistoryLength = 10_000;

export const createStore = ({ now, historyLength = defaultHistoryLength }: StoreOptions): VersionedStore => {
  const objects = new Map<ResourceName, Map<string, StoredObject>>();
  const log = createChangeLog(historyLength);
  let version = 0;

  const collectionOf = (resource: ResourceName): Map<string, StoredObject> => {
    const found = objects.get(resource);
    if (found) return found;
    const created = new Map<string, StoredObject>();
    objects.set(resource, created);
    return created;
  };

  const commit = (change: Change): StoredObject => {
    const { resource, object } = change;
    const key = keyOf(object.metadata.namespace, object.metadata.name);
    if (change.type === 'DELETED') collectionOf(resource).delete(key);
    else collectionOf(resource).set(key, object);
    log.record(change, version);
    return object;
  };

  const nextVersion = (): string => String(++version);

  const timestamp = (offsetSeconds = 0): string => toTimestamp(new Date(now().getTime() + offsetSeconds * 1000));

  const existing = (resource: ResourceName, namespace: string | undefined, name: string): StoredObject => {
    const found = collectionOf(resource).get(keyOf(namespace, name));
    if (!found) throw notFound(resource, name);
    return found;
  };

  /** Everybody is told the last state that was kept, at the version at which it went; whoever removed it gets what they made of it. */
  const remove = (resource: ResourceName, previous: StoredObject, isDryRun: boolean | undefined, left = previous): StoredObject => {
    if (isDryRun) return freezeDeep(left);
    const resourceVersion = nextVersion();
    commit({ type: 'DELETED', resource, object: freezeDeep({ ...previous, metadata: { ...previous.metadata, resourceVersion } }), previous });
    return freezeDeep({ ...left, metadata: { ...left.metadata, resourceVersion } });
  };

  return {
    get resourceVersion() {
      return String(version);
    },

    get: (resource, namespace, name) => objects.get(resource)?.get(keyOf(namespace, name)),

    list: (resource, namespace) => sorted([...(objects.get(resource)?.values() ?? [])].filter(isIn(namespace))),

    create(resource, given, { dryRun } = {}) {
      const { name, namespace } = given.metadata;
      if (collectionOf(resource).has(keyOf(namespace, name))) throw alreadyExists(resource, name);
      const copy = structuredClone(given);
      const object: StoredObject = {
        ...copy,
        metadata: {
          ...copy.metadata,
          uid: copy.metadata.uid ?? randomUUID(),
          // What is not kept has no version.
          resourceVersion: dryRun ? '' : nextVersion(),
          creationTimestamp: timestamp(),
          ...(Object.hasOwn(copy, 'spec') ? { generation: 1 } : {}),
        },
      };
      freezeDeep(object);
      return dryRun ? object : commit({ type: 'ADDED', resource, object });
    },

    update(resource, namespace, name, change, { subresource, dryRun } = {}) {
      const previous = existing(resource, namespace, name);
      const object = structuredClone(previous);
      change(object);
      refuseOtherIncarnation(resource, previous, object);
      keepSystemFields(previous, object);
      if (isEqualJson(previous, object)) return previous;

      const { generation } = previous.metadata;
      if (generation !== undefined && subresource !== 'status' && !isEqualJson(desired(previous), desired(object))) {
        object.metadata.generation = generation + 1;
      }
      if (isDeleting(object) && !isHeld(object)) return remove(resource, previous, dryRun, object);
      if (!dryRun) object.metadata.resourceVersion = nextVersion();
      freezeDeep(object);
      return dryRun ? object : commit({ type: 'MODIFIED', resource, object, previous });
    },

    delete(resource, namespace, name, { gracePeriodSeconds = 0, dryRun } = {}) {
      const previous = existing(resource, namespace, name);
      if (!isHeld(previous) && gracePeriodSeconds === 0) return remove(resource, previous, dryRun);
      if (previous.metadata.deletionTimestamp && gracePeriodSeconds >= graceOf(previous)) return previous;
      const object: StoredObject = {
        ...structuredClone(previous),
        metadata: {
          ...structuredClone(previous.metadata),
          deletionTimestamp: timestamp(gracePeriodSeconds),
          deletionGracePeriodSeconds: gracePeriodSeconds,
          resourceVersion: dryRun ? previous.metadata.resourceVersion : nextVersion(),
          // Deleting is a change of what is wanted, although neither spec nor anything else of it changes.
          ...(previous.metadata.generation === undefined ? {} : { generation: previous.metadata.generation + 1 }),
        },
      };
      freezeDeep(object);
      return dryRun ? object : commit({ type: 'MODIFIED', resource, object, previous });
    },

    subscribe: (listener) => log.subscribe(listener),

    changesSince: (resourceVersion, resource) => log.after(Number(resourceVersion)).filter((change) => change.resource === resource),

    forgetPast: () => log.forget(version),

    listAt(resourceVersion, resource, namespace) {
      const state = new Map(collectionOf(resource));
      for (const change of log.after(Number(resourceVersion)).toReversed()) {
        if (change.resource !== resource) continue;
        const key = keyOf(change.object.metadata.namespace, change.object.metadata.name);
        if (change.type === 'ADDED') state.delete(key);
        else if (change.previous) state.set(key, change.previous);
      }
      return sorted([...state.values()].filter(isIn(namespace)));
    },
  };
};

/** RFC 3339 in whole seconds, as `metav1.Time` is written. */
export const toTimestamp = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, 'Z');

const keyOf = (namespace: string | undefined, name: string): string => `${namespace ?? ''}/${name}`;

const isIn =
  (namespace: string | undefined) =>
  (object: StoredObject): boolean =>
    namespace === undefined || object.metadata.namespace === namespace;

const sorted = (list: StoredObject[]): StoredObject[] =>
  list.sort((left, right) => {
    const [a, b] = [left, right].map(({ metadata }) => keyOf(metadata.namespace, metadata.name));
    return (a ?? '') < (b ?? '') ? -1 : 1;
  });

/** Namespaces are held by `spec.finalizers`, everything else by `metadata.finalizers`. */
const isHeld = (object: StoredObject): boolean =>
  listAt(object, 'metadata', 'finalizers').length > 0 || listAt(object, 'spec', 'finalizers').length > 0;

const graceOf = (object: StoredObject): number => object.metadata.deletionGracePeriodSeconds ?? 0;

const isDeleting = (object: StoredObject): boolean =>
  object.metadata.deletionTimestamp !== undefined && graceOf(object) === 0;

/** A Deployment's annotations are part of what is wanted, as its ReplicaSets get them. */
const desired = ({ metadata, status: _status, ...rest }: StoredObject): unknown => (rest.kind === 'Deployment' ? { ...rest, annotations: metadata.annotations } : rest);

const refuseOtherIncarnation = (resource: ResourceName, previous: StoredObject, object: StoredObject): void => {
  const { name, uid, resourceVersion } = previous.metadata;
  const given: { uid?: string; resourceVersion?: string } = object.metadata;
  if (given.uid && given.uid !== uid) {
    const key = ['', 'registry', resource.split('.')[0], previous.metadata.namespace, name].filter((part) => part !== undefined).join('/');
    throw conflict(resource, name, `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${given.uid}, UID in object meta: ${uid}`);
  }
  if (given.resourceVersion && !/^\d+$/.test(given.resourceVersion)) throw new StatusError(500, '', `strconv.ParseUint: parsing ${JSON.stringify(given.resourceVersion)}: invalid syntax`);
  if (given.resourceVersion && given.resourceVersion !== resourceVersion) throw staleVersion(resource, name);
};

/** What no client sets. A deletion cannot be taken back. */
const keepSystemFields = (previous: StoredObject, object: StoredObject): void => {
  const { uid, resourceVersion, creationTimestamp, generation, deletionTimestamp, deletionGracePeriodSeconds } = previous.metadata;
  const { name, namespace } = previous.metadata;
  Object.assign(object.metadata, { name, uid, resourceVersion, creationTimestamp });
  for (const [field, value] of Object.entries({ namespace, generation, deletionTimestamp, deletionGracePeriodSeconds })) {
    if (value === undefined) Reflect.deleteProperty(object.metadata, field);
    else Reflect.set(object.metadata, field, value);
  }
};
