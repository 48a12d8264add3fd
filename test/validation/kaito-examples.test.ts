import { describe, expect, it } from 'vitest';
import { KaitoError } from '../../src/domain/errors.ts';
import { planUnseen } from '../../src/plan/plan-unseen.ts';
import { parseDocuments } from '../../src/validation/documents.ts';
import { defaultEnvironment, type Environment } from '../../src/validation/environment.ts';
import { createFacts } from '../../src/validation/facts.ts';
import { isJudged, judge } from '../../src/validation/judge.ts';
import { surroundingsOf } from '../../src/validation/surroundings.ts';
import { readWorkspace } from '../../src/validation/workspace-file.ts';
import { catalogue, servingFlags, templates, tuningFlags } from '../plan/support.ts';

interface Example {
  /** One of each kind of Workspace in KAITO's `examples/` and documents, in our own words. */
  text: string;
  environment?: Partial<Environment>;
  /** Codes of what is refused; none where KAITO takes it. */
  refused?: string[];
  warned?: string[];
  /** When this program runs it: how many nodes, or what is refused. */
  rendered: { nodeCount: number; pipeline?: string } | { refused: string[] };
  /** Where that is not KAITO's answer: why it is a better one. */
  better?: string;
}

const byo = { nodeProvisioner: 'byo' } as const;

const head = (name: string, apiVersion = 'v1beta1', annotations = ''): string => `apiVersion: kaito.sh/${apiVersion}\nkind: Workspace\nmetadata:\n  name: ${name}\n${annotations === '' ? '' : `  annotations:\n    ${annotations}\n`}`;
const resource = (instanceType: string, rest = ''): string => `resource:\n  instanceType: "${instanceType}"\n  labelSelector:\n    matchLabels:\n      apps: llm\n${rest}`;
const existing = (rest = ''): string => `resource:\n  labelSelector:\n    matchLabels:\n      apps: llm\n${rest}`;
const serves = (preset: string, rest = ''): string => `inference:\n  preset:\n    name: ${preset}\n${rest}`;
const token = '    presetOptions:\n      modelAccessSecret: hf-token\n';
const a100 = 'Standard_NC24ads_A100_v4';

