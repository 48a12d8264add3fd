import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasData } from '../../support/project.ts';
import { buildKaitoBase, whyNotBuilt } from './programs.ts';
import { comparableStderr, comparableStdout, readRecordedTunings, type RecordedTuning } from './recorded-tunings.ts';
import { createRoot, writeData, writeModel, type Root } from './tuning-fixtures.ts';

const reason = await whyNotBuilt();
const launch = ['/bin/accelerate', 'launch', '--num_processes=1', '/workspace/tfs/fine_tuning.py'];

/** Another version of TRL, a library's own log level, or batches that stumble at another place than they usually do. */
const isOtherwise = ({ name }: RecordedTuning): boolean => name.startsWith('trl116-') || ['debug-mode', 'log-level-debug', 'messages-parquet', 'two-files', 'batch2-pad-to-multiple', 'batch2-remove-unused-false'].includes(name);

const environments: Readonly<Record<string, Record<string, string>>> = {
  'tm-env-default-phi3': { DEFAULT_TARGET_MODULES: 'k_proj,q_proj,v_proj,o_proj,gate_proj,down_proj,up_proj' },
  'tm-env-default-qwen2': { DEFAULT_TARGET_MODULES: 'k_proj,q_proj,v_proj,o_proj,gate_proj,down_proj,up_proj' },
  'no-config-file': { YAML_FILE_PATH: '/mnt/config/none.yaml' },
};

describe.skipIf(reason !== undefined)(`the stand-in for the trainer${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let binary: string;
  const roots: Root[] = [];
  beforeAll(async () => {
    binary = await buildKaitoBase();
  }, 600_000);
  afterAll(() => {
    for (const root of roots) root.remove();
  });

  const prepare = async ({ name, config, stderr }: Pick<RecordedTuning, 'name' | 'config' | 'stderr'>): Promise<Root> => {
    const root = await createRoot(binary);
    roots.push(root);
    await root.write('/mnt/config/training_config.yaml', config);
    await writeModel(root, '/workspace/tfs/weights', { type: 'llama' });
    await writeModel(root, '/models/phi3', { type: 'phi3' });
    await writeModel(root, '/models/qwen2', { type: 'qwen2' });
    const permissive = (files: Record<string, string | Uint8Array>): void => {
      files['tokenizer_config.json'] = '{"chat_template":"{{ messages }}"}';
    };
    await writeModel(root, '/models/llama-nochat', { type: 'llama' }, (files) => {
      files['tokenizer_config.json'] = '{}';
    });
    await writeModel(root, '/models/llama-permissive', { type: 'llama' }, permissive);
    const template = /chat_template: (\/\S+\.jinja)/.exec(config)?.[1];
    const shown = /Chat template:\n(?<text>[^]*?)\n\[transformers\]/.exec(stderr)?.groups?.['text'];
    if (template && shown) await root.write(template, shown);
    await writeData(root, name);
    return root;
  };

  describe.skipIf(!hasData)('does what the real one was seen to do', () => {
    const tunings = hasData ? readRecordedTunings().filter((tuning) => !isOtherwise(tuning)) : [];
    test.each(tunings)('$name', async (tuning) => {
      const { name, config, exitCode, stdout, stderr } = tuning;
      const root = await prepare(tuning);
      const ran = await root.run(launch, environments[name]);
      expect(comparableStderr(ran.stderr)).toEqual(comparableStderr(stderr));
      expect(comparableStdout(ran.stdout)).toEqual(comparableStdout(stdout));
      expect(ran.exitCode).toBe(exitCode);
      expect(root.list('/mnt/results').includes('fine_tuning_completed.txt')).toBe(exitCode === 0 && config.includes('output_dir: /mnt/results\n'));
    });
  });

  const usual = `training_config:
  ModelConfig: {torch_dtype: bfloat16, local_files_only: true}
  LoraConfig: {r: 8, target_modules: [q_proj, v_proj]}
  TrainingArguments: {output_dir: /mnt/results, save_strategy: "no", per_device_train_batch_size: 1, max_steps: 4, logging_steps: 1}
  DataCollator: {mlm: false}
`;
  const withGpu = { NVIDIA_VISIBLE_DEVICES: 'gpu-0' };
  const prepareUsual = () => prepare({ name: 'base', config: usual, stderr: '' });

  test('leaves an adapter whose weights are where its header says', async () => {
    const root = await prepareUsual();
    expect(await root.run(launch, withGpu)).toMatchObject({ exitCode: 0 });
    expect(root.list('/mnt/results')).toEqual(['README.md', 'adapter_config.json', 'adapter_model.safetensors', 'fine_tuning_completed.txt']);
    const weights = readFileSync(join(root.folder, 'mnt/results/adapter_model.safetensors'));
    const headerLength = Number(weights.readBigUInt64LE());
    const header = JSON.parse(weights.subarray(8, 8 + headerLength).toString()) as Record<string, { data_offsets: [number, number]; shape: [number, number] }>;
    const ends = Object.values(header).flatMap(({ data_offsets: offsets }) => (offsets ? [offsets[1]] : []));
    expect(Math.max(...ends)).toBe(weights.length - 8 - headerLength);
    expect(header['base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight']?.shape).toEqual([8, 128]);
  });

  test('has no GPU where no device plugin gave it one', async () => {
    const root = await prepareUsual();
    const { exitCode, stderr } = await root.run(launch);
    expect(stderr).toContain("ValueError: Your setup doesn't support bf16/gpu.");
    expect(exitCode).toBe(1);
  });

  test('ends with the code and the text that it was told to, at the step that it was told', async () => {
    const root = await prepareUsual();
    const behaviour = { startMs: 0, loadMs: 0, stepMs: 0, at: 'step:3', do: 'exit', exitCode: 9, text: 'told to\n' };
    const { exitCode, stdout, stderr } = await root.run(launch, { ...withGpu, PYTHONUNBUFFERED: '1', STAND_IN_BEHAVIOUR: JSON.stringify(behaviour) });
    expect(exitCode).toBe(9);
    expect(stderr.endsWith('told to\n')).toBe(true);
    expect(stdout.match(/'loss'/g)).toHaveLength(2);
    expect(existsSync(join(root.folder, 'mnt/results'))).toBe(false);
  });

  test.each([
    { unbuffered: '1', when: 'as soon as they are known', expected: ['out', 'end'] },
    { unbuffered: '', when: 'only when the script ends', expected: ['end', 'out'] },
  ])('prints losses $when with PYTHONUNBUFFERED=$unbuffered', async ({ unbuffered, expected }) => {
    const root = await prepareUsual();
    const merged = await root.run(['/bin/python3', '/workspace/tfs/fine_tuning.py'], { ...withGpu, PYTHONUNBUFFERED: unbuffered }, 'merged');
    const order = [...merged.stdout.matchAll(/(?<out>'loss')|(?<end>Fine-Tuning completed)/g)].map((match) => (match.groups?.['out'] ? 'out' : 'end'));
    expect(order.filter((each, index) => each !== order[index - 1])).toEqual(expected);
  });
});
