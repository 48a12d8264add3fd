import { createSandboxClock, type SandboxClock } from '../../../src/sandbox/clock.ts';
import { startControllers } from '../../../src/sandbox/controllers/index.ts';
import type { Objects } from '../../../src/sandbox/controllers/object-types.ts';
import { create, find, list, type NewObject } from '../../../src/sandbox/controllers/objects.ts';
import { createFaults, type Fault } from '../../../src/sandbox/faults.ts';

import { createStore, type Store } from '../../../src/sandbox/kube/store.ts';
import { createKubelet, type Kubelet } from '../../../src/sandbox/kubelet/kubelet.ts';
import type { Program } from '../../../src/sandbox/programs/program.ts';

export interface TestCluster {
  store: Store;
  clock: SandboxClock;
  kubelet: Kubelet;
  create<R extends keyof Objects>(resource: R, object: NewObject): Objects[R];
  get<R extends keyof Objects>(resource: R, name: string): Objects[R] | undefined;
  list<R extends keyof Objects>(resource: R): Objects[R][];
  /** Resolves with the first answer that is not undefined or false; rejects when the store stays silent about it. */
  until<T>(what: string, ask: () => T | undefined | false): Promise<T>;
  /** `reason: message` of an object's events. */
  eventsOf(name: string): string[];
  stop(): Promise<void>;
}

export interface TestClusterOptions {
  faults?: readonly Fault[];
  programs?: readonly Program[];
  clock?: SandboxClock;
  fetch?: typeof fetch;
  /** Absent: nothing runs pods. */
  withKubelet?: boolean;
}

const patienceMs = 60_000;

/** Controllers, and kubelets where wanted, over an empty store with the namespace `default` in it. */
export const startCluster = ({ faults: names = [], programs = [], clock = createSandboxClock(1e6), fetch = globalThis.fetch, withKubelet = true }: TestClusterOptions = {}): TestCluster => {
  const faults = createFaults(names);
  const store = createStore({ now: () => clock.now() });
  store.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' }, spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } });
  const kubelet = createKubelet({ store: withKubelet ? store : createStore({ now: () => clock.now() }), clock, faults, programs, fetch });
  const controllers = startControllers({ store, clock, faults });
  return {
    store,
    clock,
    kubelet,
    create: (resource, object) => create(store, resource, object),
    get: (resource, name) => find(store, resource, 'default', name) ?? find(store, resource, undefined, name),
    list: (resource) => list(store, resource),
    until: (what, ask) => waitUntil(store, what, ask),
    eventsOf: (name) =>
      list(store, 'events')
        .filter(({ involvedObject }) => involvedObject.name === name)
        .map(({ reason, message }) => `${reason}: ${message}`),
    async stop() {
      controllers.stop();
      await kubelet.close();
    },
  };
};

const waitUntil = async <T>(store: Store, what: string, ask: () => T | undefined | false): Promise<T> => {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const look = (): void => {
    const answer = ask();
    if (answer !== undefined && answer !== false) resolve(answer);
  };
  const unsubscribe = store.subscribe(look);
  const timer = setTimeout(() => reject(new Error(`In vain: ${what}`)), patienceMs);
  look();
  try {
    return await promise;
  } finally {
    unsubscribe();
    clearTimeout(timer);
  }
};

/** A node that is Ready, as far as the scheduler and the kubelet look. */
export const nodeNamed = (name: string, { labels = {}, taints = [], gpus = 0 }: { labels?: Record<string, string>; taints?: { key: string; value?: string; effect: string }[]; gpus?: number } = {}): NewObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
  spec: taints.length > 0 ? { taints } : {},
  status: { allocatable: { cpu: '4', memory: '16Gi', pods: '110', ...(gpus > 0 ? { 'nvidia.com/gpu': String(gpus) } : {}) }, addresses: [{ type: 'InternalIP', address: '10.224.0.4' }] },
});

export const podNamed = (name: string, spec: Record<string, unknown>, metadata: Record<string, unknown> = {}): NewObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', ...metadata },
  spec: { restartPolicy: 'Never', ...spec },
});

/** A container that runs a program of the test. */
export const containerNamed = (name: string, word: string, rest: Record<string, unknown> = {}): Record<string, unknown> => ({ name, image: 'busybox:1.37', command: [word], ...rest });

/** A program that is found by the first word of the command. */
export const programNamed = (word: string, run: Program['run']): Program => ({ matches: ({ command }) => command[0] === word, run });
