import { createServer, type RequestListener } from 'node:http';
import { duplexPair } from 'node:stream';
import type { Cloud } from '../../src/cloud/cloud.ts';
import type { ApplyResult, Cluster, ListOptions, WatchEvent } from '../../src/cluster/cluster.ts';
import type { Kind, Kinds } from '../../src/cluster/kinds.ts';
import type { AgentPool, AgentPoolRequest, ManagedCluster, StartedOperation } from '../../src/domain/azure.ts';
import { ConflictError, FailedError, NotFoundError } from '../../src/domain/errors.ts';
import type { KubernetesObject } from '../../src/domain/kubernetes.ts';
import { createChannel, type Channel } from '../../src/flow/channel.ts';
import { startOfTime } from './manual-clock.ts';

/** A cluster in memory: it keeps what it is given, tells watchers, and records each write in order. */
export interface FakeCluster extends Cluster {
  /** `apply Job/x`, `delete Job/x`, in order. */
  readonly writes: string[];
  /** What the cluster itself does: an object comes or changes without a write of ours. */
  put(object: KubernetesObject): void;
  remove(kind: Kind, name: string): void;
  find(kind: Kind, name: string): KubernetesObject | undefined;
  /** Each log by `<pod>/<container>`; an Error is thrown in its place. */
  readonly logTexts: Map<string, string | Error>;
  /** What listens on the ports of pods; nothing does before. */
  serve(listener: RequestListener): void;
  /** Watches of this kind say nothing until the returned function is called. */
  hold(kind: Kind): () => void;
  /** Every watch and read of this kind fails from now on. */
  break(kind: Kind, error: Error): void;
  /** The next write of this kind fails. */
  refuse(kind: Kind, error: Error): void;
  /** Every apply of this kind fails, rehearsals too, as a policy of the cluster lets them. */
  deny(kind: string, error: Error): void;
  /** Deleted objects stay until removed, as those with finalizers do. */
  keepDeleted: boolean;
  openWatchCount(): number;
}

interface Watcher {
  kind: Kind;
  options: ListOptions;
  events: Channel<WatchEvent<KubernetesObject> | Error>;
}

