import { distance } from 'fastest-levenshtein';
import type { TuningMethod } from '../domain/workspace.ts';
import { isTrainingSection, trainingSections, trainingValueKind, type TrainingSectionName, type TrainingValueKind } from './training-keys.ts';
import { isListKind, isScalar, valueReaders } from './training-values.ts';

export interface TrainingProblem {
  /** `LoraConfig.target_modules`. */
  path: string;
  /** As a sentence. */
  message: string;
  /** Ends the trainer, or makes it train something else than was meant; otherwise it is only worth knowing. */
  isFatal: boolean;
}

export interface TrainingConfigContext {
  method: TuningMethod;
  /** The layers that the preset has. */
  targetModules: readonly string[];
}

/** Where the results volume is. */
const resultsFolder = '/mnt/results';

/**
 * What is known to end KAITO's trainer, found before a GPU is paid for: from running it with each of these. All of it at once.
 * The parser turns every value into command line words, which is where many of the rules come from.
 * https://github.com/kaito-project/kaito/blob/v0.12.0/presets/workspace/tuning/text-generation/parser.py#L43
 */
export const checkTrainingConfig = (config: unknown, context: TrainingConfigContext): TrainingProblem[] => {
  const root = isMap(config) ? config['training_config'] : undefined;
  if (!isMap(root)) return [{ path: 'training_config', message: 'The file needs a map training_config.', isFatal: true }];
  const problems = Object.entries(root).flatMap(([name, section]) => checkSection(name, section));
  const read = (name: TrainingSectionName, key: string): unknown => (isMap(root[name]) ? root[name][key] : undefined);
  return [...problems, ...rules.flatMap((rule) => rule(read, context))];
};

const checkSection = (name: string, section: unknown): TrainingProblem[] => {
  if (!isTrainingSection(name)) {
    return [fatal(name, `There is no section ${name}; there are ${Object.keys(trainingSections).join(', ')}.`)];
  }
  if (!isMap(section)) return [fatal(name, 'A section must be a map: leave it out instead of leaving it empty.')];
  return Object.entries(section).flatMap(([key, value]) => {
    const kind = trainingValueKind(name, key);
    const path = `${name}.${key}`;
    if (kind === undefined) return [fatal(path, `The trainer does not know ${key}${nearestKey(name, key)} and ends.`)];
    const complaint = complain(value, kind);
    return complaint === undefined ? [] : [fatal(path, complaint)];
  });
};

const nearestKey = (name: TrainingSectionName, key: string): string => {
  const [nearest] = Object.keys(trainingSections[name])
    .map((known) => ({ known, edits: distance(key, known) }))
    .sort((left, right) => left.edits - right.edits);
  return nearest && nearest.edits <= Math.max(2, key.length / 3) ? ` (did you mean ${nearest.known}?)` : '';
};

const complain = (value: unknown, kind: TrainingValueKind): string | undefined => {
  const reader = valueReaders[kind];
  if (kind === 'never') return `This must be ${reader.wanted}.`;
  if (value === null) return 'An empty value becomes the word None: leave the key out.';
  if (Array.isArray(value)) {
    if (!isListKind(kind)) return `A list must be ${reader.wanted}.`;
    return value.length === 0 ? 'A list needs at least one item: leave the key out.' : undefined;
  }
  return isScalar(value) && reader.read(String(value).trim()) !== undefined ? undefined : `${JSON.stringify(value)} must be ${reader.wanted}.`;
};

type Read = (section: TrainingSectionName, key: string) => unknown;
type Rule = (read: Read, context: TrainingConfigContext) => TrainingProblem[];

const fatal = (path: string, message: string): TrainingProblem => ({ path, message, isFatal: true });
const worthKnowing = (path: string, message: string): TrainingProblem => ({ path, message, isFatal: false });

