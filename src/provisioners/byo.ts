import { PreflightError } from '../domain/errors.ts';
import type { NodeFacts } from '../domain/facts.ts';
import type { Machine, Provisioner } from './provisioner.ts';

/** Bring your own nodes: whatever Ready nodes carry the wanted labels. Nothing is created, nothing removed, no cloud asked. */
export const byo: Provisioner = {
  usesAzure: false,
  provision({ workspace, fit, nodeTimeoutMs }, facts) {
    const left = facts.record?.record.nodePool;
    if (left !== undefined && left.releasedAt === undefined) {
      throw new PreflightError(`Agent pool ${left.name} of an earlier run is still there, and existing nodes are to be used now.`, {
        reason: 'AgentPoolLeft',
        fact: `${left.count} x ${left.instanceType} in ${left.cluster} (${left.resourceGroup})`,
        hints: [`kaito-ts delete ${workspace.metadata.name} -n ${workspace.metadata.namespace}   # and then run this again`],
      });
    }
    const selector = workspace.resource.labelSelector.matchLabels;
    const selectorText = labelSelectorText(selector);
    const matching = facts.nodes.filter((node) => hasLabels(node, selector));
    const usable = matching.filter((node) => node.isReady && node.gpuCount > 0);
    const [first] = usable;
    if (!first) {
      throw new PreflightError(`No Ready node with labels ${selectorText} has a GPU to allocate.`, {
        reason: 'NoMatchingNodes',
        fact: describeNodes(matching, facts.nodes),
        hints: [
          `kubectl get nodes -l ${selectorText} -o custom-columns=NAME:.metadata.name,GPU:.status.allocatable.nvidia\\.com/gpu`,
          'Use --nodes <selector> for other nodes, or --provisioner aks to add an agent pool.',
        ],
      });
    }
    checkUniform(usable, selectorText);
    const machine = toMachine(first);
    const fitting = machine.gpuMemoryGiB > 0 ? fit(machine) : { nodeCount: 1, why: 'GPU memory unknown' };
    if ('refusal' in fitting) {
      throw new PreflightError(`The nodes with labels ${selectorText} are too small.`, { reason: 'DoesNotFit', fact: fitting.refusal, hints: ['kaito-ts instance-types'] });
    }
    if (usable.length < fitting.nodeCount) {
      throw new PreflightError(`${fitting.nodeCount} nodes are needed and ${usable.length} with labels ${selectorText} are Ready with GPUs.`, { reason: 'NotEnoughNodes', fact: fitting.why });
    }
    return {
      nodes: { provisioner: 'byo', count: fitting.nodeCount, gpusPerNode: machine.gpuCount },
      machine,
      nodeSelector: selector,
      choices: [{ what: 'nodes', value: `${usable.length} existing with ${selectorText}`, why: fitting.why }],
      checks: [{ what: 'nodes', verdict: 'passed', fact: `${usable.map((node) => node.name).join(', ')}: Ready, ${machine.gpuCount} x nvidia.com/gpu allocatable` }],
      warnings:
        machine.gpuMemoryGiB > 0
          ? [fitting.warning].filter((warning) => warning !== undefined)
          : [`The nodes do not say how much GPU memory they have (no label nvidia.com/gpu.memory), so nothing was checked against it.`],
      leftovers: [],
      before: [
        {
          kind: 'await-nodes',
          title: `Wait for ${fitting.nodeCount} ${fitting.nodeCount === 1 ? 'node' : 'nodes'} with ${selectorText}`,
          labelSelector: selectorText,
          count: fitting.nodeCount,
          gpusPerNode: machine.gpuCount,
          timeoutMs: nodeTimeoutMs,
        },
      ],
      after: [],
    };
  },
};

/** KAITO's rule: https://github.com/kaito-project/kaito/blob/056b8280/api/v1beta1/workspace_validation.go#L550 */
const checkUniform = (nodes: NodeFacts[], selectorText: string): void => {
  const shapes = new Set(nodes.map((node) => describeGpus(node)));
  if (shapes.size <= 1) return;
  throw new PreflightError(`The nodes with labels ${selectorText} have different GPUs, and a pod may come onto any of them.`, {
    reason: 'NodesDiffer',
    fact: nodes.map((node) => `${node.name}: ${describeGpus(node)}`).join('; '),
    hints: ['Choose those that are alike with more labels, such as --nodes nvidia.com/gpu.product=<product>.'],
  });
};

const describeGpus = ({ gpuCount, gpuMemoryGiB, labels }: NodeFacts): string => `${gpuCount} x ${labels['nvidia.com/gpu.product'] ?? 'GPU'}${gpuMemoryGiB === undefined ? '' : ` of ${gpuMemoryGiB} GiB`}`;

const toMachine = (node: NodeFacts): Machine => ({
  name: node.labels['node.kubernetes.io/instance-type'] ?? node.name,
  gpuCount: node.gpuCount,
  // Feature discovery writes `NVIDIA-A10` where the operator's table has `NVIDIA A10`.
  gpuModel: (node.labels['nvidia.com/gpu.product'] ?? 'unknown').replaceAll('-', ' '),
  gpuMemoryGiB: node.gpuMemoryGiB ?? 0,
});

const hasLabels = (node: NodeFacts, labels: Record<string, string>): boolean => Object.entries(labels).every(([key, value]) => node.labels[key] === value);

export const labelSelectorText = (labels: Record<string, string>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');

const describeNodes = (matching: NodeFacts[], all: NodeFacts[]): string => {
  if (matching.length === 0) return `${all.length} nodes are in the cluster, none with these labels.`;
  return matching.map((node) => `${node.name}: ${node.isReady ? 'Ready' : 'not Ready'}, ${node.gpuCount} x nvidia.com/gpu`).join('; ');
};