export const createFakeCluster = (objects: readonly KubernetesObject[] = []): FakeCluster => {
  const store = new Map<string, KubernetesObject>();
  const watchers = new Set<Watcher>();
  const held = new Map<Kind, PromiseWithResolvers<void>>();
  const broken = new Map<Kind, Error>();
  const refused = new Map<string, Error>();
  const denied = new Map<string, Error>();
  const writes: string[] = [];
  const logTexts = new Map<string, string | Error>();
  let uidCount = 0;
  let versionCount = 1;
  let server: ReturnType<typeof createServer> | undefined;

  const tell = (type: 'added' | 'modified' | 'deleted', object: KubernetesObject): void => {
    for (const { kind, options, events } of watchers) if (kind === object.kind && matches(object, options)) events.push({ type, object });
  };
  const put = (object: KubernetesObject): KubernetesObject => {
    const before = store.get(keyOf(object.kind, object.metadata.name));
    const stored = { ...object, metadata: { namespace: 'default', creationTimestamp: new Date(startOfTime).toISOString(), ...object.metadata, uid: before?.metadata.uid ?? object.metadata.uid ?? `uid-${(uidCount += 1)}` } };
    store.set(keyOf(object.kind, object.metadata.name), stored);
    tell(before ? 'modified' : 'added', stored);
    return stored;
  };
  const remove = (kind: Kind, name: string): void => {
    const object = store.get(keyOf(kind, name));
    if (!object) return;
    store.delete(keyOf(kind, name));
    tell('deleted', object);
  };
  const select = <K extends Kind>(kind: K, options: ListOptions): Kinds[K][] => {
    const error = broken.get(kind);
    if (error) throw error;
    // Whoever puts an object in says its kind.
    return [...store.values()].filter((object): object is Kinds[K] => object.kind === kind && matches(object, options));
  };
  const write = (verb: string, kind: string, name: string): void => {
    writes.push(`${verb} ${kind}/${name}`);
    const error = refused.get(kind);
    refused.delete(kind);
    if (error) throw error;
  };
  for (const object of objects) put(object);

  return {
    target: { kubeconfig: ['/kubeconfig'], contextName: 'test', clusterName: 'test', userName: 'clusterUser_group_test', server: 'https://test.example:443', namespace: 'default' },
    writes,
    put,
    remove,
    find: (kind, name) => store.get(keyOf(kind, name)),
    logTexts,
    keepDeleted: false,
    openWatchCount: () => watchers.size,
    hold(kind) {
      const hold = Promise.withResolvers<void>();
      held.set(kind, hold);
      return () => hold.resolve();
    },
    break(kind, error) {
      broken.set(kind, error);
      for (const watcher of watchers) if (watcher.kind === kind) watcher.events.push(error);
    },
    refuse(kind, error) {
      refused.set(kind, error);
    },
    deny(kind, error) {
      denied.set(kind, error);
    },
    async get(kind, name) {
      return select(kind, {}).find(({ metadata }) => metadata.name === name);
    },
    async list(kind, options = {}) {
      return select(kind, options);
    },
    async *watch<K extends Kind>(kind: K, { signal, ...options }: ListOptions & { signal: AbortSignal }) {
      if (signal.aborted) return;
      const events = createChannel<WatchEvent<KubernetesObject> | Error>();
      const watcher: Watcher = { kind, options, events };
      const hold = held.get(kind);
      const close = (): void => {
        events.close();
        hold?.resolve();
      };
      signal.addEventListener('abort', close, { once: true });
      try {
        await hold?.promise;
        if (signal.aborted) return;
        for (const object of select(kind, options)) yield { type: 'added', object };
        yield { type: 'synced' };
        watchers.add(watcher);
        for await (const event of events) {
          if (event instanceof Error) throw event;
          yield event as WatchEvent<Kinds[K]>;
        }
      } finally {
        watchers.delete(watcher);
        signal.removeEventListener('abort', close);
      }
    },
    async apply(object, { dryRun = false } = {}): Promise<ApplyResult> {
      const denial = denied.get(object.kind);
      if (denial) throw denial;
      if (dryRun) return { object, outcome: store.has(keyOf(object.kind, object.metadata.name)) ? 'configured' : 'created' };
      write('apply', object.kind, object.metadata.name);
      const existing = store.get(keyOf(object.kind, object.metadata.name));
      const { uid, resourceVersion } = object.metadata;
      if (resourceVersion !== undefined && existing && existing.metadata.resourceVersion !== resourceVersion) throw new ConflictError(`Operation cannot be fulfilled on ${object.kind} "${object.metadata.name}": the object has been modified`);
      if (uid !== undefined && existing?.metadata.uid !== uid) throw new ConflictError(`Operation cannot be fulfilled on ${object.kind} "${object.metadata.name}": uid mismatch: the provided object specified uid ${uid}, and no existing object was found`);
      const existed = existing !== undefined;
      return { object: put({ ...object, metadata: { ...object.metadata, resourceVersion: String((versionCount += 1)) } }), outcome: existed ? 'configured' : 'created' };
    },
    async create(object) {
      writes.push(`create ${object.kind}`);
      return object.kind === 'SelfSubjectAccessReview' ? { ...object, status: { allowed: true } } : object;
    },
    async delete(kind, name) {
      write('delete', kind, name);
      const existed = store.has(keyOf(kind, name));
      if (!this.keepDeleted) remove(kind, name);
      return existed;
    },
    async *logs(pod, { container = '', signal }) {
      const text = logTexts.get(`${pod}/${container}`);
      if (text instanceof Error) throw text;
      if (text === undefined) throw new NotFoundError(`No log of ${pod}/${container}.`);
      if (!signal?.aborted) yield text;
    },
    serve(listener) {
      server = createServer(listener);
    },
    async connect(pod, port) {
      if (!server) throw new FailedError(`Nothing listens on port ${port} of ${pod}.`);
      const [ours, theirs] = duplexPair();
      server.emit('connection', theirs);
      return ours;
    },
    serverVersion: async () => 'v1.34.0',
    close: () => {},
  };
};

const keyOf = (kind: string, name: string): string => `${kind}/${name}`;

const matches = (object: KubernetesObject, { labelSelector = '', fieldSelector = '' }: ListOptions): boolean =>
  terms(labelSelector).every(([key, value]) => {
    const [, name = key, values] = /^(\S+) in \((.*)\)$/.exec(key) ?? [];
    const found = object.metadata.labels?.[name];
    if (values !== undefined) return values.split(',').some((one) => one === found);
    return value === undefined ? found !== undefined : found === value;
  }) && terms(fieldSelector).every(([path, value]) => fieldOf(object, path) === value);

const terms = (selector: string): [string, string | undefined][] =>
  selector
    .split(/,(?![^(]*\))/)
    .filter((term) => term !== '')
    .map((term) => {
      const [key = '', value] = term.split('=');
      return [key, value];
    });

const fieldOf = (object: unknown, path: string): unknown =>
  path.split('.').reduce((value: unknown, key) => (typeof value === 'object' && value !== null && key in value ? Reflect.get(value, key) : undefined), object);

