import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { checkTrainingConfig } from '../../src/manifests/check-training-config.ts';

const targetModules = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'];
const good = {
  ModelConfig: { torch_dtype: 'bfloat16' },
  QuantizationConfig: { load_in_4bit: true },
  LoraConfig: { target_modules: ['q_proj'] },
  TrainingArguments: { output_dir: '/mnt/results', per_device_train_batch_size: 1 },
  DataCollator: { mlm: false },
};
const check = (change: Record<string, unknown>) => checkTrainingConfig({ training_config: { ...good, ...change } }, { method: 'qlora', targetModules });
const fatal = (change: Record<string, unknown>) => check(change).filter(({ isFatal }) => isFatal).map(({ path, message }) => `${path}: ${message}`);
const training = (change: Record<string, unknown>) => ({ TrainingArguments: { ...good.TrainingArguments, ...change } });

describe('checkTrainingConfig', () => {
  it('has nothing against a good configuration', () => {
    expect(check({})).toEqual([]);
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['no collator', { DataCollator: undefined }, /DataCollator: A section must be a map/],
    ['a collator without mlm', { DataCollator: { mlm_probability: 0.1 } }, /DataCollator\.mlm: Write mlm: false/],
    ['no batch size, which is 8 then', training({ per_device_train_batch_size: undefined }), /per_device_train_batch_size/],
    ['a batch size of 2', training({ per_device_train_batch_size: 2 }), /per_device_train_batch_size/],
    ['evaluation with the batch size of 8', training({ eval_strategy: 'steps' }), /per_device_eval_batch_size/],
    ['an unknown key', training({ max_seq_length: 1 }), /max_seq_length: The trainer does not know max_seq_length \(did you mean max_length\?\)/],
    ['an unknown section', { Training: {} }, /There is no section Training/],
    ['a nested map', training({ gradient_checkpointing_kwargs: { use_reentrant: false } }), /gradient_checkpointing_kwargs: .* must be a map written as text/],
    ['an empty list', { LoraConfig: { target_modules: [] } }, /A list needs at least one item/],
    ['null', training({ max_steps: null }), /An empty value becomes the word None/],
    ['a flag that is neither', training({ bf16: 'maybe' }), /"maybe" must be true or false/],
    ['all-linear', { LoraConfig: { target_modules: 'all-linear' } }, /This model has no layer all-linear/],
    ['no layers', { LoraConfig: {} }, /Name the layers to train/],
    ['a relative folder', training({ output_dir: 'results' }), /output_dir: This must be \/mnt\/results/],
    ['8 bits', { QuantizationConfig: { load_in_8bit: true } }, /use load_in_4bit/],
    ['no quantisation for qlora', { QuantizationConfig: { load_in_4bit: false } }, /Method qlora needs true/],
    ['a dtype of auto', { ModelConfig: { torch_dtype: 'auto' } }, /torch_dtype/],
    ['the output layer in full', { LoraConfig: { target_modules: ['q_proj'], modules_to_save: ['lm_head'] } }, /lm_head/],
    ['an initialisation by name', { LoraConfig: { target_modules: ['q_proj'], init_lora_weights: 'gaussian' } }, /init_lora_weights/],
    ['a reporter', training({ report_to: 'wandb' }), /report_to/],
    ['a path that gets /mnt twice', { DatasetConfig: { dataset_path: '/mnt/data/x.json' } }, /write \/data\/<file>/],
    ['packing', training({ packing: true }), /packing/],
  ])('knows that %s ends the trainer', (_, change, problem) => {
    expect(fatal(change)).toContainEqual(expect.stringMatching(problem));
  });

  it.each<[string, Record<string, unknown>]>([
    ['flags as words', { DataCollator: { mlm: 'False' } }],
    ['numbers as words', training({ learning_rate: '1e-4' })],
    ['evaluation in batches of 1', training({ eval_strategy: 'steps', per_device_eval_batch_size: 1 })],
    ['one layer as a word', { LoraConfig: { target_modules: 'o_proj' } }],
    ['a map written as text', training({ gradient_checkpointing_kwargs: '{"use_reentrant": false}' })],
    ['accumulated gradients', training({ gradient_accumulation_steps: 8 })],
  ])('has nothing against %s', (_, change) => {
    expect(fatal(change)).toEqual([]);
  });

  it('warns of what is merely without effect', () => {
    expect(check(training({ resume_from_checkpoint: true, disable_tqdm: true }))).toEqual([
      { path: 'TrainingArguments.resume_from_checkpoint', message: 'The trainer ignores this and starts from the beginning.', isFatal: false },
      { path: 'TrainingArguments.disable_tqdm', message: 'Without the bar nothing tells how far training is.', isFatal: false },
    ]);
    expect(check({ LoraConfig: { target_modules: ['q_proj', 'qkv_proj'] } })).toEqual([{ path: 'LoraConfig.target_modules', message: expect.stringContaining('no layer qkv_proj'), isFatal: false }]);
  });

  it.each([null, 'text', {}, { training_config: [] }])('says what is missing of %j', (config) => {
    expect(checkTrainingConfig(config, { method: 'lora', targetModules })).toEqual([{ path: 'training_config', message: 'The file needs a map training_config.', isFatal: true }]);
  });
});

