import { parseMigProfile } from '../../domain/mig.ts';
import { isAutoProvisioning } from '../environment.ts';
import { quote } from '../go-text.ts';
import { generic, invalidValue, missingField, type Finding, type Rule } from '../rule.ts';
import { canUsePartitions, findKaitoPreset, type Subject } from '../subject.ts';
import { quantityText } from './quantity-text.ts';
import { areMachinesJudged, isResourceJudged, nodeLabels } from './resource.ts';

const workspaceValidation = 'api/v1beta1/workspace_validation.go';

interface MatchingNodes {
  nodes: readonly { name: string; labels: Readonly<Record<string, string>> }[];
  /** Of all of one node's GPUs. */
  gpuMemoryGiB: number;
}

/** The nodes that the selector means; undefined where it is not asked or nobody knows. Without labels that count, all of them. */
const matchingNodes = (subject: Subject): MatchingNodes['nodes'] | undefined => {
  const wanted = Object.entries(nodeLabels(subject));
  return subject.facts.nodes?.filter(({ labels }) => wanted.every(([key, value]) => labels[key] === value));
};

const isAsked = (subject: Subject): boolean => areMachinesJudged(subject) && !isAutoProvisioning(subject.environment) && subject.inference?.preset !== undefined && !subject.resource.partition;

const gpuLabels = ['nvidia.com/gpu.product', 'nvidia.com/gpu.count', 'nvidia.com/gpu.memory'] as const;

const selectorPath = ['resource', 'labelSelector'];

const nodeFix = 'Choose nodes of one kind by labelSelector.matchLabels, where GPU feature discovery has written its labels.';

const judgeNodes = (subject: Subject): Finding[] => {
  const nodes = matchingNodes(subject);
  if (!isAsked(subject) || !nodes) return [];
  if (nodes.length === 0) return refuseNodes('No nodes found matching the specified label selector');
  let before: NodeGpus | undefined;
  for (const { name, labels } of nodes) {
    const gpus = readGpus(name, labels);
    if (typeof gpus === 'string') return refuseNodes(`Failed to get GPU config from nvidia labels on node ${name}: ${gpus}`);
    if (before && before.product !== gpus.product) {
      return refuseNodes(`Non-uniform GPU product: node ${name} has ${gpus.product} GPUs, but previous node has ${before.product} GPUs, all nodes must have the same GPU product for homogeneous placement`);
    }
    if (before && before.count !== gpus.count) return refuseNodes(`Non-uniform GPU count: node ${name} has ${gpus.count} GPUs, but previous node has ${before.count} GPUs`);
    if (before && before.memoryGiB !== gpus.memoryGiB) return refuseNodes(`Non-uniform GPU memory: node ${name} has ${quantityText(gpus.memoryGiB)} memory, but previous node has ${quantityText(before.memoryGiB)} memory`);
    before ??= gpus;
  }
  return [];
};

interface NodeGpus {
  product: string;
  count: number;
  /** Of all of them. */
  memoryGiB: number;
}

/** What GPU feature discovery has written on a node, or what is wrong with it: https://github.com/kaito-project/kaito/blob/056b8280/pkg/sku/helpers.go#L84 */
const readGpus = (name: string, labels: Readonly<Record<string, string>>): NodeGpus | string => {
  const [product, count, memory] = gpuLabels.map((label) => labels[label]);
  if (product === undefined || count === undefined || memory === undefined) return `missing required nvidia.com labels on node ${name}`;
  if (!isInteger(count)) return `invalid nvidia.com/gpu.count value on node ${name}: ${count}`;
  if (!isInteger(memory)) return `invalid nvidia.com/gpu.memory value on node ${name}: ${memory}`;
  return { product, count: Number(count), memoryGiB: toGiB(memory) * Number(count) };
};

const isInteger = (text: string): boolean => /^[+-]?\d+$/.test(text);

const refuseNodes = (message: string): Finding[] => [{ path: selectorPath, ...generic(message, ''), fix: nodeFix }];

/** The label has MiB of one GPU. */
const toGiB = (memory: string): number => Math.trunc(Number(memory) / 1024 + 0.5);

/** Of uniform nodes with their labels; undefined otherwise. */
export const existingMachine = (subject: Subject): { nodeCount: number; gpuCount: number; gpuMemoryGiB: number } | undefined => {
  const nodes = matchingNodes(subject);
  const [first] = nodes ?? [];
  const gpus = first && judgeNodes(subject).length === 0 ? readGpus(first.name, first.labels) : undefined;
  return !nodes || gpus === undefined || typeof gpus === 'string' ? undefined : { nodeCount: nodes.length, gpuCount: gpus.count, gpuMemoryGiB: gpus.memoryGiB };
};

