import type { Duplex } from 'node:stream';
import type { KubernetesObject } from '../domain/kubernetes.ts';
import type { Kind, Kinds } from './kinds.ts';

/**
 * The few verbs of the Kubernetes API that this program needs, over plain JSON. The real one is `kubernetes.ts`.
 * Every call honours its `signal`, and every failure is one of `domain/errors.ts`, translated in `errors.ts`.
 */
export interface Cluster {
  readonly target: ClusterTarget;

  /** Undefined when there is no such object; NotFoundError when there is no such kind. */
  get<K extends Kind>(kind: K, name: string, options?: Scope & Call): Promise<Kinds[K] | undefined>;

  list<K extends Kind>(kind: K, options?: ListOptions & Call): Promise<Kinds[K][]>;

  /**
   * What exists, then what changes: `added` for each object there, one `synced`, then changes as they happen, until the
   * signal aborts (the iteration then ends quietly). A dropped connection and 410 Gone are mended inside: the consumer
   * sees only real changes, and no change is lost or told twice. A refusal (403, 404) is thrown.
   */
  watch<K extends Kind>(kind: K, options: ListOptions & { signal: AbortSignal }): AsyncIterable<WatchEvent<Kinds[K]>>;

  /** Server-side apply with field manager `kaito-ts`. A conflict with another manager is a ConflictError that names the fields. */
  apply(object: KubernetesObject, options?: ApplyOptions & Call): Promise<ApplyResult>;

  /** A plain POST; for objects that are questions, such as SelfSubjectAccessReview. */
  create<T extends KubernetesObject>(object: T, options?: Call): Promise<T>;

  /** True when it was there. */
  delete(kind: Kind, name: string, options?: DeleteOptions & Call): Promise<boolean>;

  /**
   * The container's output as it comes, in whatever pieces the connection delivers: progress bars redraw with `\r`, so
   * cutting into lines is the reader's task. A followed log ends when the container does, and quietly when the signal
   * aborts. "Container is waiting to start" is a FailedError with reason `ContainerWaiting`, and a connection that breaks
   * one with reason `ConnectionLost`. The log of a pod without a node is empty, as the API has it.
   */
  logs(pod: string, options: LogOptions): AsyncIterable<string>;

  /** One connection to a port of a pod, through the API server over WebSocket. Half-close and back-pressure work as on a socket. */
  connect(pod: string, port: number, options: Scope & Call): Promise<Duplex>;

  serverVersion(options?: Call): Promise<string>;

  /** Frees sockets, so that the process can end. */
  close(): void;
}

/** Which cluster this is, for every sentence that names it. */
export interface ClusterTarget {
  /** The kubeconfig files read. */
  kubeconfig: string[];
  contextName: string;
  clusterName: string;
  /** The kubeconfig's user entry: on AKS `clusterUser_<resource group>_<cluster>`. */
  userName: string;
  server: string;
  /** From --namespace, else the context, else `default`. */
  namespace: string;
}

export interface Scope {
  /** Defaults to the target's namespace for namespaced kinds. */
  namespace?: string;
}

export interface Call {
  signal?: AbortSignal;
  timeoutMs?: number;
}

export interface ListOptions extends Scope {
  allNamespaces?: boolean;
  labelSelector?: string;
  fieldSelector?: string;
}

export type WatchEvent<T> = { type: 'added' | 'modified' | 'deleted'; object: T } | { type: 'synced' };

export interface ApplyOptions {
  dryRun?: boolean;
  /** Takes over fields that another manager owns. */
  force?: boolean;
}

export interface ApplyResult {
  object: KubernetesObject;
  outcome: 'created' | 'configured' | 'unchanged';
}

export interface DeleteOptions extends Scope {
  propagation?: 'Foreground' | 'Background' | 'Orphan';
  /** Deletes only this incarnation. */
  uid?: string;
}

export interface LogOptions extends Scope {
  container?: string;
  follow?: boolean;
  previous?: boolean;
  tailLines?: number;
  sinceSeconds?: number;
  /** RFC 3339. The kubelet counts in whole seconds. */
  sinceTime?: string;
  timestamps?: boolean;
  signal?: AbortSignal;
}