/** An Azure whose operations end when the test says so. */
export interface FakeCloud extends Cloud {
  /** `create kpool`, `delete kpool`, `await create kpool`, in order. */
  readonly calls: string[];
  readonly pools: Map<string, AgentPool>;
  /** Ends every operation that is awaited now, and those that follow. */
  succeed(): void;
  fail(error: Error): void;
  /** The next request for a pool, or for its end, fails with this. */
  refuse(verb: 'create' | 'delete', error: Error): void;
  /** Tells how the operation stands. */
  poll(state: string): void;
}

interface Waiter {
  operation: StartedOperation;
  ended: PromiseWithResolvers<AgentPool | undefined>;
  onPoll: ((state: string) => void) | undefined;
}

export const createFakeCloud = (pools: readonly AgentPool[] = []): FakeCloud => {
  const calls: string[] = [];
  const stored = new Map(pools.map((pool) => [pool.name, pool]));
  const waiters = new Set<Waiter>();
  const refused = new Map<string, Error>();
  let outcome: 'pending' | 'succeeds' | Error = 'pending';

  const call = (verb: string, name: string): void => {
    calls.push(`${verb} ${name}`);
    const error = refused.get(verb);
    refused.delete(verb);
    if (error) throw error;
  };
  const settle = ({ operation, ended }: Waiter): void => {
    if (outcome === 'pending') return;
    if (outcome instanceof Error) return ended.reject(outcome);
    const pool = stored.get(operation.agentPool);
    if (operation.kind === 'delete') stored.delete(operation.agentPool);
    else if (pool) stored.set(pool.name, { ...pool, provisioningState: 'Succeeded' });
    ended.resolve(operation.kind === 'delete' ? undefined : stored.get(operation.agentPool));
  };
  const settleAll = (): void => {
    for (const waiter of waiters) settle(waiter);
  };

  return {
    calls,
    pools: stored,
    succeed() {
      outcome = 'succeeds';
      settleAll();
    },
    fail(error) {
      outcome = error;
      settleAll();
    },
    refuse(verb, error) {
      refused.set(verb, error);
    },
    poll(state) {
      for (const { onPoll } of waiters) onPoll?.(state);
    },
    login: async () => ({ description: 'test login' }),
    findManagedCluster: async () => managedCluster(),
    listUsages: async () => [],
    listSkus: async () => [],
    listAgentPools: async () => [...stored.values()],
    getAgentPool: async (_, name) => stored.get(name),
    async createAgentPool(_, request) {
      call('create', request.name);
      if (stored.has(request.name)) throw new ConflictError(`There is an agent pool ${request.name} already.`);
      stored.set(request.name, { ...agentPool(request), provisioningState: 'Creating' });
      return { kind: 'create', agentPool: request.name, state: 'create-operation' };
    },
    async deleteAgentPool(_, name) {
      call('delete', name);
      const pool = stored.get(name);
      if (!pool) return undefined;
      stored.set(name, { ...pool, provisioningState: 'Deleting' });
      return { kind: 'delete', agentPool: name, state: 'delete-operation' };
    },
    async awaitOperation(_, operation, { signal, onPoll }) {
      calls.push(`await ${operation.kind} ${operation.agentPool} (${operation.state})`);
      signal?.throwIfAborted();
      const waiter: Waiter = { operation, ended: Promise.withResolvers(), onPoll };
      const onAbort = (): void => waiter.ended.reject(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      waiters.add(waiter);
      settle(waiter);
      try {
        return await waiter.ended.promise;
      } finally {
        waiters.delete(waiter);
        signal?.removeEventListener('abort', onAbort);
      }
    },
  };
};

export const agentPool = (changes: Partial<AgentPoolRequest & AgentPool> = {}): AgentPool => ({
  id: '/pool',
  name: 'kpool',
  instanceType: 'Standard_NV36ads_A10_v5',
  count: 1,
  provisioningState: 'Succeeded',
  powerState: 'Running',
  labels: {},
  taints: [],
  tags: {},
  spot: false,
  ...changes,
});

export const managedCluster = (changes: Partial<ManagedCluster> = {}): ManagedCluster => ({
  subscriptionId: '00000000-0000-0000-0000-000000000001',
  resourceGroup: 'group',
  name: 'test',
  location: 'eastus',
  kubernetesVersion: '1.34.0',
  nodeResourceGroup: 'MC_group_test_eastus',
  fqdn: 'test.example',
  powerState: 'Running',
  provisioningState: 'Succeeded',
  hasNodeAutoProvisioning: false,
  ...changes,
});
