import { PreflightError } from '../domain/errors.ts';
import type { Facts } from '../domain/facts.ts';
import type { KubernetesObject } from '../domain/kubernetes.ts';
import type { Choice } from '../domain/plan.ts';
import type { Preset } from '../domain/preset.ts';
import type { Fit, Machine } from '../provisioners/provisioner.ts';
import { isCopied } from '../runtimes/parallelism.ts';
import { estimateNodes } from './estimate-nodes.ts';
import type { ServingRequest } from './request.ts';
import { contextLengthIn, serverConfigKey } from './server-config.ts';

/** What the server is told of its context, by the ConfigMap that the Workspace names: the file's own, else the cluster's. */
export const configuredContext = ({ workspace: { inference }, runtime, objects, preset }: Pick<ServingRequest, 'workspace' | 'runtime' | 'objects' | 'preset'>, { configuration }: Facts): number | undefined => {
  const config = inference?.config;
  if (config === undefined || runtime !== 'vllm') return undefined;
  const text = dataOf(objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === config))?.[serverConfigKey] ?? configuration?.[serverConfigKey];
  const tokens = text === undefined ? undefined : contextLengthIn(text);
  if (tokens === undefined || tokens <= preset.contextLengthTokens) return tokens;
  throw new PreflightError(`ConfigMap ${config} wants a context of ${tokens} tokens, and ${preset.name} has ${preset.contextLengthTokens}.`, { reason: 'ContextTooLong', hints: [`Write max-model-len: ${preset.contextLengthTokens} or less, or leave it out: the server then takes what fits.`] });
};

const dataOf = (object: KubernetesObject | undefined): Record<string, string> | undefined => {
  const data = object?.['data'];
  return typeof data === 'object' && data !== null ? Object.fromEntries(Object.entries(data).filter((entry): entry is [string, string] => typeof entry[1] === 'string')) : undefined;
};

export const contextChoice = ({ workspace: { inference } }: ServingRequest, tokens: number | undefined): Choice[] =>
  tokens === undefined ? [] : [{ what: 'context-length', value: String(tokens), why: `max-model-len in ConfigMap/${inference?.config ?? ''}` }];

/** How many such machines serve the model. */
export const fitServing = ({ preset, runtime }: ServingRequest, machine: Machine, contextLengthTokens: number | undefined): Fit => {
  if (runtime === 'transformers') return fitTransformers(preset, machine);
  const { gpuCount, gpuMemoryGiB } = machine;
  const estimate = estimateNodes({ preset, gpuCount, gpuMemoryGiB, ...(contextLengthTokens === undefined ? {} : { contextLengthTokens }) });
  if ('refusal' in estimate) return { refusal: estimate.refusal };
  const memory = `${preset.weightsGiB} GiB of weights on`;
  if (!machine.isSliced || isCopied({ weightsGiB: preset.weightsGiB, gpuCount, gpuMemoryGiB, nodeCount: estimate.nodeCount })) {
    return { nodeCount: estimate.nodeCount, why: `${memory} ${gpuCount} x ${gpuMemoryGiB} GiB GPU memory a node` };
  }
  const alone = estimateNodes({ preset, gpuCount: 1, gpuMemoryGiB, ...(contextLengthTokens === undefined ? {} : { contextLengthTokens }) });
  if ('refusal' in alone) return { refusal: alone.refusal };
  if (alone.nodeCount === 1) return { nodeCount: 1, gpusPerNode: 1, why: `${memory} one slice of ${gpuMemoryGiB} GiB` };
  return { refusal: `the model and what its server needs take ${alone.neededGiB.toFixed(1)} GiB, a slice has ${gpuMemoryGiB} GiB of which ${alone.usableGiB.toFixed(1)} are usable, and slices (MIG) cannot work on one model together` };
};

/** One node, and nothing but the weights is counted: https://github.com/kaito-project/kaito/blob/056b8280/api/v1beta1/workspace_validation.go#L672 */
const fitTransformers = ({ weightsGiB }: Preset, { gpuCount, gpuMemoryGiB }: Machine): Fit =>
  weightsGiB <= gpuCount * gpuMemoryGiB
    ? { nodeCount: 1, why: `${weightsGiB} GiB of weights on ${gpuCount} x ${gpuMemoryGiB} GiB GPU memory` }
    : { refusal: `${weightsGiB} GiB of weights are more than the ${gpuCount} x ${gpuMemoryGiB} GiB of one node, and the transformers runtime serves from one` };
