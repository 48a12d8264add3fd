import { describe, expect, it } from 'vitest';
import { rules } from '../../src/validation/rules/index.ts';
import { change, configMap, gpuNode, judgeObject, secret, serving, tuning, type Surroundings } from './support.ts';

interface Example {
  refused: unknown;
  accepted: unknown;
  around?: Surroundings;
  /** For the accepted one, where it takes other surroundings. */
  acceptedAround?: Surroundings;
}

const serve = (changes: Readonly<Record<string, unknown>>): unknown => change(serving, changes);
const tune = (changes: Readonly<Record<string, unknown>>): unknown => change(tuning, changes);
const annotated = (name: string, value: string): unknown => change(serving, { 'metadata/annotations': { [name]: value } });
const adapters = (...list: unknown[]): unknown => serve({ 'inference/adapters': list });
const image = (name: string, reference = 'reg.io/x:1'): object => ({ source: { name, image: reference } });

const byo = { environment: { nodeProvisioner: 'byo' } } as const;
const onNodes = { ...byo, objects: [gpuNode('n1')] };
const existing = (changes: Readonly<Record<string, unknown>> = {}): unknown => serve({ 'resource/instanceType': undefined, ...changes });
const mig = { environment: { nodeProvisioner: 'byo', featureGates: { enableMIG: true } } } as const;
const streaming = { environment: { cloud: 'aws', featureGates: { ModelStreaming: true } } } as const;

const served = (text: string): Surroundings => ({ objects: [configMap('c', { 'inference_config.yaml': text })] });
const trained = (text: string): Surroundings => ({ objects: [configMap('c', { 'training_config.yaml': text })] });
const withConfig = serve({ 'inference/config': 'c' });
const withTraining = tune({ 'tuning/config': 'c' });
const quantized = 'training_config:\n  QuantizationConfig:\n    load_in_4bit: true\n';
const good = `${quantized}  LoraConfig:\n    target_modules: [qkv_proj, o_proj]\n  DataCollator:\n    mlm: true\n  TrainingArguments:\n    output_dir: /mnt/results\n    per_device_train_batch_size: 1\n`;
const updateOf = (stored: unknown): Surroundings => ({ stored });
const updated = (...list: unknown[]): unknown => adapters(...list);
const claim = (storageClassName: string): object => ({ ephemeral: { volumeClaimTemplate: { spec: { storageClassName } } } });

const oldTemplate = serve({ apiVersion: 'kaito.sh/v1alpha1', inference: { template: {} } });

