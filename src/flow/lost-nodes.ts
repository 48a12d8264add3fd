import type { Cluster } from '../cluster/cluster.ts';
import type { Kinds } from '../cluster/kinds.ts';
import type { Clock } from '../domain/clock.ts';
import { AccessError } from '../domain/errors.ts';
import { type Diagnosis, hasEnded } from './diagnose.ts';
import { merge } from './merge.ts';
import { isNodeReady } from './nodes.ts';
import { track, Tracked, untilDefined } from './wait.ts';

type Pod = Kinds['Pod'];
type Node = Kinds['Node'];

/** Undefined is a node of which nothing is known. */
export type FindNode = (name: string) => Node | 'gone' | undefined;

/**
 * Why pods that look well do nothing: their node is not there, so what their status says is old. A node may come back, and
 * a pod that is cleared away may be replaced, so neither is fatal.
 */
export const diagnoseNodes = (pods: readonly Pod[], find: FindNode): Diagnosis | undefined => {
  const alive = pods.filter((pod) => !hasEnded(pod));
  const staying = alive.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  // Once another has taken its place, a pod on its way out says nothing of how things stand.
  for (const pod of staying.length > 0 ? staying : alive) {
    const name = pod.spec?.nodeName;
    if (name === undefined) continue;
    const node = find(name);
    const diagnosis = node === 'gone' ? nodeGone(pod, name) : node && !isNodeReady(node) ? nodeNotReady(pod, node) : undefined;
    if (diagnosis) return diagnosis;
  }
  return undefined;
};

const nodeGone = ({ metadata }: Pod, node: string): Diagnosis => ({
  reason: 'NodeLost',
  message: `node ${node} is gone, and pod "${metadata.name}" is lost with it; Kubernetes clears the pod away in a minute or so`,
  hints: ['kubectl get nodes', `kubectl describe pod ${metadata.name} -n ${metadata.namespace}`],
  isFatal: false,
});

const nodeNotReady = ({ metadata }: Pod, node: Node): Diagnosis => {
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
  const since = ready?.lastTransitionTime === undefined ? '' : ` since ${ready.lastTransitionTime}`;
  const why = ready?.message ? `: ${ready.message.replace(/\.$/, '')}` : '';
  // Only its kubelet can end a pod, and nothing takes its place before.
  const ending = metadata.deletionTimestamp === undefined ? '' : `; pod "${metadata.name}" is to end, which it can when the node is back or deleted`;
  return { reason: 'NodeNotReady', message: `node ${node.metadata.name} is NotReady${since}${why}${ending}`, hints: [`kubectl describe node ${node.metadata.name}`], isFatal: false };
};

export interface FollowedNodes {
  find: FindNode;
  /** Watches each node on which a pod is, from the moment in which it is there. */
  follow(signal: AbortSignal): AsyncGenerator<'changed'>;
}

export const followNodes = (cluster: Cluster, clock: Clock, pods: ReadonlyMap<string, Pod>): FollowedNodes => {
  const followed = new Map<string, Tracked<'Node'>>();
  const findNext = (): string | undefined => [...pods.values()].map(({ spec }) => spec?.nodeName).find((name) => name !== undefined && !followed.has(name));
  const followOne = async function* (name: string, signal: AbortSignal): AsyncGenerator<'changed'> {
    const nodes = new Tracked<'Node'>();
    followed.set(name, nodes);
    try {
      yield* track(cluster, 'Node', { fieldSelector: `metadata.name=${name}` }, nodes, signal);
    } catch (error) {
      // Who may not look at nodes is not told of them, and loses nothing else.
      if (!(error instanceof AccessError)) throw error;
      nodes.isComplete = false;
    }
  };
  const follow = async function* (signal: AbortSignal): AsyncGenerator<'changed'> {
    const name = await untilDefined(findNext, clock, signal);
    if (name !== undefined) yield* merge([followOne(name, signal), follow(signal)]);
  };
  return {
    follow,
    find(name) {
      const nodes = followed.get(name);
      return nodes?.isComplete ? (nodes.get(name) ?? 'gone') : undefined;
    },
  };
};
