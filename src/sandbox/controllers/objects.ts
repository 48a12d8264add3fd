import type { KubernetesObject, OwnerReference } from '../../domain/kubernetes.ts';
import { admitNamespace, admitNew } from '../kube/admission.ts';
import { applyDefaults } from '../kube/defaults.ts';
import { StatusError } from '../kube/errors.ts';
import { matchesLabelSelector } from '../kube/selectors.ts';
import { type Resource, resourceNameOf, resources } from '../kube/resources.ts';
import type { Store, StoredObject } from '../kube/store.ts';
import type { Objects, Pod, PodTemplate } from './object-types.ts';

const resourcesByName: ReadonlyMap<string, Resource> = new Map(resources.map((resource) => [resourceNameOf(resource), resource]));

/** The API server has checked every shape on its way in, so that its kind says an object's type. */
const isStoredAs = <R extends keyof Objects>(resource: R, object: StoredObject): object is Objects[R] => resourcesByName.get(resource)?.kind === object.kind;

export const find = <R extends keyof Objects>(store: Store, resource: R, namespace: string | undefined, name: string): Objects[R] | undefined => {
  const object = store.get(resource, namespace, name);
  return object && isStoredAs(resource, object) ? object : undefined;
};

export const list = <R extends keyof Objects>(store: Store, resource: R, namespace?: string): Objects[R][] =>
  store.list(resource, namespace).filter((object): object is Objects[R] => isStoredAs(resource, object));

/** Narrows what a change brought. */
export const isOf = <R extends keyof Objects>(resource: R, change: { resource: string; object: StoredObject }): change is { resource: R; object: Objects[R] } =>
  change.resource === resource && isStoredAs(resource, change.object);

/** Changes an object that may have gone in the meantime, which is no error; `uid` keeps a namesake from being changed. */
export const change = <R extends keyof Objects>(store: Store, resource: R, object: Objects[R], edit: (draft: Objects[R]) => void): Objects[R] | undefined =>
  write(store, resource, object, edit, {});

/** As `change`, for status and whatever else must leave the generation alone. */
export const changeStatus = <R extends keyof Objects>(store: Store, resource: R, object: Objects[R], edit: (draft: Objects[R]) => void): Objects[R] | undefined =>
  write(store, resource, object, edit, { subresource: 'status' });

const write = <R extends keyof Objects>(
  store: Store,
  resource: R,
  { metadata: { namespace, name, uid } }: Objects[R],
  edit: (draft: Objects[R]) => void,
  options: { subresource?: 'status' },
): Objects[R] | undefined => {
  if (store.get(resource, namespace, name)?.metadata.uid !== uid) return undefined;
  const changed = store.update(
    resource,
    namespace,
    name,
    (draft) => {
      if (isStoredAs(resource, draft)) edit(draft);
    },
    options,
  );
  return isStoredAs(resource, changed) ? changed : undefined;
};

/** Creates as the API server does for any client: with defaults, a generated name and the first status. Throws its refusals. */
export const create = <R extends keyof Objects>(store: Store, resource: R, object: NewObject): Objects[R] => {
  const known = resourcesByName.get(resource);
  if (!known) throw new TypeError(`There is no resource ${resource}.`);
  const { metadata, ...rest } = structuredClone(object);
  const draft: KubernetesObject = { ...rest, metadata: { ...metadata, name: metadata.name ?? '' } };
  admitNamespace(known, draft, store);
  applyDefaults(draft);
  admitNew(known, draft, store);
  const created = store.create(resource, draft);
  if (!isStoredAs(resource, created)) throw new TypeError(`A ${created.kind} is none of ${resource}.`);
  return created;
};

export type NewObject = Omit<KubernetesObject, 'metadata'> & { apiVersion: string; kind: string; metadata: Partial<KubernetesObject['metadata']> & { generateName?: string } };

/** As `create`; undefined when that name is taken or the namespace is on its way out. */
export const createIfPossible = <R extends keyof Objects>(store: Store, resource: R, object: NewObject): Objects[R] | undefined => {
  try {
    return create(store, resource, object);
  } catch (error) {
    if (error instanceof StatusError && ['AlreadyExists', 'Forbidden', 'NotFound'].includes(error.reason)) return undefined;
    throw error;
  }
};

/** Deletes as the API server does for any client: a pod that runs gets its grace period. Nothing happens when it is gone. */
export const remove = (store: Store, resource: string, { metadata: { namespace, name, uid } }: StoredObject): void => {
  const object = store.get(resource, namespace, name);
  if (object?.metadata.uid !== uid) return;
  store.delete(resource, namespace, name, { gracePeriodSeconds: resource === 'pods' ? gracePeriodOf(find(store, 'pods', namespace, name)) : 0 });
};

/** A pod that no kubelet knows, or that has ended, goes at once. */
const gracePeriodOf = (pod: Pod | undefined): number => (!pod?.spec?.nodeName || isFinished(pod) ? 0 : (pod.spec.terminationGracePeriodSeconds ?? 30));

export const isFinished = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';

/** Neither ended nor ending: what the workload controllers count. */
export const isActive = (pod: Pod): boolean => !isFinished(pod) && !isDeleted(pod);

export const isDeleted = ({ metadata }: StoredObject): boolean => metadata.deletionTimestamp !== undefined;

export const isReady = ({ status }: Pod): boolean => status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false;

export const controllerOf = ({ metadata }: StoredObject): OwnerReference | undefined => metadata.ownerReferences?.find(({ controller }) => controller);

export const ownedBy = <T extends StoredObject>(objects: T[], owner: StoredObject): T[] => objects.filter((object) => controllerOf(object)?.uid === owner.metadata.uid);

/** The reference by which a controller owns what it makes. */
export const controllerReference = ({ apiVersion, kind, metadata: { name, uid } }: StoredObject): OwnerReference => ({ apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true });

/** Pods that an owner has or takes: its own, and those that its selector matches and nobody owns. */
export const claimPods = (store: Store, owner: StoredObject, selector: unknown): Pod[] => {
  const pods = list(store, 'pods', owner.metadata.namespace);
  for (const pod of pods) {
    if (controllerOf(pod) || isDeleted(pod) || isDeleted(owner) || !matchesLabelSelector(selector, pod.metadata.labels)) continue;
    changeStatus(store, 'pods', pod, ({ metadata }) => {
      metadata.ownerReferences = [...(metadata.ownerReferences ?? []), controllerReference(owner)];
    });
  }
  return ownedBy(list(store, 'pods', owner.metadata.namespace), owner);
};

/** A pod of a workload's template, still to be named. */
export const podFromTemplate = (template: PodTemplate, owner: StoredObject, metadata: NewObject['metadata']): NewObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    ...metadata,
    ...(owner.metadata.namespace === undefined ? {} : { namespace: owner.metadata.namespace }),
    labels: { ...template.metadata?.labels, ...metadata.labels },
    annotations: { ...template.metadata?.annotations, ...metadata.annotations },
    finalizers: [...(template.metadata?.finalizers ?? []), ...(metadata.finalizers ?? [])],
    ownerReferences: [controllerReference(owner)],
  },
  spec: template.spec,
});
