import { PreflightError } from '../domain/errors.ts';
import type { NodeFacts } from '../domain/facts.ts';
import { gpuResourceOf, isSliced, parseMigProfile, sliceResource } from '../domain/mig.ts';
import type { Partition } from '../domain/workspace.ts';
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
    const { labelSelector, partition } = workspace.resource;
    const selector = labelSelector.matchLabels;
    const selectorText = labelSelectorText(selector);
    const resource = gpuResourceOf(partition);
    const matching = facts.nodes.filter((node) => hasLabels(node, selector));
    // What nobody has looked at, and what does not say what slices it has, may have them.
    const mayHaveSlices = (node: NodeFacts): boolean => partition?.mode === 'mig' && facts.isAssumed === true && node.slices === undefined;
    const usable = matching.filter((node) => node.isReady && (offered(node, partition) > 0 || mayHaveSlices(node)));
    const [first] = usable;
    if (!first) {
      throw new PreflightError(`No Ready node with labels ${selectorText} has a ${partition?.mode === 'mig' ? `MIG slice ${partition.profile}` : 'GPU'} to allocate.`, {
        reason: 'NoMatchingNodes',
        fact: describeNodes(matching, facts.nodes, partition),
        hints: [
          `kubectl get nodes -l ${selectorText} -o custom-columns=NAME:.metadata.name,GPU:.status.allocatable.${resource.replace('nvidia.com', 'nvidia\\.com')}`,
          ...(partition?.mode === 'mig' && matching.some(({ labels, gpuCount }) => gpuCount > 0 && isSliced(labels)) ? ['These nodes announce their slices as whole GPUs (MIG strategy single): leave partition out.'] : []),
          'Use --nodes <selector> for other nodes, or --provisioner aks to add an agent pool.',
        ],
      });
    }
    const machines = usable.map((node) => toMachine(node, partition));
    checkUniform(usable, machines, selectorText);
    const machine = toMachine(first, partition);
    const fitting = machine.gpuMemoryGiB > 0 ? fit(machine) : { nodeCount: 1, why: 'GPU memory unknown' };
    if ('refusal' in fitting) {
      throw new PreflightError(`The nodes with labels ${selectorText} are too small.`, { reason: 'DoesNotFit', fact: fitting.refusal, hints: ['kaito-ts instance-types'] });
    }
    const gpusPerNode = fitting.gpusPerNode ?? machine.gpuCount;
    if (usable.length < fitting.nodeCount && !facts.isAssumed) {
      throw new PreflightError(`${fitting.nodeCount} nodes are needed and ${usable.length} with labels ${selectorText} are Ready with GPUs.`, { reason: 'NotEnoughNodes', fact: fitting.why });
    }
    return {
      nodes: {
        provisioner: 'byo',
        count: fitting.nodeCount,
        gpusPerNode,
        ...(machine.gpuResource === undefined ? {} : { gpuResource: machine.gpuResource }),
        ...(machine.gpuMemoryGiB > 0 ? { gpuMemoryGiB: machine.gpuMemoryGiB } : {}),
      },
      machine: { ...machine, gpuCount: gpusPerNode },
      nodeSelector: selector,
      choices: [{ what: 'nodes', value: `${usable.length} existing with ${selectorText}`, why: fitting.why }],
      checks: [{ what: 'nodes', verdict: 'passed', fact: `${usable.map((node) => node.name).join(', ')}: Ready, ${describeOffer(first, partition)} allocatable` }],
      warnings: [
        ...(usable.some(mayHaveSlices) ? [`The nodes do not say what slices of GPUs they have, so whether ${resource} is among them is not known.`] : []),
        ...(usable.length < fitting.nodeCount ? [`${fitting.nodeCount} nodes are needed (${fitting.why}), and ${usable.length} with labels ${selectorText} ${usable.length === 1 ? 'is' : 'are'} known.`] : []),
        ...(machine.gpuMemoryGiB > 0
          ? [fitting.warning].filter((warning) => warning !== undefined)
          : [`The nodes do not say how much GPU memory they have (no label nvidia.com/gpu.memory), so nothing was checked against it.`]),
      ],
      leftovers: [],
      before: [
        {
          kind: 'await-nodes',
          title: `Wait for ${fitting.nodeCount} ${fitting.nodeCount === 1 ? 'node' : 'nodes'} with ${selectorText}`,
          labelSelector: selectorText,
          count: fitting.nodeCount,
          gpusPerNode,
          ...(machine.gpuResource === undefined ? {} : { gpuResource: machine.gpuResource }),
          timeoutMs: nodeTimeoutMs,
        },
      ],
      after: [],
    };
  },
};

