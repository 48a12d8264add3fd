import { kaitoAnnotation, ownAnnotation } from '../domain/annotations.ts';
import { UsageError } from '../domain/errors.ts';
import type { TuningFacts } from '../domain/facts.ts';
import { parseImageReference } from '../domain/image-reference.ts';
import { presetReference } from '../domain/preset-catalogue.ts';
import type { Preset } from '../domain/preset.ts';
import type { DataSource, InferenceAdapter, Partition, Workspace } from '../domain/workspace.ts';
import type { ServedAdapter } from '../manifests/inference.ts';
import { runtimeNames, toRuntimeName, type RuntimeName } from '../runtimes/index.ts';
import { startupBudgetSeconds } from '../runtimes/runtime.ts';
import { annotationsInFile, labelsInFile, nameInFile, selectorInFile, toAnnotations, whyBasis, whyFlag, type Basis } from './basis.ts';
import { toStableJson } from './content.ts';
import { parseWorkspaceName, toWorkspaceName } from './names.ts';
import { adapterOfTuning } from './plan-serving.ts';
import { createChoiceLog, type ServingRequest } from './request.ts';
import { resolvePreset, whyPreset } from './resolve-preset.ts';
import { chooseNodes } from './run-settings.ts';

export interface ServingFlags {
  name: string | undefined;
  preset: string | undefined;
  adapter: string[];
  adapterSecret: string | undefined;
  runtime: string | undefined;
  modelAccessSecret: string | undefined;
  config: string | undefined;
  instanceType: string | undefined;
  provisioner: string | undefined;
  nodes: string | undefined;
  spot: boolean;
  nodeTimeoutMs: number;
  readinessTimeoutMs: number | undefined;
  wait: boolean;
}

/** An adapter as `--adapter` gives it: a tuning of ours by name, or an image under a name. */
export type AdapterFlag = { kind: 'tuning'; name: string } | { kind: 'image'; name: string; image: string };

/** KAITO's limit: https://github.com/kaito-project/kaito/blob/056b8280/api/v1beta1/workspace_validation.go#L59 */
const adapterCountMax = 10;

export const parseAdapters = (texts: readonly string[]): AdapterFlag[] => {
  if (texts.length === 1 && texts[0] === 'none') return [];
  const adapters = texts.map(parseAdapter);
  if (adapters.length > adapterCountMax) throw new UsageError(`At most ${adapterCountMax} adapters can be served, and ${adapters.length} were given.`);
  const names = adapters.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new UsageError(`Adapter ${twice} was given twice.`);
  return adapters;
};

const parseAdapter = (text: string): AdapterFlag => {
  const [name = '', ...rest] = text.split('=');
  const image = rest.join('=');
  if (!/^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(name) || name.length > 50) {
    throw new UsageError(`${JSON.stringify(name)} cannot be the name of an adapter.`, { hints: ['Names are lower-case letters, digits and -. An image is given as --adapter <name>=<image>.'] });
  }
  if (rest.length === 0) return { kind: 'tuning', name };
  if (!parseImageReference(image)) throw new UsageError(`${JSON.stringify(image)} is not an image reference.`, { hints: ['For example: --adapter my-adapter=myregistry.azurecr.io/my-adapter:1.0'] });
  return { kind: 'image', name, image };
};

export const servingName = (flags: Pick<ServingFlags, 'name'>, preset: Preset): string => (flags.name === undefined ? toWorkspaceName(preset.name) : parseWorkspaceName(flags.name));

/** As the tuning that made it tells, where it is still the same: a server that is told otherwise would be started anew for nothing. */
const toKeptAdapter = (written: InferenceAdapter, tunings: Record<string, TuningFacts | 'missing'>): ServedAdapter => {
  const adapter = toWrittenAdapter(written);
  const facts = tunings[adapter.name];
  if (facts === undefined || facts === 'missing' || !facts.result?.adapter) return adapter;
  const tuned: ServedAdapter = { ...adapter, source: facts.result.adapter, rank: facts.rank };
  return toStableJson(toInferenceAdapter(tuned)) === toStableJson(written) ? tuned : adapter;
};

