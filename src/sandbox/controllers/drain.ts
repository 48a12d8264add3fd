import type { SandboxClock } from '../clock.ts';
import { type Store, toTimestamp } from '../kube/store.ts';
import { withCondition } from './conditions.ts';
import type { Node, Pod } from './object-types.ts';
import { change, changeStatus, controllerOf, isDeleted, isFinished, list, remove } from './objects.ts';

/** How much longer than their grace period pods are waited for. */
const patienceMs = 30_000;

/** Cordons a node and evicts its pods, but for daemons, which would only come back; resolves when they are gone or have had their time. Rejects with the signal's reason. */
export const drain = async (node: Node, { store, clock, signal }: { store: Store; clock: SandboxClock; signal?: AbortSignal }): Promise<void> => {
  change(store, 'nodes', node, (draft) => {
    draft.spec = { ...draft.spec, unschedulable: true };
  });
  const podsHere = (): Pod[] => list(store, 'pods').filter((pod) => pod.spec?.nodeName === node.metadata.name && controllerOf(pod)?.kind !== 'DaemonSet');
  const pods = podsHere().filter((pod) => !isFinished(pod));
  for (const pod of pods) evict(pod, store, toTimestamp(clock.now()));
  const graceSeconds = Math.max(0, ...pods.map(({ spec }) => spec?.terminationGracePeriodSeconds ?? 30));
  const isEmpty = (): boolean => podsHere().every(isFinished);
  if (!isEmpty()) await waitUntil(isEmpty, { store, clock, timeoutMs: graceSeconds * 1000 + patienceMs, ...(signal ? { signal } : {}) });
};

/** The Eviction API marks the pod before it deletes it, so that a Job can tell this end from a failure. */
const evict = (pod: Pod, store: Store, now: string): void => {
  if (isDeleted(pod)) return;
  const disruption = { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting' };
  changeStatus(store, 'pods', pod, (draft) => {
    draft.status = { ...draft.status, conditions: withCondition(draft.status?.conditions, disruption, now) };
  });
  remove(store, 'pods', pod);
};

/** Whichever comes first: the store says so, or the time is up. Rejects with the signal's reason. */
const waitUntil = async (isTrue: () => boolean, { store, clock, timeoutMs, signal }: { store: Store; clock: SandboxClock; timeoutMs: number; signal?: AbortSignal }): Promise<void> => {
  const over = new AbortController();
  const unsubscribe = store.subscribe(() => {
    if (isTrue()) over.abort();
  });
  try {
    await clock.sleep(timeoutMs, AbortSignal.any([over.signal, ...(signal ? [signal] : [])]));
  } catch (error) {
    if (signal?.aborted) throw error;
  } finally {
    unsubscribe();
  }
};
