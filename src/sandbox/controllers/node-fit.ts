import type { Faults } from '../faults.ts';
import type { Container, Node, Pod, PodSpec } from './object-types.ts';
import { parseQuantity } from './quantity.ts';

/** Why a node is not for a pod, in the scheduler's words; `canChange` when less load on the node would help. */
export interface Refusal {
  reasons: string[];
  canChange: boolean;
}

export type Taint = NonNullable<NonNullable<Node['spec']>['taints']>[number];
type Toleration = NonNullable<PodSpec['tolerations']>[number];
type SelectorTerm = { matchExpressions?: Requirement[]; matchFields?: Requirement[] };
type Requirement = { key: string; operator: string; values?: string[] };

/**
 * The scheduler's filters, in their order; the first that refuses is the one that is told. Undefined: the pod fits.
 * https://kubernetes.io/docs/reference/scheduling/config/#scheduling-plugins
 */
export const refuse = (pod: Pod, node: Node, neighbours: readonly Pod[], faults: Faults): Refusal | undefined => {
  const tolerations = pod.spec?.tolerations ?? [];
  const cordon: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
  if (node.spec?.unschedulable && !tolerations.some((toleration) => tolerates(toleration, cordon))) return never('node(s) were unschedulable');
  const taint = findUntolerated(node, tolerations);
  if (taint) return never(`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`);
  if (!matchesAffinity(pod, node)) return never("node(s) didn't match Pod's node affinity/selector");
  return refuseLoad(pod, node, neighbours, faults);
};

const never = (reason: string): Refusal => ({ reasons: [reason], canChange: false });

export const findUntolerated = ({ spec }: Node, tolerations: readonly Toleration[]): Taint | undefined =>
  spec?.taints?.find((taint) => (taint.effect === 'NoSchedule' || taint.effect === 'NoExecute') && !tolerations.some((toleration) => tolerates(toleration, taint)));

const tolerates = ({ key, operator, value, effect }: Toleration, taint: Taint): boolean => {
  if (effect && effect !== taint.effect) return false;
  if (key && key !== taint.key) return false;
  if (operator === 'Exists') return true;
  return Boolean(key) && (value ?? '') === (taint.value ?? '');
};

const matchesAffinity = (pod: Pod, node: Node): boolean => {
  const labels = node.metadata.labels ?? {};
  if (!Object.entries(pod.spec?.nodeSelector ?? {}).every(([key, value]) => labels[key] === value)) return false;
  const terms: SelectorTerm[] | undefined = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return terms === undefined || terms.some((term) => matchesTerm(term, labels, { 'metadata.name': node.metadata.name }));
};

/** An empty term matches nothing. */
const matchesTerm = ({ matchExpressions = [], matchFields = [] }: SelectorTerm, labels: Record<string, string>, fields: Record<string, string>): boolean =>
  matchExpressions.length + matchFields.length > 0 && matchExpressions.every((requirement) => isMet(requirement, labels)) && matchFields.every((requirement) => isMet(requirement, fields));

const isMet = ({ key, operator, values = [] }: Requirement, labels: Record<string, string>): boolean => {
  const value = labels[key];
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && Number(value) > Number(values[0]);
    case 'Lt':
      return value !== undefined && Number(value) < Number(values[0]);
    default:
      return false;
  }
};

const refuseLoad = (pod: Pod, node: Node, neighbours: readonly Pod[], faults: Faults): Refusal | undefined => {
  const allocatable = node.status?.allocatable ?? {};
  const reasons: string[] = [];
  let canChange = true;
  if (neighbours.length + 1 > (parseQuantity(allocatable['pods'] ?? '110') ?? 0)) reasons.push('Too many pods');
  for (const [resource, wanted] of requestsOf(pod)) {
    if (wanted === 0) continue;
    const total = parseQuantity(allocatable[resource] ?? '0') ?? 0;
    const used = neighbours.reduce((sum, neighbour) => sum + (requestsOf(neighbour).get(resource) ?? 0), 0);
    if (wanted + used <= total) continue;
    reasons.push(`Insufficient ${resource}`);
    if (wanted > total) canChange = false;
  }
  if (reasons.length === 0 && faults.has('unschedulable')) reasons.push(requestsOf(pod).has('nvidia.com/gpu') ? 'Insufficient nvidia.com/gpu' : 'Too many pods');
  return reasons.length > 0 ? { reasons, canChange } : undefined;
};

/** Containers run together, init containers one by one before them: the larger need counts. Cores, bytes, pieces. */
const requestsOf = ({ spec }: Pod): Map<string, number> => {
  const needs = new Map<string, number>();
  for (const [resource, amount] of (spec?.containers ?? []).flatMap(needOf)) needs.set(resource, (needs.get(resource) ?? 0) + amount);
  for (const [resource, amount] of (spec?.initContainers ?? []).flatMap(needOf)) needs.set(resource, Math.max(needs.get(resource) ?? 0, amount));
  return needs;
};

const needOf = ({ resources }: Container): [string, number][] =>
  Object.entries({ ...resources?.limits, ...resources?.requests }).map(([resource, quantity]) => [resource, parseQuantity(quantity) ?? 0]);
