import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { trainer } from '../../../src/sandbox/programs/trainer.ts';
import { runContainer, type ContainerOptions } from './container.ts';
import { hasRecordings, readLines, readRecording, shapesOf } from './recordings.ts';

const command = ['accelerate', 'launch', '--num_processes=1', '/workspace/tfs/fine_tuning.py'];
const adapterPath = '/mnt/results/adapter_model.safetensors';

const llama = JSON.stringify({
  model_type: 'llama',
  hidden_size: 128,
  intermediate_size: 256,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 2000,
});

const chatRows = Array.from({ length: 10 }, (_, index) => ({
  messages: [
    { role: 'user', content: `What is ${'very '.repeat(index)}big?` },
    { role: 'assistant', content: 'A whale.' },
  ],
}));

const toLines = (rows: readonly unknown[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

type Sections = Record<string, Record<string, unknown> | null | undefined>;

/** A configuration that trains, with some of its sections changed or taken away. */
const config = (changes: Sections = {}): string => {
  const base: Sections = {
    ModelConfig: { torch_dtype: 'bfloat16', local_files_only: true, device_map: 'auto' },
    QuantizationConfig: { load_in_4bit: false },
    LoraConfig: { r: 8, lora_alpha: 8, lora_dropout: 0, target_modules: ['q_proj', 'v_proj'] },
    TrainingArguments: { output_dir: '/mnt/results', save_strategy: 'no', per_device_train_batch_size: 1, max_steps: 6, logging_steps: 1 },
    DataCollator: { mlm: true },
    DatasetConfig: { shuffle_dataset: true, train_test_split: 1 },
  };
  const merged = Object.fromEntries(
    Object.entries({ ...base, ...changes })
      .filter(([, section]) => section !== undefined)
      .map(([name, section]) => [name, section === null ? null : name in changes && changes[name] ? { ...base[name], ...changes[name] } : section]),
  );
  // JSON is YAML; what is undefined goes away.
  return JSON.stringify({ training_config: merged });
};

const tune = (changes: Sections = {}, options: Partial<ContainerOptions> = {}) =>
  runContainer(trainer, {
    command,
    env: { PYTHONUNBUFFERED: '1' },
    ...options,
    files: {
      '/workspace/weights/config.json': llama,
      '/mnt/config/training_config.yaml': config(changes),
      '/mnt/data/train.jsonl': toLines(chatRows),
      ...options.files,
    },
  });

/** The last error line before accelerate's own traceback, which is where the reason stands. */
const reasonOf = (stderr: string): string => {
  const own = stderr.slice(0, stderr.lastIndexOf('Traceback (most recent call last):\n  File "/usr/local/bin/accelerate"'));
  return own.match(/^(?:[\w.]+(?:Error|Exception): .*|fine_tuning\.py: error: .*)$/gm)?.at(-1) ?? '';
};

const lossLines = (stdout: string): string[] => stdout.match(/^\{'loss'.*\}$/gm) ?? [];

describe('a tuning that goes well', () => {
  it('is found by the script in its command, in exec form and behind a shell', () => {
    const image = 'kaito-base';
    expect(trainer.matches({ image, command, args: [] })).toBe(true);
    const line = 'cd /workspace/tfs/ && python3 metrics_server.py & accelerate launch --num_processes=2 /workspace/tfs/fine_tuning.py';
    expect(trainer.matches({ image, command: ['/bin/sh', '-c', line], args: [] })).toBe(true);
    expect(trainer.matches({ image, command: ['/bin/sh', '-c', 'oras push'], args: [] })).toBe(false);
  });

  it('logs one loss a step as a dict of strings, draws the bar around it, and ends with the summary', async () => {
    const container = tune();
    expect(await container.exit).toBe(0);
    const losses = lossLines(container.stdout());
    expect(losses).toHaveLength(6);
    expect(losses[1]).toMatch(/^\{'loss': '[\d.]+', 'grad_norm': '[\d.]+', 'learning_rate': '1\.667e-05', 'entropy': '[\d.]+', 'num_tokens': '\d+', 'mean_token_accuracy': '[\d.]+', 'epoch': '0\.2'\}$/);
    expect(container.stdout()).toContain('trainable params: 7,168 || all params: ');
    expect(container.stdout()).toMatch(/\{'train_runtime': '[\d.]+', .*'epoch': '0\.6'\}\n$/);
    expect(container.stderr()).toMatch(/\r +\r\r 50%\|█████     \| 3\/6 \[00:08<00:08, {2}2\.\d\ds\/it\]/);
    expect(container.stderr()).toMatch(/\r100%\|██████████\| 6\/6 \[00:1\d<00:00, .*\]\n/);
    expect(container.stderr()).toMatch(/fine_tuning\.py:161\] Fine-Tuning completed\n\n$/);
  });

  it.skipIf(!hasRecordings)('writes the same kinds of lines, in the same order, as the recorded run (skipped without recordings)', async () => {
    const recorded = 'logs/full/E-slow-steps';
    const yaml = readRecording(`${recorded}.config.yaml`);
    const container = tune({}, { files: { '/mnt/config/training_config.yaml': yaml } });
    expect(await container.exit).toBe(0);
    expect(shapesOf(container.stdout())).toEqual(shapesOf(readRecording(`${recorded}.stdout.txt`)));
    const onCpuAlone = /bitsandbytes was compiled without GPU support/;
    const comparable = (text: string) =>
      shapesOf(text)
        .filter((line) => !onCpuAlone.test(line))
        // The package's place and the bars' rates differ.
        .map((line) => line.replace(/^\/usr\S*\/peft/, 'peft').replace('s/it', 'it/s').replace(/^INFO N-N N:N:N/, 'INFO TIME'));
    expect(comparable(container.stderr())).toEqual(comparable(readRecording(`${recorded}.stderr.txt`)));
  });

  it('writes each loss at its step with PYTHONUNBUFFERED, and without it only at the end', async () => {
    const live = tune();
    const buffered = tune({}, { env: {} });
    await Promise.all([live.exit, buffered.exit]);
    const streams = (container: typeof live) => container.writes().map(({ stream }) => stream);
    expect(streams(live).lastIndexOf('stderr')).toBeGreaterThan(streams(live).indexOf('stdout') + 10);
    expect(streams(buffered).filter((stream) => stream === 'stdout')).toHaveLength(1);
    expect(streams(buffered).at(-1)).toBe('stdout');
    expect(buffered.stdout()).toBe(live.stdout());
  });

  it('leaves a valid adapter, its configuration, a card, and the sentinel last', async () => {
    const container = tune({ LoraConfig: { r: 16, lora_alpha: 32, target_modules: ['q_proj', 'down_proj'] } });
    await container.exit;
    expect(container.files().slice(-4)).toEqual([
      '/mnt/results/README.md',
      '/mnt/results/adapter_config.json',
      adapterPath,
      '/mnt/results/fine_tuning_completed.txt',
    ]);
    expect(container.file('/mnt/results/fine_tuning_completed.txt')?.toString()).toMatch(/^Fine-Tuning completed at \d{4}-\d\d-\d\d-\d\d-\d\d-\d\d\n$/);
    expect(JSON.parse(container.file('/mnt/results/adapter_config.json')?.toString() ?? '')).toMatchObject({
      base_model_name_or_path: '/workspace/tfs/weights',
      auto_mapping: { base_model_class: 'LlamaForCausalLM' },
      peft_type: 'LORA',
      r: 16,
      lora_alpha: 32,
      target_modules: ['q_proj', 'down_proj'],
      task_type: null,
    });
    const weights = container.file(adapterPath) ?? Buffer.alloc(0);
    const headerBytes = Number(weights.readBigUInt64LE());
    const tensor = z.object({ dtype: z.literal('BF16'), shape: z.tuple([z.int(), z.int()]), data_offsets: z.tuple([z.int(), z.int()]) });
    const { __metadata__: metadata, ...tensors } = z.record(z.string(), z.unknown()).parse(JSON.parse(weights.subarray(8, 8 + headerBytes).toString()));
    expect(metadata).toEqual({ format: 'pt' });
    const parsed = Object.entries(tensors).map(([name, value]) => ({ name, ...tensor.parse(value) }));
    expect(parsed.map(({ name }) => name)).toContain('base_model.model.model.layers.1.mlp.down_proj.lora_B.weight');
    expect(parsed).toHaveLength(8);
    for (const { shape, data_offsets: [start, end] } of parsed) expect(end - start).toBe(shape[0] * shape[1] * 2);
    expect(parsed.at(-1)?.data_offsets[1]).toBe(weights.length - 8 - headerBytes);
  });

  it('counts steps from epochs, rows and accumulation, and logs as often as told', async () => {
    const container = tune({ TrainingArguments: { max_steps: undefined, num_train_epochs: 2, gradient_accumulation_steps: 4, logging_steps: 3 } });
    await container.exit;
    expect(container.stderr()).toContain('| 6/6 [');
    expect(lossLines(container.stdout()).map((line) => /'epoch': '(.*?)'/.exec(line)?.[1])).toEqual(['1', '2']);
  });

  it('draws no bar with disable_tqdm, and logs all the same', async () => {
    const container = tune({ TrainingArguments: { disable_tqdm: true } });
    await container.exit;
    expect(container.stderr()).not.toMatch(/\r\s*\d+%\|/);
    expect(lossLines(container.stdout())).toHaveLength(6);
  });

  it('starts its rate as told, with a warm-up and a cosine', async () => {
    const container = tune({ TrainingArguments: { lr_scheduler_type: 'cosine', warmup_steps: 2, learning_rate: '1e-4' } });
    await container.exit;
    expect(lossLines(container.stdout()).map((line) => /'learning_rate': '(.*?)'/.exec(line)?.[1])).toEqual(['0', '5e-05', '0.0001', '8.536e-05', '5e-05', '1.464e-05']);
  });

  it('evaluates with a batch of one', async () => {
    const container = tune({
      DatasetConfig: { train_test_split: 0.8 },
      TrainingArguments: { eval_strategy: 'steps', eval_steps: 3, per_device_eval_batch_size: 1 },
    });
    expect(await container.exit).toBe(0);
    expect(container.stdout().match(/^\{'eval_loss'/gm)).toHaveLength(2);
  });

  it('saves checkpoints when asked to', async () => {
    const container = tune({ TrainingArguments: { save_strategy: 'steps', save_steps: 3 } });
    await container.exit;
    expect(container.file('/mnt/results/checkpoint-3/adapter_config.json')).toBeDefined();
    expect(container.file('/mnt/results/checkpoint-6/trainer_state.json')).toBeDefined();
  });

  it('knows its metrics server, which has no health path', async () => {
    const line = 'cd /workspace/tfs/ && python3 metrics_server.py & accelerate launch --num_processes=1 /workspace/tfs/fine_tuning.py';
    const container = tune({}, { command: ['/bin/sh', '-c', line] });
    const url = await container.open();
    expect((await fetch(`${url}/metrics`)).status).toBe(200);
    expect((await fetch(`${url}/health`)).status).toBe(404);
    expect(await container.exit).toBe(0);
    await container.close();
  });

  it('ends on SIGTERM, and leaves no sentinel', async () => {
    const container = tune({ TrainingArguments: { max_steps: 5000 } });
    container.terminate();
    expect(await container.exit).toBe(143);
    expect(container.file('/mnt/results/fine_tuning_completed.txt')).toBeUndefined();
  });
});

describe('where the adapter goes', () => {
  it.each([
    ['results', '/workspace/results'],
    [undefined, '/workspace/trainer_output'],
    ['/mnt/results/deep/', '/mnt/results/deep'],
  ])('output_dir %s means %s', async (folder, expected) => {
    const container = tune({ TrainingArguments: { output_dir: folder } });
    expect(await container.exit).toBe(0);
    expect(container.file(`${expected}/adapter_config.json`)).toBeDefined();
  });
});

const isNotUsed = (words: string) => `ValueError: Some specified arguments are not used by the HfArgumentParser: [${words}]`;

describe('a configuration that kills the trainer', () => {
  const batchError = /^ValueError: Unable to create tensor, .*\(`labels` in this case\)/;
  const maskError = "AttributeError: type object 'PythonBackend' has no attribute 'mask_token'. Did you mean: '_add_tokens'?";
  const cases: [what: string, changes: Sections, reason: string | RegExp][] = [
    ['an unknown key', { TrainingArguments: { foo: 1 } }, isNotUsed("'--foo', '1'")],
    ['an unknown LoRA key', { LoraConfig: { foo: 1 } }, isNotUsed("'--foo', '1'")],
    ['an unknown dataset key', { DatasetConfig: { foo: 'x' } }, isNotUsed("'--foo', 'x'")],
    ['a key of older versions', { TrainingArguments: { max_seq_length: 512 } }, isNotUsed("'--max_seq_length', '512'")],
    ['a nested map', { TrainingArguments: { gradient_checkpointing_kwargs: { use_reentrant: false } } }, isNotUsed("'--gradient_checkpointing_kwargs_use_reentrant', 'False'")],
    ['null for a path', { ModelConfig: { chat_template: null } }, "FileNotFoundError: [Errno 2] No such file or directory: 'None'"],
    ['null for a number', { TrainingArguments: { max_steps: null } }, "fine_tuning.py: error: argument --max_steps/--max-steps: invalid int value: 'None'"],
    ['null for a section', { QuantizationConfig: null }, "AttributeError: 'NoneType' object has no attribute 'items'"],
    ['an empty list', { LoraConfig: { target_modules: [] } }, 'fine_tuning.py: error: argument --target_modules/--target-modules: expected at least one argument'],
    ['a bad boolean', { TrainingArguments: { gradient_checkpointing: 'maybe' } }, /argument --gradient_checkpointing\/--gradient-checkpointing: Truthy value expected: got maybe but expected one of/],
    ['a bad LoRA initialisation', { LoraConfig: { init_lora_weights: 'gaussian' } }, /Truthy value expected: got gaussian/],
    ['JSON where none can be given', { TrainingArguments: { dataset_kwargs: '{"a": 1}' } }, `fine_tuning.py: error: argument --dataset_kwargs/--dataset-kwargs: invalid dict value: '{"a": 1}'`],
    ['no collator section', { DataCollator: undefined }, maskError],
    ['a collator without mlm', { DataCollator: { mlm: undefined, mlm_probability: 0.2 } }, maskError],
    ['a batch of two', { TrainingArguments: { per_device_train_batch_size: 2 } }, batchError],
    ['the default batch of eight', { TrainingArguments: { per_device_train_batch_size: undefined } }, batchError],
    ['an evaluation with the default batch', { DatasetConfig: { train_test_split: 0.8 }, TrainingArguments: { eval_strategy: 'steps', eval_steps: 4 } }, batchError],
    ['torch_dtype auto', { ModelConfig: { torch_dtype: 'auto' } }, 'ValueError: Invalid torch dtype: auto'],
    ['torch_dtype bf16', { ModelConfig: { torch_dtype: 'bf16' } }, 'ValueError: Invalid torch dtype: bf16'],
    ['load_in_8bit', { QuantizationConfig: { load_in_8bit: true } }, "AttributeError: 'MatmulLtState' object has no attribute 'memory_efficient_backward'"],
    ['packing', { TrainingArguments: { packing: true } }, 'ValueError: Passing a custom data collator is not supported when using padding-free.'],
    ['assistant_only_loss', { TrainingArguments: { assistant_only_loss: true } }, /^ValueError: The chat template is not training-compatible/],
    ['modules_to_save', { LoraConfig: { modules_to_save: ['lm_head'] } }, "AttributeError: 'ModulesToSaveWrapper' object has no attribute 'bias'"],
    ['all-linear', { LoraConfig: { target_modules: 'all-linear' } }, "ValueError: Target modules {'all-linear'} not found in the base model. Please check the target modules and try again."],
    ['a wrong target', { LoraConfig: { target_modules: ['nope_proj'] } }, /^ValueError: Target modules \{'nope_proj'\} not found in the base model\./],
    ['tensorboard', { TrainingArguments: { report_to: 'tensorboard' } }, /^RuntimeError: TensorBoardCallback requires tensorboard/],
    ['a model that is not there', { ModelConfig: { pretrained_model_name_or_path: '/workspace/nope' } }, "OSError: Repo id must be in the form 'repo_name' or 'namespace/repo_name': '/workspace/nope'. Use `repo_type` argument if needed."],
    ['a hub model offline', { ModelConfig: { pretrained_model_name_or_path: 'org/name' } }, /^OSError: We couldn't connect to 'https:\/\/huggingface.co'/],
    ['a template file that is not there', { ModelConfig: { chat_template: '/none.jinja' } }, "FileNotFoundError: [Errno 2] No such file or directory: '/none.jinja'"],
  ];

  it.each(cases)('%s: exit 1, with the reason before the launcher’s own traceback', async (_, changes, reason) => {
    const container = tune(changes);
    expect(await container.exit).toBe(1);
    expect(reasonOf(container.stderr())).toEqual(typeof reason === 'string' ? reason : expect.stringMatching(reason));
    expect(container.stderr()).toMatch(/subprocess\.CalledProcessError: Command '\[.*fine_tuning\.py'\]' returned non-zero exit status [12]\.\n$/);
    expect(container.file('/mnt/results/fine_tuning_completed.txt')).toBeUndefined();
  });

  it.each([
    ['phi3', 'microsoft/phi-3-mini'],
    ['qwen2', 'Qwen/Qwen2.5-7B'],
  ])('has no default targets for %s, but takes them from the environment', async (type) => {
    const weights = { '/workspace/weights/config.json': JSON.stringify({ model_type: type }) };
    const changes = { LoraConfig: { target_modules: undefined } };
    const container = tune(changes, { files: weights });
    expect(await container.exit).toBe(1);
    expect(reasonOf(container.stderr())).toBe('ValueError: Please specify `target_modules` in `peft_config`');
    const helped = tune(changes, { files: weights, env: { DEFAULT_TARGET_MODULES: 'k_proj,q_proj,o_proj' } });
    expect(await helped.exit).toBe(0);
  });

  it.each([
    ['nothing at all', '', "AttributeError: 'NoneType' object has no attribute 'get'"],
    ['what is no YAML', 'training_config: [', /^yaml\.parser\.ParserError: /],
  ])('dies of %s in the file', async (_, text, reason) => {
    const container = tune({}, { files: { '/mnt/config/training_config.yaml': text } });
    expect(await container.exit).toBe(1);
    expect(reasonOf(container.stderr())).toMatch(reason);
  });

  it('reads YAML as Python does, and shows what it read', async () => {
    const text = `training_config:
  LoraConfig: {r: 8, lora_dropout: 0.0, target_modules: [q_proj]}
  TrainingArguments: {learning_rate: 2e-5, bf16: yes, max_steps: 1, per_device_train_batch_size: 1, output_dir: /mnt/results}
  DataCollator: {mlm: false}
  Unknown: {ignored: "it's"}
`;
    const container = tune({}, { files: { '/mnt/config/training_config.yaml': text } });
    expect(await container.exit).toBe(0);
    expect(container.stdout().split('\n', 1)[0]).toBe(
      `training_config: {'LoraConfig': {'r': 8, 'lora_dropout': 0.0, 'target_modules': ['q_proj']}, 'TrainingArguments': {'learning_rate': '2e-5', 'bf16': True, 'max_steps': 1, 'per_device_train_batch_size': 1, 'output_dir': '/mnt/results'}, 'DataCollator': {'mlm': False}, 'Unknown': {'ignored': "it's"}}`,
    );
  });

  const run = z.object({ case: z.string(), 'config.yaml': z.string() });
  const verdict = z.object({ name: z.string(), rc: z.int(), err: z.string() });

  /** Cases on the tiny llama with the ordinary dataset; the others had other files. */
  const comparable =
    /^(?:dc-|unknown|nested|null|empty-list|bool|target-modules|dtype|packing|max-seq|overwrite|report|assistant|8bit|qlora|lora-|lr-|eval|split|batch2$|warmup|logging|seed|gc-|base$|output-dir|save)/;

  it.skipIf(!hasRecordings)('ends as each recorded configuration did, for the same reason (skipped without recordings)', async () => {
    const verdicts = new Map(readLines('logs/matrix.jsonl').map((line) => verdict.parse(line)).map((entry) => [entry.name, entry]));
    const runs = readLines('logs/matrix-runs.jsonl').flatMap((line) => run.safeParse(line).data ?? []).filter((entry) => comparable.test(entry.case));
    expect(runs.length).toBeGreaterThan(40);
    const ends = await Promise.all(
      runs.map(async ({ case: name, 'config.yaml': yaml }) => {
        const container = tune({}, { files: { '/mnt/config/training_config.yaml': yaml } });
        const code = await container.exit;
        return { name, code, reason: code === 0 ? '' : reasonOf(container.stderr()) };
      }),
    );
    const expected = runs.map(({ case: name }) => ({ name, code: verdicts.get(name)?.rc, reason: verdicts.get(name)?.err }));
    expect(ends).toEqual(expected);
  });
});

/** The smallest Parquet file that names one column and ten rows, its footer written by hand in Thrift's compact protocol. */
const parquetFile = (column: string): Buffer => {
  const root = [0x48, 6, ...Buffer.from('schema'), 0x15, 2, 0];
  const leaf = [0x48, column.length, ...Buffer.from(column), 0];
  const footer = Buffer.from([0x15, 2, 0x19, 0x2c, ...root, ...leaf, 0x16, 20, 0]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(footer.length);
  return Buffer.concat([Buffer.from('PAR1'), footer, length, Buffer.from('PAR1')]);
};

const unloadable = (path: string, type: string) => `ValueError: Unable to load dataset ${path} with file type '${type}'`;

const tuneParquet = async (column: string) => {
  const container = tune({ DatasetConfig: { dataset_path: 'data/train.parquet' } }, { files: { '/mnt/data/train.parquet': parquetFile(column) } });
  return { code: await container.exit, stderr: container.stderr() };
};

describe('a dataset', () => {
  const noColumn = 'KeyError: None';
  it.each<[what: string, files: Record<string, string>, reason: string]>([
    ['of plain text', { 'train.jsonl': toLines([{ text: 'hello' }]) }, noColumn],
    ['of Alpaca’s columns', { 'train.jsonl': toLines([{ instruction: 'a', input: '', output: 'b' }]) }, noColumn],
    ['of conversations with roles', { 'train.jsonl': toLines([{ conversations: [{ role: 'user', content: 'a' }] }]) }, noColumn],
    ['of conversations from a human', { 'train.jsonl': toLines([{ conversations: [{ from: 'human', value: 'a' }] }]) }, 'jinja2.exceptions.TemplateError: Unknown role: human'],
    ['with a role the template does not know', { 'train.jsonl': toLines([{ messages: [{ role: 'human', content: 'a' }] }]) }, 'jinja2.exceptions.TemplateError: Unknown role: human'],
    ['of mixed rows', { 'train.jsonl': toLines([...chatRows, { prompt: 'a', completion: 'b' }]) }, "AttributeError: 'NoneType' object has no attribute 'endswith'"],
    ['that is empty', { 'train.jsonl': '' }, unloadable('/mnt/data/train.jsonl', 'json')],
    ['that is no JSON', { 'train.jsonl': '{"messages": [' }, unloadable('/mnt/data/train.jsonl', 'json')],
    ['whose name only contains a format', { 'zz_train.parquet.bak': 'text' }, unloadable('/mnt/data/zz_train.parquet.bak', 'parquet')],
    ['in a format it does not know', { 'train.txt': 'hello' }, 'ValueError: Unable to find a valid dataset file.'],
  ])('%s kills the trainer', async (_, files, reason) => {
    const container = runContainer(trainer, {
      command,
      files: {
        '/workspace/weights/config.json': llama,
        '/mnt/config/training_config.yaml': config(),
        ...Object.fromEntries(Object.entries(files).map(([name, text]) => [`/mnt/data/${name}`, text])),
      },
    });
    expect(await container.exit).toBe(1);
    const stderr = container.stderr();
    const last = stderr.slice(0, stderr.lastIndexOf('Traceback')).trimEnd().split('\n').at(-1);
    expect(last).toBe(reason);
  });

  it.each<[what: string, name: string, content: string]>([
    ['prompt and completion lines', 'train.jsonl', toLines([{ prompt: 'a', completion: 'b' }, { prompt: 'c', completion: 'd e' }])],
    ['a JSON array', 'deep/er/train.json', JSON.stringify(chatRows)],
    ['comma separated values with quotes', 'train.csv', 'prompt,completion\n"a, ""b""\nc",d\ne,f g h\n'],
  ])('of %s is trained on', async (_, name, content) => {
    const container = runContainer(trainer, {
      command,
      files: { '/workspace/weights/config.json': llama, '/mnt/config/training_config.yaml': config(), [`/mnt/data/${name}`]: content },
    });
    expect(await container.exit).toBe(0);
    expect(container.stdout()).toContain(`Dataset loaded successfully from /mnt/data/${name} with file type`);
  });

  it('in Parquet is judged by its columns', async () => {
    const good = await tuneParquet('messages');
    expect(good.code).toBe(0);
    expect(good.stderr).toContain('Tokenizing train dataset: 100%|██████████| 10/10');
    expect(reasonOf((await tuneParquet('text')).stderr)).toBe('KeyError: None');
  });

  it('of one row leaves nothing to train on after a split', async () => {
    const container = tune({ DatasetConfig: { train_test_split: 0.8 } }, { files: { '/mnt/data/train.jsonl': toLines(chatRows.slice(0, 1)) } });
    expect(await container.exit).toBe(1);
    expect(reasonOf(container.stderr())).toContain('With n_samples=1, test_size=0.19999999999999996 and train_size=None, the resulting train set will be empty.');
  });

  it('is looked for below /mnt when its path is given', async () => {
    const found = tune({ DatasetConfig: { dataset_path: '/data/train.jsonl' } });
    expect(await found.exit).toBe(0);
    const lost = tune({ DatasetConfig: { dataset_path: '/mnt/data/train.jsonl' } });
    await lost.exit;
    expect(reasonOf(lost.stderr())).toBe(unloadable('/mnt/mnt/data/train.jsonl', 'json'));
  });
});

describe('faults', () => {
  it('cuda-oom kills the training in its middle, in torch’s words', async () => {
    const container = tune({}, { faults: ['cuda-oom'] });
    expect(await container.exit).toBe(1);
    expect(reasonOf(container.stderr())).toMatch(/^torch\.OutOfMemoryError: CUDA out of memory\. Tried to allocate 2\.32 GiB\./);
    expect(lossLines(container.stdout())).toHaveLength(2);
    expect(container.stderr()).toMatch(/environment-variables\)\n\r 33%\|███▎ {6}\| 2\/6 \[.*\]\nTraceback/);
  });

  it('bad-dataset is the dreaded KeyError: None', async () => {
    const container = tune({}, { faults: ['bad-dataset'] });
    expect(await container.exit).toBe(1);
    expect(reasonOf(container.stderr())).toBe('KeyError: None');
  });
});