/** KAITO's rule: https://github.com/kaito-project/kaito/blob/056b8280/api/v1beta1/workspace_validation.go#L550 */
const checkUniform = (nodes: NodeFacts[], machines: Machine[], selectorText: string): void => {
  const shapes = new Set(machines.map(({ gpuCount, gpuModel, gpuMemoryGiB }) => `${gpuCount} x ${gpuModel} of ${gpuMemoryGiB}`));
  if (shapes.size <= 1) return;
  throw new PreflightError(`The nodes with labels ${selectorText} have different GPUs, and a pod may come onto any of them.`, {
    reason: 'NodesDiffer',
    fact: nodes.map((node) => `${node.name}: ${describeGpus(node)}`).join('; '),
    hints: ['Choose those that are alike with more labels, such as --nodes nvidia.com/gpu.product=<product>.'],
  });
};

const describeGpus = ({ gpuCount, gpuMemoryGiB, labels }: NodeFacts): string => `${gpuCount} x ${labels['nvidia.com/gpu.product'] ?? 'GPU'}${gpuMemoryGiB === undefined ? '' : ` of ${gpuMemoryGiB} GiB`}`;

const toMachine = (node: NodeFacts, partition: Partition | undefined): Machine => {
  const name = node.labels['node.kubernetes.io/instance-type'] ?? node.name;
  // One slice, however many there are: https://github.com/kaito-project/kaito/blob/056b8280/pkg/utils/mig/mig.go#L109
  if (partition?.mode === 'mig') {
    return { name, gpuCount: 1, gpuModel: `MIG ${partition.profile}`, gpuMemoryGiB: parseMigProfile(partition.profile)?.memoryGiB ?? 0, gpuResource: sliceResource(partition.profile), isSliced: true };
  }
  if (partition && partition.count > node.gpuCount) {
    throw new PreflightError(`${partition.count} GPUs of a node are wanted, and ${node.name} has ${node.gpuCount}.`, { reason: 'NotEnoughGpus', hints: [`Write partition.count: ${node.gpuCount} or less, or leave partition out.`] });
  }
  return {
    name,
    gpuCount: partition?.count ?? node.gpuCount,
    // Feature discovery writes `NVIDIA-A10` where the operator's table has `NVIDIA A10`.
    gpuModel: (node.labels['nvidia.com/gpu.product'] ?? 'unknown').replaceAll('-', ' '),
    gpuMemoryGiB: node.gpuMemoryGiB ?? 0,
    ...(isSliced(node.labels) ? { isSliced: true } : {}),
  };
};

/** How many of what the workload asks for a node has. */
const offered = ({ gpuCount, slices = {} }: NodeFacts, partition: Partition | undefined): number => (partition?.mode === 'mig' ? (slices[partition.profile] ?? 0) : gpuCount);

const describeOffer = (node: NodeFacts, partition: Partition | undefined): string => `${offered(node, partition)} x ${gpuResourceOf(partition)}`;

const hasLabels = (node: NodeFacts, labels: Record<string, string>): boolean => Object.entries(labels).every(([key, value]) => node.labels[key] === value);

export const labelSelectorText = (labels: Record<string, string>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');

const describeNodes = (matching: NodeFacts[], all: NodeFacts[], partition: Partition | undefined): string => {
  if (matching.length === 0) return `${all.length} nodes are in the cluster, none with these labels.`;
  return matching.map((node) => `${node.name}: ${node.isReady ? 'Ready' : 'not Ready'}, ${describeOffer(node, partition)}`).join('; ');
};
