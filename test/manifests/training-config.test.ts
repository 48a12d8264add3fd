import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { UsageError } from '../../src/domain/errors.ts';
import type { TuningMethod } from '../../src/domain/workspace.ts';
import { checkTrainingConfig } from '../../src/manifests/check-training-config.ts';
import { parseTrainingOverrides, renderTrainingConfig, toTrainerYaml, type TrainingOverrides } from '../../src/manifests/training-config.ts';
import { trainingSections } from '../../src/manifests/training-keys.ts';
import { sections as sandboxSections } from '../../src/sandbox/programs/trainer-schema.ts';
import { presetNamed, presets } from '../presets/support.ts';
import { at, templates } from './support.ts';

const render = (method: TuningMethod = 'qlora', overrides: TrainingOverrides = {}, presetName = 'phi-3-mini-128k-instruct') => {
  const { tuning } = presetNamed(presetName);
  if (!tuning) throw new Error(`${presetName} cannot be tuned.`);
  return renderTrainingConfig(templates.template('tuning/training-config'), { method, tuning, overrides });
};

describe('renderTrainingConfig', () => {
  it('writes what KAITO\'s trainer needs in order not to die', () => {
    expect(at(render(), 'training_config')).toMatchObject({
      ModelConfig: { torch_dtype: 'bfloat16', local_files_only: true },
      QuantizationConfig: { load_in_4bit: true, bnb_4bit_quant_type: 'nf4', bnb_4bit_compute_dtype: 'bfloat16' },
      LoraConfig: { r: 8, lora_alpha: 8, target_modules: ['qkv_proj', 'o_proj', 'gate_up_proj', 'down_proj'] },
      TrainingArguments: {
        output_dir: '/mnt/results', save_strategy: 'no', per_device_train_batch_size: 1, per_device_eval_batch_size: 1,
        gradient_accumulation_steps: 4, logging_steps: 1, report_to: 'none', max_length: 1024,
      },
      DataCollator: { mlm: false },
    });
  });

  it('quantises for qlora only', () => {
    expect(at(render('lora'), 'training_config', 'QuantizationConfig', 'load_in_4bit')).toBe(false);
  });

  it.each(presets.flatMap(({ name, tuning }) => (tuning ? tuning.methods.map((method) => [name, method] as const) : [])))('renders for %s with %s what passes every check', (name, method) => {
    const targetModules = presetNamed(name).tuning?.targetModules ?? [];
    expect(checkTrainingConfig(parse(toTrainerYaml(render(method, {}, name))), { method, targetModules })).toEqual([]);
  });

  it('puts settings where they belong', () => {
    const config = render('qlora', { r: 16, max_steps: 20, learning_rate: 1e-4, train_test_split: 0.9, 'LoraConfig.revision': 'x', target_modules: ['o_proj'] });
    expect(at(config, 'training_config')).toMatchObject({
      LoraConfig: { r: 16, revision: 'x', target_modules: ['o_proj'] },
      TrainingArguments: { max_steps: 20, learning_rate: 1e-4, logging_steps: 1 },
      DatasetConfig: { train_test_split: 0.9, shuffle_dataset: true },
    });
  });

  it.each([
    ['a larger batch', { per_device_train_batch_size: 2 }, /per_device_train_batch_size: This must be 1/],
    ['another folder', { output_dir: '/data/out' }, /output_dir: This must be \/mnt\/results/],
    ['8 bits', { load_in_8bit: true }, /load_in_8bit/],
    ['layers that do not exist', { target_modules: ['q_proj', 'v_proj'] }, /This model has no layer q_proj, v_proj; it has qkv_proj/],
    ['packing', { packing: true }, /packing does not go with/],
  ])('refuses %s before anything is submitted', (_, overrides, fact) => {
    expect(() => render('qlora', overrides)).toThrow(expect.objectContaining({ constructor: UsageError, message: 'Training would fail with these settings.', fact: expect.stringMatching(fact) }));
  });

  it('is read by YAML 1.1 as it was meant, where a bare no is false', () => {
    const text = toTrainerYaml(render());
    expect(text).toContain('save_strategy: "no"');
    expect(parse(text, { version: '1.1' })).toEqual(render());
  });
});

describe('parseTrainingOverrides', () => {
  it('reads each value as its key wants it', () => {
    expect(parseTrainingOverrides({ r: '16', learning_rate: '1e-4', gradient_checkpointing: 'no', target_modules: 'q_proj, v_proj', lr_scheduler_type: 'cosine', max_steps: 5, layers_to_transform: [1, 2] })).toEqual({
      r: 16, learning_rate: 1e-4, gradient_checkpointing: false, target_modules: ['q_proj', 'v_proj'], lr_scheduler_type: 'cosine', max_steps: 5, layers_to_transform: ['1', '2'],
    });
  });

  it.each([
    [{ learning_rat: 1 }, 'learning_rat: the trainer has no such setting; did you mean learning_rate?'],
    [{ max_seq_length: 1 }, 'max_seq_length: the trainer has no such setting; did you mean max_length?'],
    [{ nonsense_of_mine: 1 }, 'nonsense_of_mine: the trainer has no such setting.'],
    [{ r: 1.5 }, 'r: 1.5 must be a whole number.'],
    [{ r: 'many' }, 'r: "many" must be a whole number.'],
    [{ learning_rate: '' }, 'learning_rate: "" must be a number.'],
    [{ packing: 'maybe' }, 'packing: "maybe" must be true or false.'],
    [{ max_steps: null }, 'max_steps: null must be a whole number.'],
    [{ lr_scheduler_kwargs: { a: 1 } }, 'lr_scheduler_kwargs: {"a":1} must be a map written as text, such as \'{"key": "value"}\'.'],
    [{ dataset_kwargs: '{}' }, 'dataset_kwargs: "{}" must be left out, for the trainer cannot read it.'],
    [{ 'DatasetConfig.r': 1 }, 'DatasetConfig.r: the trainer has no such setting; did you mean r?'],
    [{ constructor: 1 }, 'constructor: the trainer has no such setting.'],
  ])('refuses %j', (given, fact) => {
    expect(() => parseTrainingOverrides(given)).toThrow(expect.objectContaining({ constructor: UsageError, fact }));
  });

  it('tells all mistakes at once', () => {
    expect(() => parseTrainingOverrides({ r: 'x', foo: 1 })).toThrow(expect.objectContaining({ fact: expect.stringMatching(/r: [^]*\nfoo: /) }));
  });

  it('refuses what is no map', () => {
    expect(() => parseTrainingOverrides(['r'])).toThrow(UsageError);
  });
});

describe('the trainer\'s keys', () => {
  it('are the same here and in the sandbox\'s trainer, which was written apart', () => {
    const names = (schema: Record<string, Iterable<[string, unknown]>>) => Object.fromEntries(Object.entries(schema).map(([name, keys]) => [name, [...keys].map(([key]) => key).sort()]));
    expect(names(Object.fromEntries(Object.entries(trainingSections).map(([name, keys]) => [name, Object.entries(keys)])))).toEqual(names(sandboxSections));
  });
});
