import { describe, expect, it } from 'vitest';
import { toTuningRequest, type TuningFlags } from '../../src/plan/tuning-request.ts';
import type { OwnerRecord } from '../../src/domain/record.ts';
import { record } from '../flow/support.ts';
import { catalogue, tuningFlags } from './support.ts';

const request = (flags: Partial<TuningFlags> = {}, stored?: OwnerRecord) => toTuningRequest(tuningFlags(flags), 'default', catalogue, stored);
const tuningOf = (flags: Partial<TuningFlags>, stored?: OwnerRecord) => request(flags, stored).workspace.tuning;

/** The record that a request leaves. */
const storedOf = (flags: Partial<TuningFlags>): OwnerRecord => {
  const { workspace } = request(flags);
  // The plan decides the instance type of new nodes, and it is recorded.
  return record({ workspace: { ...workspace, resource: flags.nodes === undefined ? { instanceType: 'Standard_NC24ads_A100_v4', ...workspace.resource } : workspace.resource } });
};

describe('a tuning of which only the model is said', () => {
  it('is filled with defaults', () => {
    expect(request().workspace).toEqual({
      apiVersion: 'kaito.sh/v1beta1',
      kind: 'Workspace',
      metadata: { name: 'phi-3-mini-128k-instruct-qlora', namespace: 'default' },
      resource: { labelSelector: { matchLabels: { apps: 'phi-3-mini-128k-instruct-qlora' } } },
      tuning: {
        preset: { name: 'phi-3-mini-128k-instruct' },
        method: 'qlora',
        input: { urls: [expect.stringMatching(/^https:\/\/huggingface\.co\/datasets\//)] },
        output: { volumeSource: { persistentVolumeClaim: { claimName: 'phi-3-mini-128k-instruct-qlora-adapter' } } },
      },
    });
  });

  it('says each choice and why', () => {
    expect(Object.fromEntries(request().choices.map(({ what, value, why }) => [what, `${value} (${why})`]))).toMatchObject({
      name: 'phi-3-mini-128k-instruct-qlora (default: preset and method)',
      preset: 'phi-3-mini-128k-instruct (phi-3-mini is short for it; licence mit)',
      method: 'qlora (default)',
      dataset: expect.stringMatching(/\(default: dolly-15k/),
      output: expect.stringMatching(/^PersistentVolumeClaim\/.*no registry is set/),
      provisioner: 'aks (default)',
      'time limit': '4h (then the Job is stopped)',
    });
  });
});

describe('what is said', () => {
  it.each<[string, Partial<TuningFlags>, object]>([
    ['a dataset by URLs', { inputUrls: ['https://example.com/a.jsonl', 'http://example.com/b.jsonl'] }, { input: { urls: ['https://example.com/a.jsonl', 'http://example.com/b.jsonl'] } }],
    ['a dataset in an image', { inputImage: 'registry.example/data:1', inputImageSecret: 'pull' }, { input: { name: 'dataset', image: 'registry.example/data:1', imagePullSecrets: ['pull'] } }],
    ['a dataset in a claim', { inputClaim: 'data' }, { input: { volumeSource: { persistentVolumeClaim: { claimName: 'data', readOnly: true } } } }],
    ['an image for the adapter', { outputImage: 'registry.example/mine:1', outputImageSecret: 'push' }, { output: { image: 'registry.example/mine:1', imagePushSecret: 'push' } }],
    ['a claim for the adapter', { outputClaim: 'mine' }, { output: { volumeSource: { persistentVolumeClaim: { claimName: 'mine' } } } }],
    ['a registry for all adapters', { name: 'mine', registry: 'registry.example/adapters/', outputImageSecret: 'push' }, { output: { image: 'registry.example/adapters/mine:latest', imagePushSecret: 'push' } }],
    ['an image before the registry', { registry: 'registry.example/adapters', outputImage: 'other.example/mine:1' }, { output: { image: 'other.example/mine:1' } }],
    ['a configuration', { config: 'my-config' }, { config: 'my-config' }],
    ['a method', { method: 'lora' }, { method: 'lora' }],
  ])('is in the Workspace: %s', (_, flags, expected) => {
    expect(tuningOf(flags)).toMatchObject(expected);
  });

  it('is in the Workspace\'s annotation, as far as it is about training', () => {
    const { workspace, overrides } = request({ training: { r: 16, max_steps: 10, learning_rate: undefined } });
    expect(overrides).toEqual({ r: 16, max_steps: 10 });
    expect(JSON.parse(workspace.metadata.annotations?.['kaito-ts/training'] ?? '')).toEqual({ r: 16, max_steps: 10 });
  });

  it.each<[string, Partial<TuningFlags>, RegExp | string]>([
    ['no model', { preset: undefined }, 'Say which model to tune.'],
    ['an unknown model', { preset: 'phi-33-mini' }, 'There is no preset "phi-33-mini".'],
    ['a model that may be any of several', { preset: 'qwen2.5-coder' }, 'Preset "qwen2.5-coder" may be any of several.'],
    ['a model that cannot be tuned', { preset: 'gpt-oss-20b' }, 'Preset gpt-oss-20b cannot be tuned.'],
    ['a name that is none', { name: 'My_Tuning' }, '"My_Tuning" cannot be the name of a workspace.'],
    ['two datasets', { inputUrls: ['https://example.com/a'], inputClaim: 'data' }, 'A dataset comes from one place: URLs, an image or a claim.'],
    ['a dataset address that is none', { inputUrls: ['train.jsonl'] }, '"train.jsonl" is not the address of a dataset.'],
    ['a dataset by ftp', { inputUrls: ['ftp://example.com/a'] }, 'The dataset address ftp://example.com/a must use http or https.'],
    ...['http://localhost/a', 'http://127.0.0.1:8000/a', 'http://[::1]/a', 'http://data.localhost/a'].map((url): [string, Partial<TuningFlags>, RegExp] => [`a dataset on this machine, ${url}`, { inputUrls: [url] }, /is this machine's own, and the dataset is fetched by a pod in the cluster\.$/]),
    ['a dataset image that is none', { inputImage: 'Not An Image' }, '"Not An Image" is not an image reference.'],
    ['two places for the adapter', { outputImage: 'registry.example/mine:1', outputClaim: 'mine' }, 'The adapter goes to one place: an image or a claim.'],
    ['an output image that is none', { outputImage: 'team/UPPER' }, '"team/UPPER" is not an image reference.'],
    ['a registry that is none', { registry: 'https://registry.example' }, /is not an image reference\.$/],
    ['a training setting that the trainer does not know', { training: { ranks: 8 } }, 'Training settings are wrong.'],
  ])('is refused with a sentence when it is wrong: %s', (_, flags, message) => {
    expect(() => request(flags)).toThrow(expect.objectContaining({ message: typeof message === 'string' ? message : expect.stringMatching(message), hints: expect.any(Array) }));
  });
});

describe('a later run', () => {
  const all: Partial<TuningFlags> = { name: 'mine', method: 'lora', config: 'my-config', inputImage: 'registry.example/data:1', inputImageSecret: 'pull', outputImage: 'registry.example/mine:1', outputImageSecret: 'push', training: { r: 16 } };

  it.each<[string, Partial<TuningFlags>]>([
    ['defaults', { name: 'mine' }],
    ['everything said', all],
    ['existing nodes', { name: 'mine', nodes: 'pool=gpu' }],
    ['a claim', { name: 'mine', outputClaim: 'adapters', inputClaim: 'data' }],
  ])('of which only the name is said wants the same: %s', (_, flags) => {
    expect(request({ name: 'mine', preset: undefined }, storedOf(flags)).workspace).toEqual(storedOf(flags).workspace);
  });

  it('of which the same is said wants the same', () => {
    expect(request(all, storedOf(all)).workspace).toEqual(storedOf(all).workspace);
  });

  it('says what is as before', () => {
    const choices = request({ name: 'mine', preset: undefined }, storedOf(all)).choices.filter(({ why }) => why === 'as before');
    expect(choices.map(({ what }) => what)).toEqual(['method', 'dataset', 'output', 'r']);
  });

  it('takes another Secret for the same image', () => {
    expect(tuningOf({ name: 'mine', outputImageSecret: 'better', inputImageSecret: 'fresh' }, storedOf(all))).toMatchObject({ output: { image: 'registry.example/mine:1', imagePushSecret: 'better' }, input: { image: 'registry.example/data:1', imagePullSecrets: ['fresh'] } });
  });

  it('takes a new registry only when it is a new tuning', () => {
    expect(tuningOf({ name: 'mine', registry: 'other.example/x' }, storedOf(all))?.output.image).toBe('registry.example/mine:1');
  });

  it('says that training settings in the record are no settings when somebody spoiled them', () => {
    const stored = storedOf(all);
    const spoiled = { ...stored, workspace: { ...stored.workspace, metadata: { ...stored.workspace.metadata, annotations: { 'kaito-ts/training': '{' } } } };
    expect(() => request({ name: 'mine' }, spoiled)).toThrow(expect.objectContaining({ name: 'UsageError', message: 'Training settings must be a map of keys and values.' }));
  });
});
