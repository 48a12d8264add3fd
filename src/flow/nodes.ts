import type { Kinds } from '../cluster/kinds.ts';
import { formatDuration } from '../domain/duration.ts';
import { TimeoutError } from '../domain/errors.ts';
import type { Event } from '../domain/event.ts';
import { wholeGpu } from '../domain/mig.ts';
import type { AwaitNodesStep } from '../domain/plan.ts';
import type { Session } from './session.ts';
import { track, Tracked, waitFor } from './wait.ts';

type Node = Kinds['Node'];

/**
 * Until enough nodes are Ready and have their GPUs *allocatable*: Azure's success is not a Ready node, and a Ready node
 * has no GPU before its device plugin has registered.
 */
export async function* awaitNodes(step: AwaitNodesStep, session: Session): AsyncGenerator<Event, string> {
  const nodes = new Tracked<'Node'>();
  return yield* waitFor({
    what: step.count === 1 ? 'the node' : `${step.count} nodes`,
    timeoutMs: step.timeoutMs,
    clock: session.clock,
    signal: session.signal,
    sources: (signal) => [track(session.cluster, 'Node', { labelSelector: step.labelSelector }, nodes, signal)],
    judge() {
      const usable = [...nodes.values()].filter((node) => isNodeReady(node) && allocatableGpus(node, step.gpuResource) >= step.gpusPerNode);
      if (usable.length >= step.count) return { state: 'done', value: usable.map(({ metadata }) => metadata.name).join(', ') };
      return { state: 'waiting', reason: describeNodes([...nodes.values()], step.count, step.gpuResource) };
    },
    onTimeout: (reason) =>
      new TimeoutError(`The nodes were not ready with their GPUs in ${formatDuration(step.timeoutMs)}.`, {
        reason: 'NodeNotReady',
        fact: reason,
        hints: [
          `kubectl get nodes -l ${step.labelSelector}`,
          ...(reason.includes('allocatable') ? ['kaito-ts doctor   # is a device plugin there, and does it tolerate sku=gpu:NoSchedule?'] : []),
          `kaito-ts delete ${session.plan.workspace.metadata.name}`,
        ],
      }),
  });
}

export const isNodeReady = (node: Node): boolean => node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;

export const allocatableGpus = (node: Node, resource = wholeGpu): number => Number(node.status?.allocatable?.[resource] ?? 0);

/** How far the nodes have come, told from the slowest. */
export const describeNodes = (nodes: readonly Node[], wantedCount: number, resource = wholeGpu): string => {
  const ready = nodes.filter(isNodeReady);
  const withGpus = ready.filter((node) => allocatableGpus(node, resource) > 0);
  if (nodes.length < wantedCount) return `${nodes.length} of ${wantedCount} nodes joined`;
  if (ready.length < wantedCount) {
    const [waiting] = nodes.filter((node) => !isNodeReady(node));
    const condition = waiting?.status?.conditions?.find(({ type }) => type === 'Ready');
    return `${ready.length} of ${wantedCount} nodes Ready${condition?.message ? ` (${waiting?.metadata.name}: ${condition.message})` : ''}`;
  }
  if (withGpus.length < wantedCount) return `${withGpus.length} of ${wantedCount} nodes have ${resource} allocatable; the device plugin has not registered yet`;
  return `${withGpus.length} of ${wantedCount} nodes Ready with GPUs`;
};