/** By rule: what it refuses, and the nearest that it does not. */
const examples: Readonly<Record<string, Example>> = {
  schema: { refused: serve({ 'resource/count': '2' }), accepted: serve({ 'resource/count': 1 }) },
  'field-unknown': { refused: serve({ foo: 1 }), accepted: serving },
  'volume-key': { refused: tune({ 'tuning/input': { volume: { emptyDir: {} } } }), accepted: tune({ 'tuning/input': { volumeSource: { emptyDir: {} } } }) },
  'field-not-decoded': {
    refused: serve({ inference: { template: { spec: { containers: [{ name: 'c', imagee: 'x' }] } } } }),
    accepted: serve({ inference: { template: { spec: { containers: [{ name: 'c', image: 'x', ports: [{ containerPort: 80 }], resources: { limits: { cpu: 1 } } }] } } } }),
  },
  'name-invalid': { refused: serve({ 'metadata/name': 'Bad_' }), accepted: serve({ 'metadata/name': 'good-1' }) },
  'name-no-label': { refused: serve({ 'metadata/name': 'a.b' }), accepted: serve({ 'metadata/name': 'a-b' }) },
  'label-invalid': { refused: serve({ 'metadata/labels': { a: 'b c' } }), accepted: serve({ 'metadata/labels': { 'example.com/a_B': '' } }) },
  'annotation-invalid': { refused: annotated('a b', ''), accepted: annotated('Example.com/a', 'b c') },
  'selector-label-invalid': { refused: serve({ 'resource/labelSelector/matchLabels': { a: 'b c' } }), accepted: serve({ 'resource/labelSelector/matchLabels': { 'a.b/c': 'D' } }) },
  'name-too-long': { refused: serve({ 'metadata/name': 'a'.repeat(53) }), accepted: serve({ 'metadata/name': 'a'.repeat(52) }) },
  'name-starts-with-digit': { refused: serve({ 'metadata/name': '9a' }), accepted: serve({ 'metadata/name': 'a9' }) },
  'neither-inference-nor-tuning': { refused: serve({ inference: undefined }), accepted: serving },
  'inference-and-tuning': { refused: serve({ tuning: change(tuning, {})['tuning'] }), accepted: serving },
  'resource-missing': { refused: tune({ resource: undefined }), accepted: tuning },
  'resource-missing-for-inference': { refused: serve({ resource: undefined }), accepted: serving },
  'v1alpha1-inference-preset': { refused: serve({ apiVersion: 'kaito.sh/v1alpha1' }), accepted: serve({ apiVersion: 'kaito.sh/v1alpha1' }), acceptedAround: { environment: { isForOperator: false } } },
  'instance-type-required': { refused: existing(), accepted: existing(), acceptedAround: byo },
  'instance-type-forbidden': { refused: serving, accepted: existing(), around: onNodes },
  'node-image-family-unknown': { refused: annotated('kaito.sh/node-image-family', 'windows'), accepted: annotated('kaito.sh/node-image-family', ' Ubuntu ') },
  'performance-mode-unknown': { refused: annotated('kaito.sh/performance-mode', 'fast'), accepted: annotated('kaito.sh/performance-mode', 'balanced') },
  'use-local-weights-unknown': { refused: annotated('kaito.sh/use-local-weights', 'yes'), accepted: annotated('kaito.sh/use-local-weights', 'true') },
  'model-streaming-cloud': { refused: serve({ 'resource/instanceType': 'p4d.24xlarge' }), accepted: change(annotated('kaito.sh/model-streaming', 'disabled'), { 'resource/instanceType': 'p4d.24xlarge' }), around: streaming },
  'model-streaming-driver': { refused: serving, accepted: annotated('kaito.sh/model-streaming', 'disabled'), around: { environment: { featureGates: { ModelStreaming: true } }, complete: ['CSIDriver'] } },
  'csi-driver-unknown': { refused: serving, accepted: serving, around: { environment: { featureGates: { ModelStreaming: true } } }, acceptedAround: { environment: { featureGates: { ModelStreaming: true } }, objects: [{ kind: 'CSIDriver', metadata: { name: 'blob.csi.azure.com' } }] } },
  'node-class-not-allowed': { refused: annotated('kaito.sh/node-class-name', 'mine'), accepted: annotated('kaito.sh/node-class-name', 'image-family-ubuntu'), around: { environment: { nodeProvisioner: 'karpenter' } } },
  'runtime-unknown': { refused: annotated('kaito.sh/runtime', 'tgi'), accepted: annotated('kaito.sh/runtime', 'vllm') },
  'switch-not-exact': { refused: annotated('kaito.sh/enablelb', 'true'), accepted: annotated('kaito.sh/enablelb', 'True') },
  'selector-not-convertible': { refused: serve({ 'resource/labelSelector': { matchExpressions: [{ key: 'a', operator: 'Exists' }] } }), accepted: serve({ 'resource/labelSelector': { matchExpressions: [{ key: 'a', operator: 'In', values: ['b'] }] } }) },
  'selector-reserved-only': { refused: serve({ 'resource/labelSelector/matchLabels': { 'kaito.sh/workspace': 'x' } }), accepted: serve({ 'resource/labelSelector/matchLabels': { 'kaito.sh/workspace': 'x', a: 'b' } }) },
  'instance-type-unknown': { refused: serve({ 'resource/instanceType': 'g5.xlarge' }), accepted: serve({ 'resource/instanceType': 'g5.xlarge' }), acceptedAround: { environment: { cloud: 'aws' } } },
  'tuning-count': { refused: tune({ 'resource/count': 2 }), accepted: tune({ 'resource/count': 1 }) },
  'tuning-partition': { refused: tune({ 'resource/partition': { mode: 'accelerator', count: 1 } }), accepted: tuning },
  'partition-needs-existing-nodes': { refused: serve({ 'resource/partition': { mode: 'mig', profile: '3g.40gb' } }), accepted: existing({ 'resource/partition': { mode: 'mig', profile: '3g.40gb' } }), acceptedAround: mig },
  'existing-nodes': { refused: existing(), accepted: existing(), around: { ...byo, objects: [gpuNode('n1'), gpuNode('n2', 2)] }, acceptedAround: onNodes },
  'existing-nodes-unknown': { refused: existing(), accepted: existing(), around: byo, acceptedAround: onNodes },
  'partition-invalid': { refused: existing({ 'resource/partition': { mode: 'mig', profile: '9g.99gb' } }), accepted: existing({ 'resource/partition': { mode: 'mig', profile: '3g.40gb' } }), around: mig },
  'preset-or-template': { refused: serve({ inference: {} }), accepted: serving },
  'preset-deprecated': { refused: serve({ 'inference/preset/name': 'phi-2' }), accepted: serving },
  'preset-unknown': { refused: serve({ 'inference/preset/name': 'falcon-7b' }), accepted: serve({ 'inference/preset/name': 'PHI-4' }) },
  'preset-not-found': { refused: serve({ 'inference/preset/name': 'https://huggingface.co/microsoft/phi-4' }), accepted: serve({ 'inference/preset/name': 'microsoft/phi-4' }) },
  'runtime-unsupported': { refused: change(annotated('kaito.sh/runtime', 'transformers'), { 'inference/preset/name': 'phi-4-mini-instruct' }), accepted: annotated('kaito.sh/runtime', 'transformers') },
  'adapter-strength-on-vllm': { refused: adapters({ ...image('a'), strength: '0.5' }), accepted: change(annotated('kaito.sh/runtime', 'transformers'), { 'inference/adapters': [{ ...image('a'), strength: '0.5' }] }) },
  'gpu-memory-insufficient': { refused: existing(), accepted: existing(), around: { ...byo, objects: [gpuNode('n1', 1, 23028)] }, acceptedAround: onNodes },
  'transformers-several-nodes': { refused: change(annotated('kaito.sh/runtime', 'transformers'), { 'resource/instanceType': 'Standard_NV36ads_A10_v5', 'resource/count': 4 }), accepted: annotated('kaito.sh/runtime', 'transformers') },
  'adapter-without-source': { refused: adapters({ strength: '1' }), accepted: adapters(image('a')) },
  'adapter-count': { refused: adapters(...Array.from({ length: 11 }, (_, index) => image(`a${index}`))), accepted: adapters(...Array.from({ length: 10 }, (_, index) => image(`a${index}`))) },
  'adapter-name-twice': { refused: adapters(image('a'), image('a')), accepted: adapters(image('a'), image('b')) },
  'adapter-name-missing': { refused: updated({ source: { image: 'reg.io/x:1' } }), accepted: updated(image('a')) },
  'adapter-name-invalid': { refused: updated(image('Bad_')), accepted: updated(image('good')) },
  'adapter-source-count': { refused: updated({ source: { name: 'a', image: 'reg.io/x:1', volumeSource: { emptyDir: {} } } }), accepted: updated(image('a')) },
  'adapter-strength-invalid': { refused: updated({ ...image('a'), strength: '2' }), accepted: updated({ ...image('a'), strength: '0x1p-1' }) },
  'adapter-urls': { refused: adapters({ source: { name: 'a', urls: ['https://example.com/a'] } }), accepted: adapters(image('a')) },
  'adapter-image-invalid': { refused: adapters(image('a', 'UPPER')), accepted: adapters(image('a', 'Reg.io/x:1')) },
  'adapter-without-image': { refused: updated({ source: { name: 'a' } }), accepted: updated(image('a')), around: updateOf(serving) },
  'adapter-url-invalid': { refused: updated({ source: { name: 'a', urls: ['http://localhost/a'] } }), accepted: updated(image('a')), around: updateOf(serving) },
  'adapter-name-no-label': { refused: adapters(image('a.b')), accepted: adapters(image('a-b')) },
  'inference-config-missing': { refused: withConfig, accepted: withConfig, around: { complete: ['ConfigMap'] }, acceptedAround: served('vllm: {}') },
  'inference-config-unreadable': { refused: withConfig, accepted: withConfig, around: served('vllm:\n  a: [1]\n'), acceptedAround: served('vllm:\n  a: 1\n') },
  'max-model-len-invalid': { refused: withConfig, accepted: withConfig, around: served('vllm:\n  max-model-len: auto\n'), acceptedAround: served('vllm:\n  max-model-len: 010000\n') },
  'v1alpha1-inference-config': { refused: change(oldTemplate, { 'resource/count': 2 }), accepted: oldTemplate },
  'inference-config-boolean': { refused: withConfig, accepted: withConfig, around: served('vllm:\n  enforce-eager: false\n'), acceptedAround: served('vllm:\n  max-num-seqs: 4\n') },
  'training-config-missing': { refused: withTraining, accepted: withTraining, around: { complete: ['ConfigMap'] }, acceptedAround: trained(good) },
  'training-config-unreadable': { refused: withTraining, accepted: withTraining, around: trained('training_config: abc\n'), acceptedAround: trained(good) },
  'training-section-unknown': { refused: withTraining, accepted: withTraining, around: trained(`${quantized}  Foo: {}\n`), acceptedAround: trained(good) },
  'quantization-mismatch': { refused: withTraining, accepted: withTraining, around: trained(quantized.replace('true', 'no')), acceptedAround: trained(quantized.replace('true', 'yes')) },
  'training-output-dir': { refused: withTraining, accepted: withTraining, around: trained(`${quantized}  TrainingArguments:\n    output_dir: ../etc\n`), acceptedAround: trained(good) },
  'training-config-kills-trainer': { refused: withTraining, accepted: withTraining, around: trained(`${good}    learning_rte: 1\n`), acceptedAround: trained(good) },
  'training-config-doubtful': { refused: withTraining, accepted: withTraining, around: trained(`${good}    disable_tqdm: true\n`), acceptedAround: trained(good) },
  'tuning-method-unknown': { refused: tune({ 'tuning/method': 'full' }), accepted: tune({ 'tuning/method': 'lora' }) },
  'tuning-preset-missing': { refused: tune({ 'tuning/preset': undefined }), accepted: tuning },
  'tuning-preset-unknown': { refused: tune({ 'tuning/preset/name': 'falcon-7b' }), accepted: tuning },
  'dataset-url-invalid': { refused: tune({ 'tuning/input/urls': ['http://127.0.0.1/a'] }), accepted: tune({ 'tuning/input/urls': ['http://127.1/a'] }) },
  'tuning-input-count': { refused: tune({ 'tuning/input': { name: 'a' } }), accepted: tuning },
  'tuning-output-count': { refused: tune({ 'tuning/output': {} }), accepted: tuning },
  'push-secret-missing': { refused: tune({ 'tuning/output': { image: 'reg.io/x:1' } }), accepted: tune({ 'tuning/output': { image: 'reg.io/x:1', imagePushSecret: 's' } }) },
  'tuning-input-image-invalid': { refused: tune({ 'tuning/input': { image: 'reg.io/x@md5:abc' } }), accepted: tune({ 'tuning/input': { image: 'ds' } }) },
  'tuning-output-image-invalid': { refused: tune({ 'tuning/output': { image: '-x/y', imagePushSecret: 's' } }), accepted: tune({ 'tuning/output': { image: 'x/y', imagePushSecret: 's' } }) },
  'workspace-toggled': { refused: serving, accepted: serving, around: updateOf(tuning), acceptedAround: updateOf(serving) },
  'count-immutable': { refused: serve({ 'resource/count': 2 }), accepted: serve({ 'resource/count': 1 }), around: updateOf(serving) },
  'partition-immutable': { refused: existing(), accepted: existing(), around: { ...byo, stored: existing({ 'resource/partition': { mode: 'mig', profile: '3g.40gb' } }) }, acceptedAround: { ...byo, stored: existing() } },
  'instance-type-immutable': { refused: serve({ 'resource/instanceType': 'Standard_NC48ads_A100_v4' }), accepted: serving, around: updateOf(serving) },
  'selector-immutable': { refused: serve({ 'resource/labelSelector/matchLabels': { apps: 'other' } }), accepted: serve({ 'resource/labelSelector': { matchExpressions: [{ key: 'apps', operator: 'In', values: ['phi'] }] } }), around: updateOf(serving) },
  'preset-immutable': { refused: serve({ 'inference/preset/name': 'microsoft/phi-4' }), accepted: serve({ 'inference/preset/presetOptions': {} }), around: updateOf(serving) },
  'template-toggled': { refused: serve({ 'inference/template': {} }), accepted: serving, around: updateOf(serving) },
  'tuning-preset-immutable': { refused: tune({ 'tuning/preset/name': 'phi-4-mini-instruct' }), accepted: tuning, around: updateOf(tuning) },
  'tuning-method-immutable': { refused: tune({ 'tuning/method': 'lora' }), accepted: tune({ 'tuning/method': 'QLoRA' }), around: updateOf(tuning) },
  'tuning-input-name-immutable': { refused: tune({ 'tuning/input/name': 'b' }), accepted: tuning, around: updateOf(tuning) },
  'stored-input-missing': { refused: tuning, accepted: tuning, around: updateOf(tune({ 'tuning/input': undefined })), acceptedAround: updateOf(tuning) },
  'model-streaming-immutable': { refused: annotated('kaito.sh/model-streaming', 'disabled'), accepted: serving, around: { environment: { featureGates: { ModelStreaming: true } }, stored: serving } },
  'instance-type-unsupported': { refused: tune({ 'resource/instanceType': 'Standard_NC6s_v3' }), accepted: tune({ 'resource/instanceType': 'Standard_NV36ads_A10_v5' }) },
  'instance-type-case': { refused: serve({ 'resource/instanceType': 'standard_nc24ads_a100_v4' }), accepted: serving },
  'gpus-too-small': { refused: serve({ 'inference/preset/name': 'phi-3-mini-128k-instruct', 'inference/config': 'c', 'resource/instanceType': 'Standard_NV36ads_A10_v5' }), accepted: serve({ 'inference/config': 'c' }), around: served('vllm:\n  max-model-len: 131072\n') },
  'slice-too-small': { refused: existing({ 'inference/preset/name': 'phi-4-mini-instruct', 'resource/partition': { mode: 'mig', profile: '1g.10gb' } }), accepted: existing({ 'inference/preset/name': 'phi-4-mini-instruct', 'resource/partition': { mode: 'mig', profile: '1g.18gb' } }), around: mig },
  'existing-nodes-too-few': { refused: existing(), accepted: existing(), around: { ...byo, objects: [gpuNode('n1', 1, 16_384), gpuNode('n2', 1, 16_384)] }, acceptedAround: { ...byo, objects: [gpuNode('n1', 1, 16_384), gpuNode('n2', 1, 16_384), gpuNode('n3', 1, 16_384)] } },
  'context-length-unseen': { refused: withConfig, accepted: withConfig, around: served('vllm:\n  max-model-len: 4096 # short\n'), acceptedAround: served('vllm:\n  max-model-len: 4096\n') },
  'count-ignored': { refused: serve({ 'resource/count': 2 }), accepted: serve({ 'resource/count': 1 }) },
  'count-not-positive': { refused: change(annotated('kaito.sh/runtime', 'transformers'), { 'resource/count': 0 }), accepted: annotated('kaito.sh/runtime', 'transformers') },
  'selector-expressions-ignored': { refused: serve({ 'resource/labelSelector': { matchExpressions: [{ key: 'a', operator: 'In', values: ['b'] }] } }), accepted: serving },
  'gated-without-secret': { refused: serve({ 'inference/preset/name': 'llama-3.1-8b-instruct' }), accepted: serve({ 'inference/preset': { name: 'llama-3.1-8b-instruct', presetOptions: { modelAccessSecret: 's' } } }) },
  'model-not-in-catalogue': { refused: serve({ 'inference/preset/name': 'example/model' }), accepted: serve({ 'inference/preset/name': 'Microsoft/Phi-4' }) },
  'preset-not-tunable': { refused: tune({ 'tuning/preset/name': 'llama-3.1-8b-instruct' }), accepted: tuning },
  'tuning-method-case': { refused: tune({ 'tuning/method': 'QLoRA' }), accepted: tuning },
  'tuning-on-existing-nodes': { refused: tune({ 'resource/instanceType': undefined }), accepted: tuning, around: byo, acceptedAround: {} },
  'dataset-several-urls': { refused: tune({ 'tuning/input/urls': ['https://example.com/a', 'https://example.com/b'] }), accepted: tuning },
  'dataset-url-with-space': { refused: tune({ 'tuning/input/urls': ['https://example.com/a b'] }), accepted: tune({ 'tuning/input/urls': ['https://example.com/a%20b'] }) },
  'tuning-input-name-no-label': { refused: tune({ 'tuning/input': { name: 'a b', image: 'ds' } }), accepted: tune({ 'tuning/input': { name: 'a-b', image: 'ds' } }) },
  'config-map-unknown': { refused: withConfig, accepted: withConfig, acceptedAround: served('vllm: {}') },
  'secret-unknown': { refused: tune({ 'tuning/output': { image: 'x', imagePushSecret: 's' } }), accepted: tuning },
  'secret-missing': { refused: tune({ 'tuning/output': { image: 'x', imagePushSecret: 's' } }), accepted: tuning, around: { complete: ['Secret'] } },
  'secret-wrong': { refused: tune({ 'tuning/output': { image: 'x', imagePushSecret: 's' } }), accepted: tune({ 'tuning/output': { image: 'x', imagePushSecret: 't' } }), around: { objects: [secret('s', 'Opaque', 'a'), secret('t', 'kubernetes.io/dockerconfigjson', '.dockerconfigjson')] } },
  'storage-class-unknown': { refused: tune({ 'tuning/output': { volumeSource: claim('fast') } }), accepted: tuning },
  'storage-class-missing': { refused: tune({ 'tuning/output': { volumeSource: claim('fast') } }), accepted: tune({ 'tuning/output': { volumeSource: claim('slow') } }), around: { complete: ['StorageClass'], objects: [{ kind: 'StorageClass', metadata: { name: 'slow' } }] } },
};

