import { createHash } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { SandboxClock } from '../clock.ts';
import { createQueue } from '../controllers/controller.ts';
import type { Pod } from '../controllers/object-types.ts';
import { find, isDeleted, isFinished, isOf, list } from '../controllers/objects.ts';
import type { Faults } from '../faults.ts';
import type { Store } from '../kube/store.ts';
import type { Program } from '../programs/program.ts';
import type { KubeletContext } from './pod-context.ts';
import type { PodKey, PodRuntime } from './pod-runtime.ts';
import { type PodWorker, startPodWorker } from './pod-worker.ts';

export interface KubeletOptions {
  store: Store;
  clock: SandboxClock;
  faults: Faults;
  programs: readonly Program[];
  /** Requests as containers send them. */
  fetch: typeof fetch;
}

export interface Kubelet extends PodRuntime {
  /** Ends all containers. Resolves when they have ended. */
  close(): Promise<void>;
}

/** The kubelets of all nodes: runs the pods that are bound to nodes, and writes what becomes of them. */
export const createKubelet = ({ store, clock, faults, programs, fetch }: KubeletOptions): Kubelet => {
  const context: KubeletContext = { store, clock, faults, programs, fetch, disks: { claims: new Map(), hosts: new Map() }, pulled: new Set() };
  /** By the pod's uid; a pod that has ended keeps its logs until it is deleted. */
  const workers = new Map<string, PodWorker>();
  const closing = new AbortController();
  const nextAddress = createAddresses();

  const forget = (uid: string): void => {
    workers.get(uid)?.vanish();
    workers.delete(uid);
  };

  const look = (pod: Pod): void => {
    const { uid } = pod.metadata;
    const node = find(store, 'nodes', undefined, pod.spec?.nodeName ?? '');
    if (!node) return forget(uid);
    const worker = workers.get(uid);
    if (isDeleted(pod)) {
      if (worker) worker.terminate(pod.metadata.deletionGracePeriodSeconds ?? 30);
      if (!worker || isFinished(pod)) finish(pod);
    } else if (!worker && !isFinished(pod)) {
      const hostIp = node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? '10.224.0.4';
      const started = startPodWorker(pod, { podIp: nextAddress(), hostIp }, context);
      workers.set(uid, started);
      // Its end may be what a deletion waits for.
      void started.done.then(() => queue.add(uid));
    }
  };

  /** Nothing of the pod runs any more: the API may forget it. */
  const finish = ({ metadata: { namespace, name, uid, deletionGracePeriodSeconds } }: Pod): void => {
    if (deletionGracePeriodSeconds === 0 || find(store, 'pods', namespace, name)?.metadata.uid !== uid) return;
    store.delete('pods', namespace, name, { gracePeriodSeconds: 0 });
  };

  const pods = new Map<string, { namespace: string | undefined; name: string }>();
  const queue = createQueue((uid) => {
    const key = pods.get(uid);
    const pod = key && find(store, 'pods', key.namespace, key.name);
    if (pod?.metadata.uid === uid) return look(pod);
    pods.delete(uid);
    forget(uid);
  }, closing.signal);
  const add = ({ metadata: { uid, namespace, name }, spec }: Pod): void => {
    if (!spec?.nodeName) return;
    pods.set(uid, { namespace, name });
    queue.add(uid);
  };

  const unsubscribe = store.subscribe((change) => {
    if (isOf('pods', change)) add(change.object);
    else if (change.resource === 'nodes') for (const pod of list(store, 'pods')) if (pod.spec?.nodeName === change.object.metadata.name) add(pod);
  });
  for (const pod of list(store, 'pods')) add(pod);

  return {
    log: (pod, container, { previous }) => workers.get(pod.uid)?.log(container, previous),
    connect: async (pod, port) => connect(workers.get(pod.uid), pod, port),
    async close() {
      unsubscribe();
      closing.abort();
      const ending = [...workers.values()];
      for (const worker of ending) worker.vanish();
      await Promise.allSettled(ending.map(({ done }) => done));
    },
  };
};

const connect = (worker: PodWorker | undefined, pod: PodKey, port: number): Duplex => {
  const connection = worker?.connect(port);
  if (connection) return connection;
  // containerd knows the pod by its sandbox.
  const sandboxId = createHash('sha256').update(pod.uid).digest('hex');
  const refused = `IPv4: dial tcp4 127.0.0.1:${port}: connect: connection refused IPv6 dial tcp6: address localhost: no suitable address found `;
  throw new Error(
    `error forwarding port ${port} to pod ${sandboxId}, uid : failed to execute portforward in network namespace "/var/run/netns/cni-${pod.uid}": failed to connect to localhost:${port} inside namespace "${sandboxId}", ${refused}`,
  );
};

/** 10.244.0.0/16 is where AKS overlay networks put pods. */
const createAddresses = (): (() => string) => {
  let count = 3;
  return () => {
    count += 1;
    return `10.244.${Math.floor(count / 250) % 256}.${(count % 250) + 2}`;
  };
};