export const existingNodeRules: readonly Rule[] = [
  { code: 'existing-nodes', source: 'kaito', severity: 'error', on: 'create', stage: 'webhook', upstream: `${workspaceValidation}#L550`, check: judgeNodes },
  {
    code: 'existing-nodes-unknown',
    source: 'kaito-ts',
    severity: 'warning',
    on: 'create',
    upstream: `${workspaceValidation}#L550`,
    check: (subject) =>
      isAsked(subject) && !subject.facts.nodes ? [{ path: selectorPath, message: 'Whether nodes with these labels exist, and whether the model fits them, is unknown: no Node was given.', fix: 'Add the Nodes to the files (kubectl get nodes -o yaml), or ask the cluster with --cluster-facts.' }] : [],
  },
  {
    code: 'partition-invalid',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    upstream: `${workspaceValidation}#L727`,
    isReached: areMachinesJudged,
    check: (subject) => (isResourceJudged(subject) && !isAutoProvisioning(subject.environment) ? judgePartition(subject) : []),
  },
];

const judgePartition = (subject: Subject): Finding[] => {
  const { resource, environment, inference, annotations, facts } = subject;
  const partition = resource.partition;
  if (!partition) return [];
  const path = ['resource', 'partition'];
  const told = (field: string, text: string, fix: string): Finding => ({ path: [...path, field], ...invalidValue(text, `resource.partition.${field}`), fix });
  const isMig = partition.mode === 'mig';
  if (!canUsePartitions(environment, partition.mode)) {
    const [what, gate] = isMig ? ['MIG', 'enableMIG'] : ['accelerator partition', 'enableAccelerator'];
    return [{ path, ...generic(`${what} support is not enabled, set feature gate ${gate}=true`, 'resource.partition'), fix: `Open the gate: --feature-gates ${gate}=true.` }];
  }
  if (!isMig) {
    return [
      ...(partition.profile === '' ? [] : [told('profile', 'profile is not valid for accelerator mode', 'Leave profile out.')]),
      ...(partition.count === undefined ? [{ path, ...missingField('resource.partition.count'), fix: 'Add count, the number of GPUs.' }] : []),
    ];
  }
  const { profile } = partition;
  const slice = parseMigProfile(profile);
  if (partition.count !== undefined) return [told('count', 'count is only valid for accelerator mode', 'Leave count out.')];
  if (!slice) return [told('profile', `invalid MIG profile format ${quote(profile)}: expected format like '1g.10gb'`, 'Write a profile such as 1g.10gb.')];
  if (/^0+g/.test(profile)) return [told('profile', `invalid MIG profile ${quote(profile)}: compute slices must be > 0`, 'Write a profile such as 1g.10gb.')];
  if (!migProfiles.includes(profile)) return [told('profile', `unknown MIG profile ${quote(profile)}: must be one of [${migProfiles.join(' ')}]`, 'Choose one of these profiles.')];
  const preset = inference?.preset && findKaitoPreset(facts.presets, inference.preset.name);
  if (!preset || annotations['kaito.sh/bypass-resource-checks'] !== undefined || preset.weightsGiB <= slice.memoryGiB) return [];
  const name = inference.preset?.name.toLowerCase() ?? '';
  return [{ path: [...path, 'profile'], ...invalidValue(`Model ${name} requires at least ${preset.weightsGiB.toFixed(2)}Gi for weights, which exceeds the ${profile} MIG slice capacity of ${quantityText(slice.memoryGiB)}`, 'resource.partition'), fix: 'Choose a larger slice, or a smaller model.' }];
};

/** https://github.com/kaito-project/kaito/blob/056b8280/pkg/utils/mig/mig.go#L34 */
const migProfiles = [
  ...'1g.10gb 1g.12gb 1g.18gb 1g.20gb 1g.23gb 1g.24gb 1g.35gb 1g.45gb 1g.5gb 1g.6gb'.split(' '),
  ...'2g.10gb 2g.12gb 2g.20gb 2g.24gb 2g.35gb 2g.45gb'.split(' '),
  ...'3g.20gb 3g.40gb 3g.47gb 3g.48gb 3g.71gb 3g.90gb'.split(' '),
  ...'4g.20gb 4g.24gb 4g.40gb 4g.47gb 4g.48gb 4g.71gb 4g.90gb'.split(' '),
  ...'7g.141gb 7g.180gb 7g.40gb 7g.80gb 7g.94gb 7g.96gb'.split(' '),
];
