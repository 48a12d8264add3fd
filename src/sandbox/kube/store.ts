import type { KubernetesObject } from '../../domain/kubernetes.ts';

/** `pods`, `deployments.apps`: a plural and its group, as kubectl writes it. */
export type ResourceName = string;

export interface StoredObject extends KubernetesObject {
  metadata: KubernetesObject['metadata'] & { uid: string; resourceVersion: string; creationTimestamp: string };
}

export interface Change {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  resource: ResourceName;
  object: StoredObject;
  /** The state before, for watches with selectors: an object that stops matching is told as deleted. */
  previous?: StoredObject;
}

/**
 * The one store behind the API server: objects, versions, watches and apply, knowing no kind. The server's handlers and
 * the controllers all go through it. Refusals are thrown as StatusError with the API's own reasons.
 */
export interface Store {
  get(resource: ResourceName, namespace: string | undefined, name: string): StoredObject | undefined;
  list(resource: ResourceName, namespace?: string): StoredObject[];
  create(resource: ResourceName, object: KubernetesObject): StoredObject;
  /** Changes a copy and stores it; a change that changes nothing makes no new version. `status` leaves generation alone. */
  update(
    resource: ResourceName,
    namespace: string | undefined,
    name: string,
    change: (object: StoredObject) => void,
    options?: { subresource?: 'status' },
  ): StoredObject;
  /** With finalizers it only gets a deletionTimestamp; without it is gone. Dependents are the garbage collector's business. */
  delete(resource: ResourceName, namespace: string | undefined, name: string): StoredObject;
  /** Called in order, after each change, never for the past. Returns how to stop. */
  subscribe(listener: (change: Change) => void): () => void;
}