const examples: Readonly<Record<string, Example>> = {
  'a preset by its Hugging Face id': { text: head('phi') + resource(a100) + serves('microsoft/Phi-3.5-mini-instruct'), rendered: { nodeCount: 1 } },
  'a preset by its old name': { text: head('phi') + resource(a100) + serves('"phi-3-medium-128k-instruct"'), rendered: { nodeCount: 1 } },
  'a gated model with its token': {
    text: `apiVersion: v1\nkind: Secret\nmetadata: {name: hf-token}\ntype: Opaque\ndata:\n  HF_TOKEN: <base64 of a token>\n---\n${head('gemma')}${resource('Standard_NC80adis_H100_v5')}${serves('google/gemma-4-12B-it', token)}`,
    rendered: { nodeCount: 1 },
  },
  'a model over several nodes, with a context and a count of its own': {
    text: `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: params}\ndata:\n  inference_config.yaml: |\n    vllm:\n      cpu-offload-gb: 0\n      swap-space: 4\n      max-model-len: 16384\n---\n${head('llama')}${resource('Standard_NC48ads_A100_v4', '  count: 2\n')}${serves('meta-llama/Llama-3.3-70B-Instruct', `${token}  config: params\n`)}`,
    warned: ['secret-unknown'],
    rendered: { nodeCount: 2, pipeline: '2' },
  },
  'a count that the size of the model decides': {
    text: head('qwen') + resource(a100, '  count: 3\n') + serves('Qwen/Qwen2.5-Coder-32B-Instruct'),
    warned: ['count-ignored'],
    rendered: { nodeCount: 2, pipeline: '2' },
  },
  'a model with the transformers runtime that is larger than a node': {
    text: head('gpt', 'v1beta1', 'kaito.sh/runtime: transformers') + resource(a100) + serves('gpt-oss-120b'),
    refused: ['gpu-memory-insufficient', 'transformers-several-nodes'],
    rendered: { refused: ['gpu-memory-insufficient', 'transformers-several-nodes'] },
  },
  'a model with the transformers runtime that fits': { text: head('gpt', 'v1beta1', 'kaito.sh/runtime: transformers') + resource(a100) + serves('gpt-oss-20b'), rendered: { nodeCount: 1 } },
  'some GPUs of existing nodes, for the operator with its gate open': {
    text: head('part') + existing('  partition:\n    mode: accelerator\n    count: 2\n') + serves('llama-3.1-8b-instruct', token),
    environment: { ...byo, featureGates: { enableAccelerator: true } },
    warned: ['secret-unknown'],
    rendered: { nodeCount: 1 },
  },
  'some GPUs of existing nodes, for the operator as it is installed': {
    text: head('part') + existing('  partition:\n    mode: accelerator\n    count: 2\n') + serves('llama-3.1-8b-instruct', token),
    refused: ['instance-type-required', 'instance-type-unknown', 'partition-needs-existing-nodes'],
    warned: ['secret-unknown'],
    rendered: { nodeCount: 1 },
    better: 'Without an instance type existing nodes are meant, and no gate has to be opened.',
  },
  'pods of the user’s own, which render alone takes': {
    text: `${head('own')}${resource(a100)}inference:\n  template:\n    spec:\n      containers:\n        - name: llm\n          image: r.io/server:1\n`,
    rendered: { refused: ['not-supported'] },
  },
  'a MIG slice': {
    text: head('slice') + existing('  partition:\n    mode: mig\n    profile: 2g.24gb\n') + serves('phi-4-mini-instruct'),
    environment: { ...byo, featureGates: { enableMIG: true } },
    rendered: { nodeCount: 1 },
  },
  'weights that are on the node': {
    text: head('flash', 'v1beta1', 'kaito.sh/use-local-weights: "true"') + existing() + serves('deepseek-ai/DeepSeek-V4-Flash-0731'),
    environment: byo,
    warned: ['existing-nodes-unknown'],
    rendered: { nodeCount: 1 },
  },
  'an adapter whose strength vLLM does not know': {
    text: `${head('adapted')}${resource(a100)}${serves('phi-3-mini-128k-instruct', '  adapters:\n    - source:\n        name: mine\n        image: r.io/adapter:0.0.1\n      strength: "1.0"\n')}`,
    refused: ['adapter-strength-on-vllm'],
    rendered: { refused: ['adapter-strength-on-vllm'] },
  },
  'an adapter in a volume, under the key of the documents': {
    text: `${head('adapted')}${resource(a100)}${serves('phi-4', '  adapters:\n    - source:\n        name: mine\n        volume:\n          persistentVolumeClaim:\n            claimName: adapters\n')}`,
    warned: ['volume-key'],
    rendered: { nodeCount: 1 },
    better: 'KAITO drops the key and pulls an image without a name.',
  },
  'places to fill in': {
    text: `${head('fill', 'v1alpha1')}${resource('<your-vm-sku>', '  preferredNodes:\n    - <your-node>\n')}${serves('phi-3-mini-4k-instruct', '  adapters:\n    - source:\n        name: mine\n        image: ACR_HERE.azurecr.io/ADAPTER_HERE:0.0.1\n')}`,
    refused: ['v1alpha1-inference-preset', 'instance-type-unknown', 'adapter-image-invalid'],
    rendered: { refused: ['instance-type-unknown', 'adapter-image-invalid'] },
  },
  'a Workspace of Azure Arc': {
    text: head('arc', 'v1beta1') + resource('Standard_NC16_A16') + serves('phi-3-mini-4k-instruct'),
    environment: { cloud: 'arc' },
    rendered: { refused: ['instance-type-unsupported'] },
    better: 'These machines are not Azure’s to rent: their nodes are named by labels (--nodes).',
  },
  'a Workspace inside spec': {
    text: `${head('wrapped')}spec:\n  resource:\n    instanceType: ${a100}\n    labelSelector: {matchLabels: {scale: multi}}\n  inference:\n    preset:\n      name: llama-3.1-8b-instruct\n      modelAccessSecret: hf-token\n`,
    refused: ['instance-type-required', 'neither-inference-nor-tuning'],
    warned: ['field-unknown'],
    rendered: { refused: ['neither-inference-nor-tuning'] },
  },
  'a model that is no longer there, on a machine that is no longer there': {
    text: `${head('old', 'v1alpha1')}${resource('Standard_NC12s_v3')}tuning:\n  preset:\n    name: falcon-7b\n  method: qlora\n  input:\n    urls: ["https://example.com/data.parquet?download=true"]\n  output:\n    image: "ACR_HERE.azurecr.io/IMAGE_HERE:0.0.1"\n    imagePushSecret: push\n`,
    refused: ['instance-type-unsupported', 'tuning-preset-unknown', 'tuning-output-image-invalid'],
    warned: ['secret-unknown'],
    rendered: { refused: ['instance-type-unsupported', 'tuning-preset-unknown', 'tuning-output-image-invalid'] },
  },
  'a tuning into a claim': {
    text: `${head('tune')}${resource('Standard_NV36ads_A10_v5')}tuning:\n  preset:\n    name: phi-3-mini-128k-instruct\n  method: qlora\n  input:\n    urls: ["https://example.com/data.parquet"]\n  output:\n    volumeSource:\n      persistentVolumeClaim:\n        claimName: results\n`,
    rendered: { nodeCount: 1 },
  },
  'a tuning with settings that end the trainer': {
    text: `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: tuned}\ndata:\n  training_config.yaml: |\n    training_config:\n      QuantizationConfig: {load_in_4bit: true}\n      LoraConfig: {r: 8, target_modules: [q_proj, k_proj]}\n      TrainingArguments: {output_dir: /mnt/results, per_device_train_batch_size: 2}\n      DataCollator: {mlm: true}\n---\n${head('tune')}${resource('Standard_NV36ads_A10_v5')}tuning:\n  preset:\n    name: phi-3-mini-128k-instruct\n  method: qlora\n  config: tuned\n  input:\n    urls: ["https://example.com/data.parquet"]\n  output:\n    volumeSource:\n      persistentVolumeClaim:\n        claimName: results\n`,
    refused: ['training-config-kills-trainer'],
    rendered: { refused: ['training-config-kills-trainer'] },
    better: 'KAITO takes it, rents the node, and waits for ever for an adapter: the layers do not exist, and two examples cannot be stacked.',
  },
  'a piece of a Workspace': { text: `${resource(a100)}${serves('phi-4')}`, refused: ['kind-missing'], rendered: { refused: ['kind-missing'] } },
};

