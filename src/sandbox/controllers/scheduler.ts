import { toTimestamp } from '../kube/store.ts';
import { withCondition } from './conditions.ts';
import { createController, type Reconciliation } from './controller.ts';
import type { Node, Pod } from './object-types.ts';
import { changeStatus, find, isDeleted, isFinished, list } from './objects.ts';
import { refuse, type Refusal } from './node-fit.ts';

/** Puts pods on nodes, or says why it cannot; waiting pods are tried again whenever a node, a pod or a claim changes. */
export const scheduler = createController({
  name: 'default-scheduler',
  resource: 'pods',
  affectedBy({ resource, type, previous, object }, store) {
    // Only what makes room or changes a node can help a pod that waits.
    const isHelp = resource === 'nodes' || resource === 'persistentvolumeclaims' || (resource === 'pods' && (type === 'DELETED' || (previous && !isFinishedPod(previous) && isFinishedPod(object))));
    return isHelp ? list(store, 'pods').filter(isWaiting) : [];
  },
  reconcile(pod, context) {
    if (!isWaiting(pod) || pod.spec?.schedulerName !== 'default-scheduler') return;
    const verdict = place(pod, context);
    if (verdict.node) bind(pod, verdict.node, context);
    else refusePod(pod, verdict.message, context);
  },
});

const isWaiting = (pod: Pod): boolean => !pod.spec?.nodeName && !isDeleted(pod) && !isFinished(pod);

const isFinishedPod = (object: { [field: string]: unknown }): boolean => {
  const { status } = object;
  const phase: unknown = typeof status === 'object' && status !== null ? Reflect.get(status, 'phase') : undefined;
  return phase === 'Succeeded' || phase === 'Failed';
};

type Verdict = { node: Node } | { node: undefined; message: string };

const place = (pod: Pod, { store, faults }: Reconciliation): Verdict => {
  const nodes = list(store, 'nodes');
  if (nodes.length === 0) return { node: undefined, message: 'no nodes available to schedule pods' };
  const missing = findMissingClaim(pod, store);
  if (missing !== undefined) return { node: undefined, message: `0/${nodes.length} nodes are available: ${missing}. preemption: ${unhelpful(nodes.length)}` };

  const byNode = Map.groupBy(list(store, 'pods').filter((other) => other.spec?.nodeName && !isFinished(other)), ({ spec }) => spec?.nodeName);
  const refusals: Refusal[] = [];
  let best: { node: Node; load: number } | undefined;
  for (const node of nodes) {
    const neighbours = byNode.get(node.metadata.name) ?? [];
    const refusal = refuse(pod, node, neighbours, faults);
    if (refusal) refusals.push(refusal);
    else if (!best || neighbours.length < best.load) best = { node, load: neighbours.length };
  }
  return best ? { node: best.node } : { node: undefined, message: describe(nodes.length, refusals) };
};

const findMissingClaim = (pod: Pod, store: Reconciliation['store']): string | undefined => {
  for (const { persistentVolumeClaim } of pod.spec?.volumes ?? []) {
    if (!persistentVolumeClaim) continue;
    const claim = find(store, 'persistentvolumeclaims', pod.metadata.namespace, persistentVolumeClaim.claimName);
    if (!claim) return `persistentvolumeclaim "${persistentVolumeClaim.claimName}" not found`;
    if (isDeleted(claim)) return `persistentvolumeclaim "${persistentVolumeClaim.claimName}" is being deleted`;
    if (!claim.spec?.storageClassName && !claim.spec?.volumeName) return 'pod has unbound immediate PersistentVolumeClaims';
  }
  return undefined;
};

/** https://github.com/kubernetes/kubernetes/blob/v1.34.2/pkg/scheduler/framework/types.go, `FitError` */
const describe = (nodeCount: number, refusals: readonly Refusal[]): string => {
  const crowded = refusals.filter(({ canChange }) => canChange).length;
  const victims = crowded > 0 ? [`${crowded} No preemption victims found for incoming pod`] : [];
  const hopeless = nodeCount > crowded ? [`${nodeCount - crowded} Preemption is not helpful for scheduling`] : [];
  return `${histogram(nodeCount, refusals)} preemption: 0/${nodeCount} nodes are available: ${[...victims, ...hopeless].sort().join(', ')}.`;
};

const histogram = (nodeCount: number, refusals: readonly Refusal[]): string => {
  const counts = Map.groupBy(refusals.flatMap(({ reasons }) => reasons), (reason) => reason);
  const told = [...counts].map(([reason, { length }]) => `${length} ${reason}`).sort();
  return `0/${nodeCount} nodes are available: ${told.join(', ')}.`;
};

const unhelpful = (nodeCount: number): string => `0/${nodeCount} nodes are available: ${nodeCount} Preemption is not helpful for scheduling.`;

const bind = (pod: Pod, node: Node, { store, clock, record }: Reconciliation): void => {
  // Binding is no change of what is wanted, so the generation stays.
  changeStatus(store, 'pods', pod, (draft) => {
    if (draft.spec) draft.spec.nodeName = node.metadata.name;
    draft.status = { ...draft.status, conditions: withCondition(draft.status?.conditions, { type: 'PodScheduled', status: 'True' }, toTimestamp(clock.now())) };
  });
  record(pod, { type: 'Normal', reason: 'Scheduled', message: `Successfully assigned ${pod.metadata.namespace}/${pod.metadata.name} to ${node.metadata.name}` });
};

const refusePod = (pod: Pod, message: string, { store, clock, record }: Reconciliation): void => {
  const earlier = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (earlier?.status === 'False' && earlier.message === message) return;
  changeStatus(store, 'pods', pod, (draft) => {
    const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message };
    draft.status = { ...draft.status, phase: 'Pending', conditions: withCondition(draft.status?.conditions, condition, toTimestamp(clock.now())) };
  });
  record(pod, { type: 'Warning', reason: 'FailedScheduling', message });
};