/** Fills what the flags leave open, saying each. `tunings` are the facts about adapters named by a tuning. */
export const toServingRequest = (flags: ServingFlags, namespace: string, catalogue: readonly Preset[], stored: Basis | undefined, tunings: Record<string, TuningFacts | 'missing'>): ServingRequest => {
  const log = createChoiceLog();
  const { choose } = log;
  const wantedPreset = flags.preset ?? stored?.workspace.inference?.preset.name;
  if (wantedPreset === undefined) throw new UsageError('Say which model to serve.', { reason: 'MissingOption', hints: ['Add --preset <name>.', 'kaito-ts presets'] });
  const resolved = resolvePreset(catalogue, wantedPreset);
  const { preset } = resolved;
  const name = choose('name', servingName({ name: flags.name ?? nameInFile(stored) }, preset), flags.name !== undefined ? whyFlag('given', stored) : stored?.file ? whyBasis(stored) : 'default: the preset');
  choose('preset', preset.name, `${whyPreset(resolved, flags.preset, stored)}; licence ${preset.license}${preset.gated ? '; gated' : ''}`);
  if (preset.isFromHub && preset.revision !== undefined) choose('commit', preset.revision, stored?.workspace.metadata.annotations?.[ownAnnotation.modelCommit] === preset.revision ? whyBasis(stored) : 'read from Hugging Face', preset.revision.slice(0, 12));
  const { inference: before, metadata: { annotations = {} } = {} } = stored?.workspace ?? {};
  const runtimeBefore = before && toRuntimeName(annotations[kaitoAnnotation.runtime]);
  const runtime = choose('runtime', parseRuntime(flags.runtime ?? runtimeBefore, preset), flags.runtime !== undefined ? whyFlag('--runtime', stored) : stored?.file ? (annotations[kaitoAnnotation.runtime] === undefined ? 'default' : whyBasis(stored)) : runtimeBefore ? 'as before' : 'default');
  const nodes = chooseNodes(flags, stored);
  choose('provisioner', nodes.provisioner, nodes.why);
  // Whoever says nothing about adapters keeps those that are served.
  const written = flags.adapter.length === 0 ? (before?.adapters ?? []) : [];
  const adapters = [...parseAdapters(flags.adapter).map((adapter) => toServedAdapter(adapter, flags, tunings, preset, namespace)), ...written.map((adapter) => toKeptAdapter(adapter, tunings))];
  for (const adapter of adapters) choose('adapter', adapter.name, stored && written.length > 0 ? whyBasis(stored) : whyFlag('--adapter', stored), `${adapter.name} (${describeSource(adapter)})`);
  if (annotations[kaitoAnnotation.useLocalWeights] === 'true' && stored) choose('weights', 'on the nodes', whyBasis(stored));
  const secret = flags.modelAccessSecret ?? before?.preset.presetOptions?.modelAccessSecret;
  const config = flags.config ?? before?.config;
  const workspace: Workspace = {
    apiVersion: 'kaito.sh/v1beta1',
    kind: 'Workspace',
    metadata: { name, namespace, ...labelsInFile(stored), ...toAnnotations({ ...annotationsInFile(stored, [kaitoAnnotation.runtime, ownAnnotation.modelCommit]), ...annotationsOf(runtime, preset) }) },
    resource: { ...(nodes.instanceType === undefined ? {} : { instanceType: nodes.instanceType }), labelSelector: { matchLabels: nodes.selector ?? selectorInFile(stored) ?? { apps: name } }, ...partitionBefore(stored) },
    inference: {
      // A folder is named after what is written.
      preset: { name: annotations[kaitoAnnotation.useLocalWeights] === 'true' ? wantedPreset : presetReference(preset), ...(secret === undefined ? {} : { presetOptions: { modelAccessSecret: secret } }) },
      ...(config === undefined ? {} : { config }),
      ...(adapters.length === 0 ? {} : { adapters: written.length > 0 ? written : adapters.map(toInferenceAdapter) }),
    },
  };
  return {
    workspace,
    preset,
    runtime,
    adapters,
    objects: stored?.file?.objects ?? [],
    choices: log.choices,
    provisioner: nodes.provisioner,
    ...(nodes.instanceTypeWhy === undefined ? {} : { instanceTypeWhy: nodes.instanceTypeWhy }),
    spot: flags.spot,
    keepNodes: true,
    nodeTimeoutMs: flags.nodeTimeoutMs,
    readinessTimeoutMs: flags.readinessTimeoutMs ?? startupBudgetSeconds(preset) * 1000,
    wait: flags.wait,
  };
};

