import { parseMigProfile } from '../../domain/mig.ts';
import { isAutoProvisioning } from '../environment.ts';
import { generic, invalidValue, type Finding, type Rule } from '../rule.ts';
import { canUsePartitions, findKaitoPreset, type Subject } from '../subject.ts';
import { quantityText } from './quantity-text.ts';
import { isResourceJudged, nodeLabels } from './resource.ts';

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

const isAsked = (subject: Subject): boolean => isResourceJudged(subject) && !isAutoProvisioning(subject.environment) && subject.inference?.preset !== undefined && !subject.resource?.partition;

const gpuLabels = ['nvidia.com/gpu.product', 'nvidia.com/gpu.count', 'nvidia.com/gpu.memory'] as const;

const selectorPath = ['resource', 'labelSelector'];

const nodeFix = 'Choose nodes of one kind by labelSelector.matchLabels, where GPU feature discovery has written its labels.';

const judgeNodes = (subject: Subject): Finding[] => {
  const nodes = matchingNodes(subject);
  if (!isAsked(subject) || !nodes) return [];
  if (nodes.length === 0) return refuseNodes('No nodes found matching the specified label selector');
  let before: { product: string; count: string; memory: string } | undefined;
  for (const { name, labels } of nodes) {
    const missing = gpuLabels.find((label) => labels[label] === undefined);
    if (missing !== undefined) return refuseNodes(`Failed to get GPU config from node ${name} labels: label ${missing} is missing`);
    const [product = '', count = '', memory = ''] = gpuLabels.map((label) => labels[label]);
    const found = { product, count, memory: String(toGiB(memory)) };
    if (before && before.product !== product) return refuseNodes(`Non-uniform GPU product: node ${name} has ${product}, but previous node has ${before.product}`);
    if (before && before.count !== count) return refuseNodes(`Non-uniform GPU count: node ${name} has ${count} GPUs, but previous node has ${before.count} GPUs`);
    if (before && before.memory !== found.memory) return refuseNodes(`Non-uniform GPU memory: node ${name} has ${found.memory}Gi, but previous node has ${before.memory}Gi`);
    before = found;
  }
  return [];
};

const refuseNodes = (message: string): Finding[] => [{ path: selectorPath, ...generic(message, ''), fix: nodeFix }];

/** The label has MiB of one GPU. */
const toGiB = (memory: string): number => Math.trunc(Number(memory) / 1024 + 0.5);

/** Of uniform nodes with their labels; undefined otherwise. */
export const existingMachine = (subject: Subject): { nodeCount: number; gpuCount: number; gpuMemoryGiB: number } | undefined => {
  const nodes = matchingNodes(subject);
  const labels = nodes?.[0]?.labels;
  if (!nodes || !labels || judgeNodes(subject).length > 0) return undefined;
  const gpuCount = Number(labels['nvidia.com/gpu.count'] ?? '0');
  return { nodeCount: nodes.length, gpuCount, gpuMemoryGiB: toGiB(labels['nvidia.com/gpu.memory'] ?? '0') * gpuCount };
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
    check: (subject) => (isResourceJudged(subject) && !isAutoProvisioning(subject.environment) ? judgePartition(subject) : []),
  },
];

const judgePartition = (subject: Subject): Finding[] => {
  const { resource, environment, inference, annotations, facts } = subject;
  const partition = resource?.partition;
  if (!partition) return [];
  const path = ['resource', 'partition'];
  const told = (field: string, text: string, fix: string): Finding => ({ path: [...path, field], ...invalidValue(text, `resource.partition.${field}`), fix });
  const isMig = partition.mode === 'mig';
  if (!canUsePartitions(environment, partition.mode)) {
    const [what, gate] = isMig ? ['MIG', 'enableMIG'] : ['Accelerator partitioning', 'enableAccelerator'];
    return [{ path, ...generic(`${what} support is not enabled, set feature gate ${gate}=true`, 'resource.partition'), fix: `Open the gate: --feature-gates ${gate}=true.` }];
  }
  if (!isMig) {
    return [
      ...(partition.profile === '' ? [] : [told('profile', 'profile must be empty when mode is accelerator', 'Leave profile out.')]),
      ...(partition.count === undefined ? [told('count', 'count is required when mode is accelerator', 'Add count, the number of GPUs.')] : []),
    ];
  }
  const { profile } = partition;
  const slice = parseMigProfile(profile);
  if (partition.count !== undefined) return [told('count', 'count must not be set when mode is mig', 'Leave count out.')];
  if (!slice) return [told('profile', `invalid MIG profile format ${JSON.stringify(profile)}: expected format like '1g.10gb'`, 'Write a profile such as 1g.10gb.')];
  if (!migProfiles.includes(profile)) return [told('profile', `unknown MIG profile ${JSON.stringify(profile)}: must be one of [${migProfiles.join(' ')}]`, 'Choose one of these profiles.')];
  const preset = inference?.preset && findKaitoPreset(facts.presets, inference.preset.name);
  if (!preset || annotations['kaito.sh/bypass-resource-checks'] !== undefined || preset.weightsGiB <= slice.memoryGiB) return [];
  const name = inference.preset?.name.toLowerCase() ?? '';
  return [{ path: [...path, 'profile'], ...invalidValue(`Model ${name} requires at least ${preset.weightsGiB}Gi for weights, which exceeds the ${profile} MIG slice capacity of ${quantityText(slice.memoryGiB)}`, 'resource.partition'), fix: 'Choose a larger slice, or a smaller model.' }];
};

/** https://github.com/kaito-project/kaito/blob/056b8280/pkg/utils/mig/mig.go#L34 */
const migProfiles = [
  ...'1g.10gb 1g.12gb 1g.18gb 1g.20gb 1g.23gb 1g.24gb 1g.35gb 1g.45gb 1g.5gb 1g.6gb'.split(' '),
  ...'2g.10gb 2g.12gb 2g.20gb 2g.24gb 2g.35gb 2g.45gb'.split(' '),
  ...'3g.20gb 3g.40gb 3g.47gb 3g.48gb 3g.71gb 3g.90gb'.split(' '),
  ...'4g.20gb 4g.24gb 4g.40gb 4g.47gb 4g.48gb 4g.71gb 4g.90gb'.split(' '),
  ...'7g.141gb 7g.180gb 7g.40gb 7g.80gb 7g.94gb 7g.96gb'.split(' '),
];
