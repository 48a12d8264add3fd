import { fileURLToPath } from 'node:url';
import type { DataDestination, DataSource, TuningMethod, Workspace } from '../../src/domain/workspace.ts';
import { readTemplates } from '../../src/manifests/files.ts';
import { renderInference, type InferenceRendering } from '../../src/manifests/inference.ts';
import type { RenderedObject } from '../../src/manifests/rendered-object.ts';
import { renderTuning, type TuningRendering } from '../../src/manifests/tuning.ts';
import { presetNamed } from '../presets/support.ts';

export const templateFolder = fileURLToPath(new URL('../../templates', import.meta.url));

export const templates = await readTemplates(templateFolder);

export interface TuningCase {
  preset?: string;
  method?: TuningMethod;
  input?: DataSource;
  output?: DataDestination;
  config?: string;
}

const urls = ['https://example.com/train.jsonl'];

export const tuningWorkspace = ({ preset = 'phi-3-mini-128k-instruct', method = 'qlora', input = { urls }, output = {}, config }: TuningCase = {}): Workspace => ({
  apiVersion: 'kaito.sh/v1beta1',
  kind: 'Workspace',
  metadata: { name: 'my-tuning', namespace: 'team-a' },
  resource: { labelSelector: { matchLabels: { apps: 'my-tuning' } } },
  tuning: { preset: { name: preset }, method, ...(config === undefined ? {} : { config }), input, output },
});

export const renderedTuning = (wish: TuningCase = {}, change: Partial<TuningRendering> = {}): RenderedObject[] => {
  const preset = presetNamed(wish.preset ?? 'phi-3-mini-128k-instruct');
  if (!preset.tuning) throw new Error(`${preset.name} cannot be tuned.`);
  return renderTuning(
    { workspace: tuningWorkspace(wish), preset, tuning: preset.tuning, overrides: {}, nodeSelector: { 'kaito.sh/workspace': 'my-tuning' }, revision: 1, timeLimitMs: 4 * 3_600_000, ...change },
    templates,
  );
};

export const servingWorkspace = (preset: string, change: Partial<Workspace['inference']> = {}, annotations: Record<string, string> = {}): Workspace => ({
  apiVersion: 'kaito.sh/v1beta1',
  kind: 'Workspace',
  metadata: { name: 'my-model', namespace: 'team-a', annotations },
  resource: { labelSelector: { matchLabels: { apps: 'my-model' } } },
  inference: { preset: { name: preset }, ...change },
});

export const renderedInference = (presetName: string, change: Partial<InferenceRendering> = {}): RenderedObject[] =>
  renderInference(
    {
      workspace: servingWorkspace(presetName),
      preset: presetNamed(presetName),
      runtime: 'vllm',
      machine: { gpuCount: 1, gpuModel: 'NVIDIA A100', gpuMemoryGiB: 80 },
      nodeCount: 1,
      nodeSelector: { 'kaito.sh/workspace': 'my-model' },
      adapters: [],
      revision: 1,
      ...change,
    },
    templates,
  );

/** What a part of a manifest looks like to a test: anything, reached by name. */
export interface Part {
  [name: string]: unknown;
}

export const ofKind = (objects: readonly RenderedObject[], kind: string, name?: string): RenderedObject => {
  const found = objects.find(({ object }) => object.kind === kind && (name === undefined || object.metadata.name === name));
  if (!found) throw new Error(`No ${kind} was rendered.`);
  return found;
};

/** Follows names and indexes; undefined when the path leads nowhere. */
export const at = (value: unknown, ...path: (string | number)[]): unknown => {
  let found = value;
  for (const part of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = Array.isArray(found) ? found[Number(part)] : Object.entries(found).find(([key]) => key === part)?.[1];
  }
  return found;
};

export const listAt = (value: unknown, ...path: (string | number)[]): Part[] => {
  const found = at(value, ...path);
  return Array.isArray(found) ? found.filter(isPart) : [];
};

export const podSpec = ({ object }: RenderedObject): unknown => at(object, 'spec', 'template', 'spec');

/** A container, init containers included, by its name. */
export const container = (rendered: RenderedObject, name: string): Part => {
  const spec = podSpec(rendered);
  const found = [...listAt(spec, 'initContainers'), ...listAt(spec, 'containers')].find((candidate) => candidate['name'] === name);
  if (!found) throw new Error(`There is no container ${name}.`);
  return found;
};

export const environment = (part: Part): Record<string, unknown> => Object.fromEntries(listAt(part, 'env').map((variable) => [String(variable['name']), variable['value'] ?? variable['valueFrom']]));

export const mounts = (part: Part): Record<string, unknown> => Object.fromEntries(listAt(part, 'volumeMounts').map((mount) => [String(mount['mountPath']), mount['name']]));

const isPart = (value: unknown): value is Part => typeof value === 'object' && value !== null && !Array.isArray(value);
