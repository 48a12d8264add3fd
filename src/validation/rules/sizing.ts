import { findInstanceType } from '../../domain/azure-instance-types.ts';
import { parseMigProfile } from '../../domain/mig.ts';
import type { Preset } from '../../domain/preset.ts';
import { estimateNodes, type NodeEstimate } from '../../plan/estimate-nodes.ts';
import { contextLengthIn } from '../../plan/server-config.ts';
import { isAutoProvisioning } from '../environment.ts';
import { isMap } from '../json.ts';
import { own, type Rule } from '../rule.ts';
import { findKaitoPreset, type Subject } from '../subject.ts';
import { existingMachine } from './existing-nodes.ts';
import { isResourceJudged } from './resource.ts';

const estimator = 'pkg/workspace/estimator/nodesestimator/estimator.go';

/** What the webhook does not ask, and the operator finds out when the Workspace is there: whether the model fits. */
export const sizingRules: readonly Rule[] = [
  own('gpus-too-small', 'error', `${estimator}#L146`, (subject) => {
    const estimate = estimateOnBought(subject);
    return estimate && 'refusal' in estimate ? [{ path: ['resource', 'instanceType'], message: `${subject.resource.instanceType} cannot serve this model: ${estimate.refusal}.`, fix: 'Name a machine with more memory on each GPU (kaito-ts instance-types).' }] : [];
  }),
  own('slice-too-small', 'error', `${estimator}#L179`, (subject) => {
    const partition = subject.resource.partition;
    const preset = servedPreset(subject);
    const slice = partition?.mode === 'mig' ? parseMigProfile(partition.profile) : undefined;
    if (!slice || !preset || isAutoProvisioning(subject.environment)) return [];
    const estimate = estimateOn(subject, preset, { gpuCount: 1, gpuMemoryGiB: slice.memoryGiB });
    const reason = 'refusal' in estimate ? estimate.refusal : estimate.nodeCount > 1 ? `the model and what its server needs take ${estimate.neededGiB.toFixed(1)} GiB, and ${estimate.usableGiB.toFixed(1)} of a slice are usable` : undefined;
    return reason === undefined ? [] : [{ path: ['resource', 'partition', 'profile'], message: `A slice ${partition?.profile ?? ''} cannot serve this model: ${reason}.`, fix: 'Choose a larger slice, or a smaller model.' }];
  }),
  {
    ...own('existing-nodes-too-few', 'warning', `${estimator}#L131`, (subject) => {
      const nodes = existingMachine(subject);
      const preset = servedPreset(subject);
      if (!nodes || !preset || isAutoProvisioning(subject.environment) || subject.resource.partition || !(nodes.gpuMemoryGiB > 0)) return [];
      const estimate = estimateOn(subject, preset, { gpuCount: nodes.gpuCount, gpuMemoryGiB: nodes.gpuMemoryGiB / nodes.gpuCount });
      const nodeCount = 'refusal' in estimate ? undefined : estimate.nodeCount;
      if (nodeCount !== undefined && nodeCount <= nodes.nodeCount) return [];
      const reason = 'refusal' in estimate ? estimate.refusal : `it takes ${estimate.nodeCount} of these nodes`;
      return [{ path: ['resource', 'labelSelector'], message: `${nodes.nodeCount === 1 ? 'One node has' : `${nodes.nodeCount} nodes have`} these labels, and the model does not fit: ${reason}.`, fix: 'Add nodes with these labels, or choose a smaller model.' }];
    }),
    // When this program runs it, its plan tells.
    isForOperatorOnly: true,
  },
  own('count-ignored', 'warning', 'pkg/workspace/controllers/workspace_controller.go#L1507', (subject) => {
    const written = isMap(subject.document['resource']) ? subject.document['resource']['count'] : undefined;
    if (typeof written !== 'number' || !subject.inference?.preset || subject.runtime !== 'vllm' || subject.resource.partition) return [];
    const estimate = estimateOnBought(subject);
    const nodeCount = estimate && 'nodeCount' in estimate ? estimate.nodeCount : undefined;
    if (nodeCount === written || (nodeCount === undefined && written === 1)) return [];
    return [{ path: ['resource', 'count'], message: `count is ignored: the model’s size decides${nodeCount === undefined ? '' : `, and it gets ${nodeCount} ${nodeCount === 1 ? 'node' : 'nodes'}`}.`, fix: 'Leave count out.' }];
  }),
  {
    ...own('context-length-unseen', 'warning', 'pkg/utils/config_parser.go#L23', (subject) => {
      const text = configText(subject);
      if (text === undefined || !servedPreset(subject)) return [];
      const [served, sized] = [contextLengthIn(text), contextLengthLineByLine(text)];
      if (served === sized) return [];
      return [
        {
          path: ['inference', 'config'],
          message: `The server is given ${served === undefined ? 'no context length' : `a context of ${served} tokens`}, and the operator, which reads inference_config.yaml line by line, takes nodes for ${sized ?? 2048}.`,
          fix: 'Write max-model-len on a line of its own below vllm:, indented by two spaces, with a plain number and no comment.',
        },
      ];
    }),
    isForOperatorOnly: true,
  },
];

const servedPreset = (subject: Subject): Preset | undefined => {
  const { inference, runtime, facts } = subject;
  return inference?.preset && runtime === 'vllm' && isResourceJudged(subject) ? findKaitoPreset(facts.presets, inference.preset.name) : undefined;
};

/** How many nodes are taken of a known machine; undefined where the estimate is not made. */
const estimateOnBought = (subject: Subject): NodeEstimate | undefined => {
  const { resource, environment } = subject;
  const machine = findInstanceType(resource.instanceType);
  const preset = servedPreset(subject);
  if (!machine || !preset || environment.cloud !== 'azure' || !isAutoProvisioning(environment)) return undefined;
  return estimateOn(subject, preset, { gpuCount: machine.gpuCount, gpuMemoryGiB: machine.gpuMemoryGiB / machine.gpuCount });
};

/** The operator's nodes are sized for what the operator reads, ours for what the server reads. */
const estimateOn = (subject: Subject, preset: Preset, machine: { gpuCount: number; gpuMemoryGiB: number }): NodeEstimate => {
  const text = configText(subject);
  const contextLengthTokens = text === undefined ? undefined : subject.environment.isForOperator ? contextLengthLineByLine(text) : contextLengthIn(text);
  return estimateNodes({ preset, ...machine, ...(contextLengthTokens === undefined ? {} : { contextLengthTokens }) });
};

const configText = ({ inference, namespace, facts }: Subject): string | undefined => {
  const config = inference?.config === '' || !inference ? undefined : facts.findConfigMap(namespace, inference.config);
  return config?.kind === 'found' ? config.value['inference_config.yaml'] : undefined;
};

/** https://github.com/kaito-project/kaito/blob/056b8280/pkg/utils/config_parser.go#L23 */
const contextLengthLineByLine = (text: string): number | undefined => {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => line.trim().startsWith('vllm:'));
  const line = start === -1 ? undefined : lines.slice(start + 1).find((candidate) => /^\s{2,}max-model-len:/.test(candidate));
  const tokens = Number(/^\s{2,}max-model-len:\s*\+?(\d+)\s*$/.exec(line ?? '')?.[1] ?? 0);
  return tokens > 0 ? tokens : undefined;
};
