import { ownAnnotation } from '../domain/annotations.ts';
import { formatDuration } from '../domain/duration.ts';
import { UsageError } from '../domain/errors.ts';
import { parseImageReference } from '../domain/image-reference.ts';
import { isHubModel } from '../domain/preset-catalogue.ts';
import type { Preset } from '../domain/preset.ts';
import type { DataDestination, DataSource, TuningMethod, Workspace } from '../domain/workspace.ts';
import { parseTrainingOverrides, type TrainingOverrides } from '../manifests/training-config.ts';
import { annotationsInFile, labelsInFile, nameInFile, selectorInFile, toAnnotations, whyBasis, whyFlag, type Basis } from './basis.ts';
import { parseWorkspaceName, toWorkspaceName } from './names.ts';
import { cannotBeTuned, tuningSettingsOf, type TuningRequest } from './plan-tuning.ts';
import { createChoiceLog, type ChoiceLog } from './request.ts';
import { resolvePreset, whyPreset } from './resolve-preset.ts';
import { chooseNodes } from './run-settings.ts';

/** What the command line says, each part undefined when it does not. */
export interface TuningFlags {
  name?: string | undefined;
  preset?: string | undefined;
  method?: TuningMethod | undefined;
  config?: string | undefined;
  inputUrls: string[];
  inputImage?: string | undefined;
  inputImageSecret?: string | undefined;
  inputClaim?: string | undefined;
  outputImage?: string | undefined;
  outputImageSecret?: string | undefined;
  outputClaim?: string | undefined;
  registry?: string | undefined;
  storageClass?: string | undefined;
  instanceType?: string | undefined;
  provisioner?: string | undefined;
  nodes?: string | undefined;
  spot: boolean;
  keepNodes: boolean;
  timeLimitMs: number;
  nodeTimeoutMs: number;
  wait: boolean;
  training: Record<string, string | number | string[] | undefined>;
}

/** What the options of the command line are called there. */
export interface TuningOptions extends Omit<TuningFlags, 'name' | 'inputUrls' | 'timeLimitMs' | 'nodeTimeoutMs' | 'wait' | 'training'> {
  inputUrl: string[];
  timeLimit: number;
  nodeTimeout: number;
  noWait: boolean;
  epochs: number | undefined;
  maxSteps: number | undefined;
  learningRate: number | undefined;
  rank: number | undefined;
  alpha: number | undefined;
  maxLength: number | undefined;
  gradientAccumulationSteps: number | undefined;
  targetModules: string[];
}

export const toTuningFlags = (options: TuningOptions, name: string | undefined): TuningFlags => ({
  ...options,
  name,
  inputUrls: options.inputUrl,
  timeLimitMs: options.timeLimit,
  nodeTimeoutMs: options.nodeTimeout,
  wait: !options.noWait,
  training: {
    num_train_epochs: options.epochs,
    max_steps: options.maxSteps,
    learning_rate: options.learningRate,
    r: options.rank,
    lora_alpha: options.alpha,
    max_length: options.maxLength,
    gradient_accumulation_steps: options.gradientAccumulationSteps,
    target_modules: options.targetModules.length > 0 ? options.targetModules : undefined,
  },
});

/**
 * A small public dataset of chat messages, the one of KAITO's own quick start.
 * https://huggingface.co/datasets/philschmid/dolly-15k-oai-style
 */
const defaultDatasetUrl = 'https://huggingface.co/datasets/philschmid/dolly-15k-oai-style/resolve/main/data/train-00000-of-00001-54e3756291ca09c6.parquet?download=true';

/** The name that a tuning gets when nobody gives one: the same for the same wish, so that a second run finds the first. */
const tuningName = (flags: TuningFlags, preset: Preset): string => (flags.name === undefined ? toWorkspaceName(`${preset.name}-${flags.method ?? 'qlora'}`) : parseWorkspaceName(flags.name));