/** No flag says it, so what a file or a record says stays. */
const partitionBefore = (stored: Basis | undefined): { partition?: Partition } => {
  const partition = stored?.workspace.resource.partition;
  return partition ? { partition } : {};
};

const annotationsOf = (runtime: RuntimeName, { isFromHub, revision }: Preset): Record<string, string> => ({
  ...(runtime === 'vllm' ? {} : { [kaitoAnnotation.runtime]: runtime }),
  ...(isFromHub && revision !== undefined ? { [ownAnnotation.modelCommit]: revision } : {}),
});

const parseRuntime = (text: string | undefined, preset: Preset): RuntimeName => {
  if (text === undefined) return 'vllm';
  const runtime = runtimeNames.find((name) => name === text.toLowerCase());
  if (!runtime) throw new UsageError(`There is no runtime ${JSON.stringify(text)}.`, { hints: [`Choose one of: ${runtimeNames.join(', ')}.`] });
  if (runtime === 'transformers' && !preset.transformers) throw new UsageError(`Preset ${preset.name} cannot be served with the transformers runtime.`, { hints: ['Leave out --runtime to use vLLM.'] });
  return runtime;
};

const toServedAdapter = (adapter: AdapterFlag, flags: ServingFlags, tunings: Record<string, TuningFacts | 'missing'>, preset: Preset, namespace: string): ServedAdapter =>
  adapter.kind === 'tuning'
    ? adapterOfTuning(adapter.name, tunings[adapter.name], preset, namespace)
    : {
        name: adapter.name,
        source: { kind: 'image', reference: adapter.image },
        ...(flags.adapterSecret === undefined ? {} : { imagePullSecrets: [flags.adapterSecret] }),
      };

/** As a Workspace file has it, judged before. */
const toWrittenAdapter = ({ source: { name = '', image, imagePullSecrets, volumeSource } }: InferenceAdapter): ServedAdapter => ({
  name,
  source: image === undefined ? { kind: 'volume', volumeSource: volumeSource ?? {} } : { kind: 'image', reference: image },
  ...(imagePullSecrets === undefined ? {} : { imagePullSecrets }),
});

const describeSource = ({ source }: ServedAdapter): string => {
  switch (source.kind) {
    case 'image':
      return source.reference;
    case 'claim':
      return `PersistentVolumeClaim/${source.claimName}`;
    case 'volume':
      return `a volume: ${Object.keys(source.volumeSource).join(', ')}`;
  }
};

const toInferenceAdapter = ({ name, source, imagePullSecrets }: ServedAdapter): InferenceAdapter => ({
  source: {
    name,
    ...toDataSource(source),
    ...(imagePullSecrets === undefined ? {} : { imagePullSecrets: [...imagePullSecrets] }),
  },
});

const toDataSource = (source: ServedAdapter['source']): Pick<DataSource, 'image' | 'volumeSource'> => {
  switch (source.kind) {
    case 'image':
      return { image: source.digest === undefined ? source.reference : `${source.reference}@${source.digest}` };
    case 'claim':
      return { volumeSource: { persistentVolumeClaim: { claimName: source.claimName } } };
    case 'volume':
      return { volumeSource: source.volumeSource };
  }
};