const recordings = new URL('../../../shared/data/runtime-observed/logs/', import.meta.url);
const readLines = (file: string): unknown[] => (existsSync(recordings) ? readFileSync(new URL(file, recordings), 'utf8').trim().split('\n').map((line): unknown => JSON.parse(line)) : []);

describe.skipIf(!existsSync(recordings))('checkTrainingConfig against the real trainer (needs ../shared/data/runtime-observed)', () => {
  const exitCodes = new Map(readLines('matrix.jsonl').map((line) => [textOf(line, 'name'), textOf(line, 'rc')]));
  const runs = readLines('matrix-runs.jsonl').map((line) => ({ name: textOf(line, 'case'), config: textOf(line, 'config.yaml') }));

  /** Where the trainer and we mean to differ. */
  const otherwise: Record<string, RegExp> = {
    'the dataset was at fault, which no configuration shows':
      /^(?:trl116-)?(?:alpaca|bad-json|bad-role|context-response|conversations-(?:fromvalue|rolecontent)|csv-text|empty-file|mixed-columns|name-contains-parquet|no-file|text|txt-only|messages-no-chat-template)$/,
    'it names a file or a model that was not there': /^(?:dataset-(?:ext|path)-wrong|messages-chat-template-missing-file|model-hub-id-offline|model-path-missing|no-config-file)$/,
    'the optimizer needs a GPU, which that machine had not': /^optim-paged$/,
    'it went well by luck: all examples had one length': /^batch2-equal-length$/,
    'the trainer was content, but the adapter would be outside the volume': /^output-(?:absent|nested-abs|relative)$/,
    'the library knew the layers, or the environment named them, in part wrongly': /^tm-(?:absent-llama|env-default-(?:phi3|qwen2))$/,
    'the trainer ignores a section that it does not know, and so what was meant by it': /^unknown-section$/,
  };
  const isMeant = (name: string): boolean => Object.values(otherwise).some((names) => names.test(name));

  const isRight = ({ name, config }: { name: string; config: string }): boolean => (fatalIn(config).length > 0) === (exitCodes.get(name) !== '0');

  it('refuses what ended the trainer, and lets through what did not', () => {
    expect(runs).toHaveLength(129);
    const differences = runs.filter((run) => !isRight(run) && !isMeant(run.name)).map(({ name, config }) => `${name}: exit ${exitCodes.get(name)}, and we say ${fatalIn(config).join(' ') || 'nothing'}`);
    expect(differences).toEqual([]);
  });

  it.each(Object.entries(otherwise))('differs because %s', (_, names) => {
    expect(runs.filter(({ name }) => names.test(name)).filter((run) => !isRight(run))).not.toEqual([]);
  });

  const fatalIn = (config: string): string[] =>
    checkTrainingConfig(readYaml(config), { method: /load_in_4bit: (?:true|yes)/i.test(config) ? 'qlora' : 'lora', targetModules })
      .filter(({ isFatal }) => isFatal)
      .map(({ path, message }) => `${path}: ${message}`);
});

/** What is no YAML at all is no map either. */
function readYaml(text: string): unknown {
  try {
    const parsed: unknown = parse(text, { version: '1.1' });
    return parsed;
  } catch {
    return undefined;
  }
}

function textOf(line: unknown, key: string): string {
  const value: unknown = typeof line === 'object' && line !== null ? Object.entries(line).find(([name]) => name === key)?.[1] : undefined;
  return String(value);
}
