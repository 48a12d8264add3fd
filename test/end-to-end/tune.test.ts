import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import { publicImages } from '../cluster/images/catalogue.ts';
import { patienceMs, waitFor } from '../cluster/real/waiting.ts';
import { putFile } from '../cluster/registries/control.ts';
import { pullAdapterImage } from './adapter-image.ts';
import { trainingRows } from './data.ts';
import { useGpuNode } from './gpu-node.ts';
import { useRig } from './rig.ts';

const adapterLine = /^adapter: (\S+):latest@(sha256:[0-9a-f]{64})$/m;

describe.concurrent('a tuning on nodes that are there already', () => {
  const node = useGpuNode({ gpuCount: 4 });
  const rig = useRig();

  const tune = (name: string, ...args: string[]) => rig.run(['tune', name, '--preset', 'phi-3-mini', '--nodes', node().selector, ...args]);
  const url = async (name: string): Promise<string[]> => ['--input-url', await putFile(rig().registries, `${rig().namespace}-${name}.jsonl`, trainingRows(10))];
  const pushed = async (stdout: string) => {
    const [, repository, digest] = adapterLine.exec(stdout) ?? [];
    return { digest, image: await pullAdapterImage(rig().registries, `${repository}@${digest}`) };
  };

  it('pushes what KAITO can pull: one layer with the two files in data, and no more', async () => {
    const { stdout, stderr, exitCode } = await tune('plain', '--method', 'qlora', ...(await url('plain')));
    expect(exitCode, stderr).toBe(0);
    const { digest, image } = await pushed(stdout);
    expect(image.manifestDigest).toBe(digest);
    expect(image.manifest.config.mediaType).toBe('application/vnd.oci.image.config.v1+json');
    expect(image.manifest.layers.map(({ mediaType }) => mediaType)).toEqual(['application/vnd.oci.image.layer.v1.tar+gzip']);
    expect(image.manifest.annotations).toMatchObject({ 'sh.kaito.model.name': 'phi-3-mini-128k-instruct' });
    expect(image.config.rootfs?.diff_ids).toEqual(image.layerDigests);
    expect(image.paths.toSorted()).toEqual(['data/', 'data/adapter_config.json', 'data/adapter_model.safetensors']);
    expect(image.adapterConfig).toMatchObject({ peft_type: 'LORA', r: 8, lora_alpha: 8, target_modules: ['qkv_proj', 'o_proj', 'gate_up_proj', 'down_proj'] });
  });

  it('trains as often and as finely as it is told', async () => {
    const { stdout, stderr, exitCode } = await tune('finer', '--method', 'lora', '--epochs', '2', '--rank', '16', '--alpha', '32', '--target-modules', 'o_proj', ...(await url('finer')));
    expect(exitCode, stderr).toBe(0);
    // Ten examples, four to a step, twice.
    expect(stderr).toMatch(/step 6 of 6\b/);
    expect((await pushed(stdout)).image.adapterConfig).toMatchObject({ r: 16, lora_alpha: 32, target_modules: ['o_proj'] });
  });

  it('takes the data from an image that anybody may pull', async () => {
    const { stdout, stderr, exitCode } = await tune('public', '--input-image', publicImages.dataset);
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(adapterLine);
  });

  it('takes the data from a private image with its secret, and refuses it without', async () => {
    const image = `${rig().registries.privateHost}/e2e-dataset:0.0.1`;
    const refused = await tune('private', '--input-image', image);
    expect(refused.stderr).toMatch(/^error: The registry refuses a pull of \S+e2e-dataset:0\.0\.1/m);
    expect(refused.stderr).toMatch(/--input-image-secret/);
    expect(refused.exitCode).toBe(exitCodes.preflightRefused);
    expect(JSON.parse((await rig.run(['status', '-o', 'json'])).stdout).items.map(({ name }: { name: string }) => name)).not.toContain('private');

    const { stdout, stderr, exitCode } = await tune('private', '--input-image', image, '--input-image-secret', 'registry-credentials');
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(adapterLine);
  });

  it('takes the data from a claim, and leaves the adapter in one that it makes, where no registry is set', async () => {
    const { namespace, api, volumes } = rig();
    await api.core.createNamespacedPersistentVolumeClaim({ namespace, body: { metadata: { name: 'rows' }, spec: { accessModes: ['ReadWriteMany'], resources: { requests: { storage: '1Gi' } } } } });
    await waitFor('the claim to be bound', patienceMs, async () => (await api.core.readNamespacedPersistentVolumeClaim({ namespace, name: 'rows' })).status?.phase === 'Bound');
    await writeFile(join(volumes.folderOf('rows'), 'train.jsonl'), trainingRows(10));

    const { stdout, stderr, exitCode } = await rig.run(['tune', 'claims', '--preset', 'phi-3-mini', '--nodes', node().selector, '--input-claim', 'rows'], { environment: { KAITO_REGISTRY: '', KAITO_OUTPUT_IMAGE_SECRET: '' } });
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(/^adapter: .*claims-adapter/m);
    expect(JSON.parse(await readFile(join(volumes.folderOf('claims-adapter'), 'adapter_config.json'), 'utf8'))).toMatchObject({ peft_type: 'LORA' });
  });

  it('trains with a configuration of the user\'s own', async () => {
    const { namespace, api } = rig();
    const configuration = {
      ModelConfig: { torch_dtype: 'bfloat16', local_files_only: true },
      QuantizationConfig: { load_in_4bit: true, bnb_4bit_quant_type: 'nf4' },
      LoraConfig: { r: 4, lora_alpha: 12, target_modules: ['qkv_proj'] },
      TrainingArguments: { output_dir: '/mnt/results', max_steps: 3, per_device_train_batch_size: 1, logging_steps: 1, save_strategy: 'no', report_to: 'none' },
      DataCollator: { mlm: false },
      DatasetConfig: { train_test_split: 1 },
    };
    await api.core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'own' }, data: { 'training_config.yaml': JSON.stringify({ training_config: configuration }) } } });
    const { stdout, stderr, exitCode } = await tune('own-configuration', '--method', 'qlora', '--config', 'own', ...(await url('own')));
    expect(exitCode, stderr).toBe(0);
    expect(stderr).toMatch(/step 3 of 3\b/);
    expect((await pushed(stdout)).image.adapterConfig).toMatchObject({ r: 4, lora_alpha: 12, target_modules: ['qkv_proj'] });
  });
});