const rules: readonly Rule[] = [
  (read) => (read('DataCollator', 'mlm') === undefined ? [fatal('DataCollator.mlm', 'Write mlm: false; left out, it is true, and the trainer ends for want of a mask token.')] : []),
  (read) =>
    isOne(read('TrainingArguments', 'per_device_train_batch_size'))
      ? []
      : [fatal('TrainingArguments.per_device_train_batch_size', 'This must be 1 (left out, it is 8): examples of different lengths cannot be stacked. Use gradient_accumulation_steps for larger batches.')],
  (read) => {
    const strategy = read('TrainingArguments', 'eval_strategy');
    const evaluates = (strategy !== undefined && strategy !== 'no' && strategy !== false) || isYes(read('TrainingArguments', 'eval_on_start'));
    return evaluates && !isOne(read('TrainingArguments', 'per_device_eval_batch_size')) ? [fatal('TrainingArguments.per_device_eval_batch_size', 'Evaluation needs 1 here (left out, it is 8), for the same reason as training.')] : [];
  },
  (read) =>
    ['packing', 'padding_free', 'eval_packing', 'assistant_only_loss']
      .filter((key) => isYes(read('TrainingArguments', key)))
      .map((key) => fatal(`TrainingArguments.${key}`, `${key} does not go with the trainer's own data collator.`)),
  (read) =>
    read('TrainingArguments', 'output_dir') === resultsFolder
      ? []
      : [fatal('TrainingArguments.output_dir', `This must be ${resultsFolder}, where the volume is: anywhere else the adapter is lost.`)],
  (read) => {
    const reporter = read('TrainingArguments', 'report_to');
    return reporter === undefined || reporter === 'none' ? [] : [fatal('TrainingArguments.report_to', 'This must be none: the image has no package to report with.')];
  },
  (read) => {
    const dtype = read('ModelConfig', 'torch_dtype');
    return dtype === undefined || dtype === 'bfloat16' || dtype === 'float16' || dtype === 'float32' ? [] : [fatal('ModelConfig.torch_dtype', 'This must be bfloat16, float16 or float32 in full; auto is refused.')];
  },
  checkQuantization,
  checkTargetModules,
  (read) => {
    const saved = read('LoraConfig', 'modules_to_save');
    return toTexts(saved).includes('lm_head') ? [fatal('LoraConfig.modules_to_save', 'lm_head cannot be trained in full: the loss is computed from the original layer.')] : [];
  },
  (read) => {
    const path = read('DatasetConfig', 'dataset_path');
    return typeof path === 'string' && path.startsWith('/mnt/') ? [fatal('DatasetConfig.dataset_path', 'The trainer puts /mnt in front: write /data/<file> for /mnt/data/<file>.')] : [];
  },
  (read) => {
    const split = read('DatasetConfig', 'train_test_split');
    return split === undefined || (Number(split) > 0 && Number(split) <= 1) ? [] : [fatal('DatasetConfig.train_test_split', 'This must be more than 0 and at most 1.')];
  },
  (read) => (read('TrainingArguments', 'resume_from_checkpoint') === undefined ? [] : [worthKnowing('TrainingArguments.resume_from_checkpoint', 'The trainer ignores this and starts from the beginning.')]),
  (read) => (isYes(read('TrainingArguments', 'disable_tqdm')) ? [worthKnowing('TrainingArguments.disable_tqdm', 'Without the bar nothing tells how far training is.')] : []),
];

function checkQuantization(read: Read, { method }: TrainingConfigContext): TrainingProblem[] {
  const is4Bit = isYes(read('QuantizationConfig', 'load_in_4bit'));
  if (isYes(read('QuantizationConfig', 'load_in_8bit'))) return [fatal('QuantizationConfig.load_in_8bit', 'The versions of PEFT and bitsandbytes in the image do not go together here: use load_in_4bit.')];
  if (method === 'qlora' && !is4Bit) return [fatal('QuantizationConfig.load_in_4bit', 'Method qlora needs true here: it is this key that makes it QLoRA.')];
  if (method === 'lora' && is4Bit) return [fatal('QuantizationConfig.load_in_4bit', 'Method lora needs false here: true makes it QLoRA.')];
  return [];
}

function checkTargetModules(read: Read, { targetModules }: TrainingConfigContext): TrainingProblem[] {
  const modules = toTexts(read('LoraConfig', 'target_modules'));
  const path = 'LoraConfig.target_modules';
  if (modules.length === 0) return [fatal(path, `Name the layers to train, for this model ${targetModules.join(', ')}: the library does not know them by itself.`)];
  const missing = modules.filter((name) => !targetModules.includes(name));
  if (missing.length === 0) return [];
  const message = `This model has no layer ${missing.join(', ')}; it has ${targetModules.join(', ')}.`;
  // One that exists is enough for the trainer, which then silently trains less than was asked for.
  return [missing.length === modules.length ? fatal(path, message) : worthKnowing(path, message)];
}

const isYes = (value: unknown): boolean => isScalar(value) && valueReaders.flag.read(String(value)) === true;

const isOne = (value: unknown): boolean => isScalar(value) && Number(value) === 1;

const toTexts = (value: unknown): string[] => (Array.isArray(value) ? value.filter(isScalar).map(String) : isScalar(value) ? [String(value)] : []);

const isMap = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