const read = (text: string) => {
  const documents = parseDocuments('w.yaml', text);
  const document = documents.find(isJudged);
  if (!document) throw new Error('There is no Workspace.');
  return { document, documents };
};

describe.each(Object.entries(examples))('%s', (_, { text, environment = {}, refused = [], warned = [], rendered }) => {
  const { document, documents } = read(text);
  const codes = (problems: readonly { code: string; severity: string }[], severity: string): string[] => [...new Set(problems.filter((problem) => problem.severity === severity).map(({ code }) => code))].sort();

  it('is judged for KAITO’s operator', () => {
    const others = documents.flatMap(({ content }) => (content ? [content] : []));
    const { problems } = judge(document, { ...defaultEnvironment, ...environment }, createFacts({ presets: catalogue, objects: others, namespace: 'default' }));
    expect(codes(problems, 'error')).toEqual([...refused].sort());
    expect(codes(problems, 'warning')).toEqual([...warned].sort());
  });

  it('is rendered, or refused with a reason', () => {
    const reading = readWorkspace(document, surroundingsOf(documents), { presets: catalogue, namespace: 'default', overrides: [] });
    if (reading.kind === 'refused') {
      expect({ refused: codes(reading.problems, 'error') }).toEqual({ refused: 'refused' in rendered ? [...rendered.refused].sort() : rendered });
      return;
    }
    const kind = document.content?.['tuning'] === undefined ? 'inference' : 'tuning';
    try {
      const { plan } = planUnseen({ kind, flags: { ...servingFlags({ preset: undefined }), ...tuningFlags({ preset: undefined }) }, basis: reading.basis, namespace: 'default', catalogue, region: 'eastus', templates });
      expect(rendered).toMatchObject({ nodeCount: plan.nodes.count });
      if ('pipeline' in rendered) expect(JSON.stringify(plan.steps)).toContain(`--pipeline-parallel-size=${rendered.pipeline ?? ''}`);
    } catch (error) {
      if (!(error instanceof KaitoError)) throw error;
      expect(rendered).toEqual({ refused: [error.message] });
    }
  });
});

describe('weights that are on the node', () => {
  it('are mounted from the folder that KAITO names after what is written, and nothing is downloaded', () => {
    const { document, documents } = read(examples['weights that are on the node']?.text ?? '');
    const reading = readWorkspace(document, surroundingsOf(documents), { presets: catalogue, namespace: 'default', overrides: [] });
    if (reading.kind === 'refused') throw new Error(JSON.stringify(reading.problems));
    const { plan } = planUnseen({ kind: 'inference', flags: { ...servingFlags({ preset: undefined }), ...tuningFlags({ preset: undefined }) }, basis: reading.basis, namespace: 'default', catalogue, region: 'eastus', templates });
    const objects = JSON.stringify(plan.steps);
    const folder = '/opt/kaito/models/deepseek-ai-deepseek-v4-flash-0731';
    expect(objects).toContain(`{"name":"local-weights","hostPath":{"path":"${folder}","type":"Directory"}}`);
    expect(objects).toContain(`{"name":"local-weights","mountPath":"${folder}","readOnly":true}`);
    expect(objects).toContain(`"--load-format=runai_streamer"`);
    expect(objects).toContain(`"--model=${folder}"`);
    expect(objects).not.toMatch(/--download-dir|--load_format|--revision/);
  });
});