const codesOf = (object: unknown, around: Surroundings | undefined): string[] => judgeObject(object, around).problems.map(({ code }) => code);

describe('every rule', () => {
  it('has an example of what it refuses and of what it does not', () => {
    expect(Object.keys(examples).sort()).toEqual([...new Set(rules.map(({ code }) => code))].sort());
  });

  it.each(Object.entries(examples))('%s is told where it is broken, and only there', (code, { refused, accepted, around, acceptedAround = around }) => {
    expect(codesOf(refused, around)).toContain(code);
    expect(codesOf(accepted, acceptedAround)).not.toContain(code);
  });

  it.each(Object.entries(examples))('%s says what to write instead, and where', (code, { refused, around }) => {
    const problem = judgeObject(refused, around).problems.find((candidate) => candidate.code === code);
    expect(problem?.fix).toMatch(/[.>]$|^kubectl /);
    expect(problem?.line).toBeGreaterThan(0);
    expect(problem?.message).not.toMatch(/undefined|\[object/);
  });
});

describe('the problems of a document', () => {
  it('are told all at once, in the order of its lines', () => {
    const { problems } = judgeObject({ ...change(tuning, { 'tuning/method': 'full', 'tuning/output': {}, 'resource/count': 2, 'metadata/name': 'a.b' }), foo: 1 });
    expect(problems.map(({ code }) => code).sort()).toEqual(['field-unknown', 'name-no-label', 'tuning-count', 'tuning-method-unknown', 'tuning-output-count']);
    const lines = problems.map(({ line }) => line);
    expect(lines).toEqual(lines.toSorted((left, right) => left - right));
    expect(new Set(lines).size).toBe(5);
  });
});

describe('rules that KAITO asks on UPDATE only', () => {
  const stored = { stored: serving };

  it('are KAITO’s there', () => {
    const problem = judgeObject(adapters(image('Bad_')), stored).problems.find(({ code }) => code === 'adapter-name-invalid');
    expect(problem).toMatchObject({ source: 'kaito', severity: 'error' });
  });

  it('are ours on CREATE, because what is wrong is wrong then too', () => {
    const problem = judgeObject(adapters(image('Bad_'))).problems.find(({ code }) => code === 'adapter-name-invalid');
    expect(problem).toMatchObject({ source: 'kaito-ts', severity: 'error' });
  });

  it('are not about what KAITO forgets there: more than ten adapters, and strength on vLLM', () => {
    const many = Array.from({ length: 11 }, (_, index) => ({ ...image(`a${index}`), strength: 'NaN' }));
    expect(judgeObject(adapters(...many), stored)).toMatchObject({ verdict: 'valid', problems: [] });
  });
});

describe('a v1alpha1 document', () => {
  const old = (changes: Readonly<Record<string, unknown>>): unknown => tune({ apiVersion: 'kaito.sh/v1alpha1', ...changes });

  it('is converted first, with the defaults of its time', () => {
    expect(judgeObject(old({ 'resource/instanceType': undefined }))).toMatchObject({ verdict: 'valid', problems: [] });
  });

  it('is not blamed for a default on existing nodes', () => {
    expect(judgeObject(old({ 'resource/instanceType': undefined }), byo).verdict).toBe('valid');
  });

  it('meets KAITO’s newer rules as ours', () => {
    const problem = judgeObject(old({ 'tuning/input/urls': ['http://localhost/a'] })).problems.find(({ code }) => code === 'dataset-url-invalid');
    expect(problem).toMatchObject({ source: 'kaito-ts', severity: 'error' });
  });
});

describe('KAITO’s classic quick start', () => {
  const quickStart = {
    apiVersion: 'kaito.sh/v1alpha1',
    kind: 'Workspace',
    metadata: { name: 'workspace-tuning-phi-3' },
    resource: { instanceType: 'Standard_NC6s_v3', labelSelector: { matchLabels: { app: 'tuning-phi-3' } } },
    tuning: {
      preset: { name: 'phi-3-mini-128k-instruct' },
      method: 'qlora',
      input: { urls: ['https://example.com/data/train-00000-of-00001.parquet?download=true'] },
      output: { image: 'myregistry.azurecr.io/adapter:0.0.1', imagePushSecret: 'myregistrysecret' },
    },
  };

  it('is read, and answered with the machine to take instead of the retired one', () => {
    const { verdict, problems } = judgeObject(quickStart);
    expect(verdict).toBe('invalid');
    expect(problems.filter(({ severity }) => severity === 'error')).toMatchObject([{ code: 'instance-type-unsupported', path: 'resource.instanceType', source: 'kaito-ts', fix: 'Write instanceType: Standard_NV36ads_A10_v5.' }]);
  });

  it('is in order with that machine', () => {
    expect(judgeObject(change(quickStart, { 'resource/instanceType': 'Standard_NV36ads_A10_v5' })).verdict).toBe('valid');
  });
});
