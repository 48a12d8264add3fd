import { kaitoAnnotation } from '../domain/annotations.ts';
import { UsageError } from '../domain/errors.ts';
import type { TuningFacts } from '../domain/facts.ts';
import { parseImageReference } from '../domain/image-reference.ts';
import type { Preset } from '../domain/preset.ts';
import type { OwnerRecord } from '../domain/record.ts';
import type { InferenceAdapter, Workspace } from '../domain/workspace.ts';
import type { ServedAdapter } from '../manifests/inference.ts';
import { runtimeNames, toRuntimeName, type RuntimeName } from '../runtimes/index.ts';
import { startupBudgetSeconds } from '../runtimes/runtime.ts';
import { parseWorkspaceName, toWorkspaceName } from './names.ts';
import { adapterOfTuning, type ServingRequest } from './plan-serving.ts';
import { createChoiceLog } from './request.ts';
import { resolvePreset } from './resolve-preset.ts';
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

/** Fills what the flags leave open, saying each. `tunings` are the facts about adapters named by a tuning. */
export const toServingRequest = (flags: ServingFlags, namespace: string, catalogue: readonly Preset[], stored: OwnerRecord | undefined, tunings: Record<string, TuningFacts | 'missing'>): ServingRequest => {
  const log = createChoiceLog();
  const { choose } = log;
  const wantedPreset = flags.preset ?? stored?.workspace.inference?.preset.name;
  if (wantedPreset === undefined) throw new UsageError('Say which model to serve.', { reason: 'MissingOption', hints: ['Add --preset <name>.', 'kaito-ts presets'] });
  const { preset, why } = resolvePreset(catalogue, wantedPreset);
  const name = choose('name', servingName(flags, preset), flags.name === undefined ? 'default: the preset' : 'given');
  choose('preset', preset.name, `${why}; licence ${preset.license}${preset.gated ? '; gated' : ''}`);
  const { inference: before, metadata: { annotations = {} } = {} } = stored?.workspace ?? {};
  const runtimeBefore = before && toRuntimeName(annotations[kaitoAnnotation.runtime]);
  const runtime = choose('runtime', parseRuntime(flags.runtime ?? runtimeBefore, preset), flags.runtime !== undefined ? '--runtime' : runtimeBefore ? 'as before' : 'default');
  const nodes = chooseNodes(flags, stored);
  choose('provisioner', nodes.provisioner, nodes.why);
  const adapters = parseAdapters(flags.adapter).map((adapter) => toServedAdapter(adapter, flags, tunings, preset, namespace));
  for (const adapter of adapters) choose('adapter', adapter.name, '--adapter', `${adapter.name} (${adapter.source.kind === 'image' ? adapter.source.reference : `PersistentVolumeClaim/${adapter.source.claimName}`})`);
  const secret = flags.modelAccessSecret ?? before?.preset.presetOptions?.modelAccessSecret;
  const config = flags.config ?? before?.config;
  const workspace: Workspace = {
    apiVersion: 'kaito.sh/v1beta1',
    kind: 'Workspace',
    metadata: { name, namespace, ...(runtime === 'vllm' ? {} : { annotations: { [kaitoAnnotation.runtime]: runtime } }) },
    resource: { ...(nodes.instanceType === undefined ? {} : { instanceType: nodes.instanceType }), labelSelector: { matchLabels: nodes.selector ?? { apps: name } } },
    inference: {
      preset: { name: preset.name, ...(secret === undefined ? {} : { presetOptions: { modelAccessSecret: secret } }) },
      ...(config === undefined ? {} : { config }),
      ...(adapters.length === 0 ? {} : { adapters: adapters.map(toInferenceAdapter) }),
    },
  };
  return {
    workspace,
    preset,
    runtime,
    adapters,
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
        ...(flags.adapterSecret === undefined ? {} : { imagePullSecret: flags.adapterSecret }),
      };

const toInferenceAdapter = ({ name, source, imagePullSecret }: ServedAdapter): InferenceAdapter => ({
  source: {
    name,
    ...(source.kind === 'image' ? { image: source.digest === undefined ? source.reference : `${source.reference}@${source.digest}` } : { volumeSource: { persistentVolumeClaim: { claimName: source.claimName } } }),
    ...(imagePullSecret === undefined ? {} : { imagePullSecrets: [imagePullSecret] }),
  },
});