/** Fills what the flags leave open: from a Workspace file or the owner record of an earlier run, else with defaults, saying each. */
export const toTuningRequest = (flags: TuningFlags, namespace: string, catalogue: readonly Preset[], stored: Basis | undefined): TuningRequest => {
  const log = createChoiceLog();
  const { choose } = log;
  const wanted = flags.preset ?? stored?.workspace.tuning?.preset.name ?? missing('--preset <name>', 'Say which model to tune.');
  if (isHubModel(catalogue, wanted)) throw cannotBeTuned(wanted, catalogue);
  const resolved = resolvePreset(catalogue, wanted);
  const { preset } = resolved;
  const tuning = tuningSettingsOf(preset, catalogue);
  const name = choose('name', tuningName({ ...flags, name: flags.name ?? nameInFile(stored) }, preset), flags.name !== undefined ? whyFlag('given', stored) : stored?.file ? whyBasis(stored) : 'default: preset and method');
  choose('preset', preset.name, `${whyPreset(resolved, flags.preset, stored)}; licence ${preset.license}`);
  const before = stored?.workspace.tuning;
  const method = choose('method', flags.method ?? before?.method ?? 'qlora', flags.method ? whyFlag('--method', stored) : stored && before ? whyBasis(stored) : 'default');
  if (!tuning.methods.includes(method)) throw new UsageError(`Preset ${preset.name} cannot be tuned with ${method}.`, { hints: [`Use ${tuning.methods.map((known) => `--method ${known}`).join(' or ')}.`] });
  const input = chooseInput(flags, stored, log);
  const output = chooseOutput(flags, name, stored, log);
  const config = flags.config ?? before?.config;
  const overrides = chooseTraining(flags, stored, log);
  const nodes = chooseNodes(flags, stored);
  choose('provisioner', nodes.provisioner, nodes.why);
  choose('time limit', flags.timeLimitMs, 'then the Job is stopped', formatDuration(flags.timeLimitMs));
  const workspace: Workspace = {
    apiVersion: 'kaito.sh/v1beta1',
    kind: 'Workspace',
    metadata: { name, namespace, ...labelsInFile(stored), ...toAnnotations({ ...annotationsInFile(stored, [ownAnnotation.training]), ...(Object.keys(overrides).length > 0 ? { [ownAnnotation.training]: JSON.stringify(overrides) } : {}) }) },
    resource: { ...(nodes.instanceType === undefined ? {} : { instanceType: nodes.instanceType }), labelSelector: { matchLabels: nodes.selector ?? selectorInFile(stored) ?? { apps: name } } },
    tuning: { preset: { name: preset.name }, method, ...(config === undefined ? {} : { config }), input, output },
  };
  return {
    workspace,
    preset,
    tuning,
    overrides,
    objects: stored?.file?.objects ?? [],
    choices: log.choices,
    provisioner: nodes.provisioner,
    ...(nodes.instanceTypeWhy === undefined ? {} : { instanceTypeWhy: nodes.instanceTypeWhy }),
    spot: flags.spot,
    keepNodes: flags.keepNodes,
    timeLimitMs: flags.timeLimitMs,
    nodeTimeoutMs: flags.nodeTimeoutMs,
    wait: flags.wait,
    ...(flags.storageClass === undefined ? {} : { storageClass: flags.storageClass }),
  };
};

const missing = (flag: string, message: string): never => {
  throw new UsageError(message, { reason: 'MissingOption', hints: [`Add ${flag}.`, 'kaito-ts presets --tunable'] });
};

const chooseInput = (flags: TuningFlags, basis: Basis | undefined, { choose }: ChoiceLog): DataSource => {
  const stored = basis?.workspace.tuning?.input;
  const given = [flags.inputUrls.length > 0, flags.inputImage !== undefined, flags.inputClaim !== undefined].filter(Boolean).length;
  if (given > 1) throw new UsageError('A dataset comes from one place: URLs, an image or a claim.', { hints: ['Give one of --input-url, --input-image and --input-claim.'] });
  if (flags.inputUrls.length > 0) {
    const urls = flags.inputUrls.map(parseDatasetUrl);
    choose('dataset', urls, urls.length > 1 ? `${whyFlag('--input-url', basis)}; the trainer uses only the first file that it recognises` : whyFlag('--input-url', basis), urls.join(', '));
    return { urls };
  }
  if (flags.inputImage !== undefined) {
    const image = choose('dataset', parseImage(flags.inputImage, '--input-image'), whyFlag('--input-image', basis));
    return { name: 'dataset', image, ...(flags.inputImageSecret === undefined ? {} : { imagePullSecrets: [flags.inputImageSecret] }) };
  }
  if (flags.inputClaim !== undefined) {
    choose('dataset', `PersistentVolumeClaim/${flags.inputClaim}`, whyFlag('--input-claim', basis));
    return { volumeSource: { persistentVolumeClaim: { claimName: flags.inputClaim, readOnly: true } } };
  }
  if (basis && stored) {
    choose('dataset', stored.urls?.join(', ') ?? stored.image ?? 'a volume', whyBasis(basis));
    return stored.image !== undefined && flags.inputImageSecret !== undefined ? { ...stored, imagePullSecrets: [flags.inputImageSecret] } : stored;
  }
  return { urls: [choose('dataset', defaultDatasetUrl, 'default: dolly-15k, 15,000 public question and answer pairs')] };
};

/** KAITO's webhook refuses the same: https://github.com/kaito-project/kaito/blob/056b8280/api/v1beta1/workspace_validation.go#L383 */
const parseDatasetUrl = (text: string): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || url.host === '') throw new UsageError(`${JSON.stringify(text)} is not the address of a dataset.`, { hints: ['For example: --input-url https://example.com/train.jsonl'] });
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new UsageError(`The dataset address ${text} must use http or https.`);
  if (/^(localhost|.*\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)) {
    throw new UsageError(`The dataset address ${text} is this machine's own, and the dataset is fetched by a pod in the cluster.`, { hints: ['Use an address that the cluster can reach, an image (--input-image) or a claim (--input-claim).'] });
  }
  return text;
};

const chooseOutput = (flags: TuningFlags, name: string, basis: Basis | undefined, { choose }: ChoiceLog): DataDestination => {
  const stored = basis?.workspace.tuning?.output;
  const secret = flags.outputImageSecret ?? (basis?.file ? stored?.imagePushSecret : undefined);
  if (flags.outputImage !== undefined && flags.outputClaim !== undefined) throw new UsageError('The adapter goes to one place: an image or a claim.', { hints: ['Give --output-image or --output-claim.'] });
  const toImage = (image: string, why: string): DataDestination => ({ image: choose('output', parseImage(image, '--output-image'), why), ...(secret === undefined ? {} : { imagePushSecret: secret }) });
  if (flags.outputImage !== undefined) return toImage(flags.outputImage, whyFlag('--output-image', basis));
  if (flags.outputClaim !== undefined) return claim(choose('output', flags.outputClaim, whyFlag('--output-claim', basis), `PersistentVolumeClaim/${flags.outputClaim}`));
  if (basis && stored) {
    choose('output', stored.image ?? 'a volume claim', whyBasis(basis));
    return stored.image !== undefined && flags.outputImageSecret !== undefined ? { ...stored, imagePushSecret: flags.outputImageSecret } : stored;
  }
  if (flags.registry !== undefined) return toImage(`${flags.registry.replace(/\/+$/, '')}/${name}:latest`, 'default: the registry of your settings, and the name');
  return claim(choose('output', `${name}-adapter`, 'default: a volume claim, because no registry is set (--output-image, --registry)', `PersistentVolumeClaim/${name}-adapter`));
};

const claim = (claimName: string): DataDestination => ({ volumeSource: { persistentVolumeClaim: { claimName } } });

const parseImage = (text: string, flag: string): string => {
  if (parseImageReference(text)) return text;
  throw new UsageError(`${JSON.stringify(text)} is not an image reference.`, { reason: 'InvalidImage', hints: [`For example: ${flag} myregistry.azurecr.io/adapters/my-tuning:1.0`] });
};

const chooseTraining = (flags: TuningFlags, stored: Basis | undefined, { choose }: ChoiceLog): TrainingOverrides => {
  const given = Object.fromEntries(Object.entries(flags.training).filter(([, value]) => value !== undefined));
  const recorded = stored?.workspace.metadata.annotations?.[ownAnnotation.training];
  const isAsBefore = Object.keys(given).length === 0 && recorded !== undefined;
  const why = stored && isAsBefore ? whyBasis(stored) : 'given';
  const overrides = parseTrainingOverrides(isAsBefore ? parseJson(recorded) : given);
  for (const [key, value] of Object.entries(overrides)) choose(key.replaceAll('_', ' '), value, why, [value].flat().join(', '));
  return overrides;
};

/** Undefined, which is no map of settings, for what is no JSON: the record may have been edited by hand. */
const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
