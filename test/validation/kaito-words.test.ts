import { describe, expect, it } from 'vitest';
import { isMap } from '../../src/validation/json.ts';
import { change, configMap, gpuNode, judgeObject, serving, tuning, type Surroundings } from './support.ts';

/**
 * What KAITO writes, where users search for it:
 * https://github.com/kaito-project/kaito/blob/056b8280/api/v1beta1/workspace_validation.go
 */
const serve = (changes: Readonly<Record<string, unknown>>): unknown => change(serving, changes);
const annotated = (name: string, value: string): unknown => serve({ 'metadata/annotations': { [name]: value } });
const adapter = (source: object, strength?: string): unknown => serve({ 'inference/adapters': [{ source: { name: 'a', ...source }, ...(strength === undefined ? {} : { strength }) }] });
const existing = (changes: Readonly<Record<string, unknown>> = {}): unknown => serve({ 'resource/instanceType': undefined, ...changes });
const byo = { environment: { nodeProvisioner: 'byo' } } as const;
const labelled = (name: string, labels: Readonly<Record<string, string | undefined>>): object => {
  const node = gpuNode(name);
  const metadata = isMap(node['metadata']) ? node['metadata'] : {};
  const known = isMap(metadata['labels']) ? metadata['labels'] : {};
  const changed = Object.entries({ ...known, ...Object.fromEntries(Object.entries(labels).map(([label, value]) => [`nvidia.com/gpu.${label}`, value])) });
  return { ...node, metadata: { ...metadata, labels: Object.fromEntries(changed.filter(([, value]) => value !== undefined)) } };
};
const onNodes = (...nodes: object[]): Surroundings => ({ ...byo, objects: nodes.map((node) => change(node, {})) });
const gated = (...gates: string[]): Surroundings => ({ environment: { nodeProvisioner: 'byo', featureGates: Object.fromEntries(gates.map((gate) => [gate, true])) } });
const changing = (stored: unknown, around: Surroundings = {}): Surroundings => ({ ...around, stored });
const transformers = { 'metadata/annotations': { 'kaito.sh/runtime': 'transformers' } };

const old = (changes: Readonly<Record<string, unknown>>): unknown => serve({ apiVersion: 'kaito.sh/v1alpha1', inference: { template: {} }, ...changes });
const labelText =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const labelNameText =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const reserved = { 'resource/labelSelector': { matchLabels: { 'kaito.sh/workspace': 'x' } } };
const expressions = (...matchExpressions: object[]): Readonly<Record<string, unknown>> => ({ 'resource/labelSelector': { matchExpressions } });
const trainedWith = (config: string): Surroundings => ({ objects: [configMap('c', { 'training_config.yaml': config })] });
const needsLength = 'missing field(s): max-model-len is required in the vllm section of inference_config.yaml when using multi-GPU instances with <20GB of memory per GPU or distributed inference';

const words: [what: string, object: unknown, around: Surroundings, ...texts: string[]][] = [
  ['labels that are none', serve({ 'metadata/labels': change({}, { x: '-' }) }), {}, `metadata.labels: Invalid value: "-": ${labelText}`],
  ['a label without a name', serve({ 'metadata/labels': Object.fromEntries([['x.y/', 'v']]) }), {}, 'metadata.labels: Invalid value: "x.y/": name part must be non-empty', `metadata.labels: Invalid value: "x.y/": ${labelNameText}`],
  ['more annotations than there is room for', annotated('a', 'x'.repeat(262_144)), {}, 'metadata.annotations: Too long: may not be more than 262144 bytes'],
  ['a count beyond all numbers', serve({ 'resource/count': 1e30 }), {}, 'resource.count: Invalid value: "number": resource.count in body must be of type integer: "number"'],
  ['a long name with dots', serve({ 'metadata/name': `a.${'b'.repeat(63)}` }), {}, 'invalid value: must be no more than 63 characters, must not contain dots: name'],
  ['a preset and a template', serve({ 'inference/template': {} }), {}, 'Preset and Template cannot be set at the same time'],
  ['a long adapter name of wrong letters, later', adapter({ name: 'A'.repeat(254), image: 'reg.io/x:1' }), changing(serving), "invalid value: must be no more than 253 characters, a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'): inference.adapters.source.name"],
  ['an empty image family', annotated('kaito.sh/node-image-family', ''), {}, 'invalid value: unsupported node image family "", supported values are azurelinux, ubuntu: spec.metadata.annotations["kaito.sh/node-image-family"]'],
  ['a doubtful use of local weights', annotated('kaito.sh/use-local-weights', 'yes'), {}, 'invalid value: "yes" must be "true" or "false": metadata.annotations[kaito.sh/use-local-weights]'],
  ['streaming without the driver', serving, { environment: { featureGates: { ModelStreaming: true } }, complete: ['CSIDriver'] }, 'CSI driver blob.csi.azure.com not found; required for model streaming. Ensure the CSI driver is enabled on your cluster: metadata.annotations'],
  ['streaming switched off later', annotated('kaito.sh/model-streaming', 'disabled'), changing(serving, { environment: { featureGates: { ModelStreaming: true } } }), 'annotation kaito.sh/model-streaming is immutable after creation: metadata.annotations[kaito.sh/model-streaming]'],
  ['a model of the hub on transformers', serve({ ...transformers, 'inference/preset/name': 'Example-Org/Llama-Like' }), {}, 'Runtime validation: model llama-like does not support inference with Huggingface Transformers runtime'],
  ['no resource at all', serve({ resource: undefined }), {}, 'missing field(s): spec.instanceType is required when node auto-provisioning is enabled, spec.resource.instanceType', 'invalid value: Unsupported instance type . Supported SKUs: [Standard_NC24ads_A100_v4 Standard_NC40ads_H100_v5 Standard_NC48ads_A100_v4 Standard_NC80adis_H100_v5 Standard_NC96ads_A100_v4 Standard_NCC40ads_H100_v5 Standard_ND96amsr_A100_v4 Standard_ND96asr_A100_v4 Standard_ND96isr_H100_v5 Standard_ND96isr_H200_v5 Standard_NG32adms_V620_v1 Standard_NG32ads_V620_v1 Standard_NV36ads_A10_v5 Standard_NV72ads_A10_v5]: resource.instanceType'],

  ['a node without a label', existing(), onNodes(labelled('n1', { memory: undefined })), 'Failed to get GPU config from nvidia labels on node n1: missing required nvidia.com labels on node n1'],
  ['a count that is none', existing(), onNodes(labelled('n1', { count: '1.0' })), 'Failed to get GPU config from nvidia labels on node n1: invalid nvidia.com/gpu.count value on node n1: 1.0'],
  ['a memory that is none', existing(), onNodes(labelled('n1', { memory: ' 81920' })), 'Failed to get GPU config from nvidia labels on node n1: invalid nvidia.com/gpu.memory value on node n1:  81920'],
  ['nodes of two products', existing(), onNodes(gpuNode('n1'), labelled('n2', { product: 'NVIDIA-H100' })), 'Non-uniform GPU product: node n2 has NVIDIA-H100 GPUs, but previous node has NVIDIA-A100 GPUs, all nodes must have the same GPU product for homogeneous placement'],
  ['nodes of two sizes', existing(), onNodes(gpuNode('n1'), gpuNode('n2', 1, 40960)), 'Non-uniform GPU memory: node n2 has 40Gi memory, but previous node has 80Gi memory'],
  ['counts that say the same', existing(), onNodes(gpuNode('n1'), labelled('n2', { count: '+1' }))],

  ['a closed gate', existing({ 'resource/partition': { mode: 'accelerator', count: 1 } }), byo, 'accelerator partition support is not enabled, set feature gate enableAccelerator=true: resource.partition'],
  ['a profile of whole GPUs', existing({ 'resource/partition': { mode: 'accelerator', profile: '1g.10gb', count: 1 } }), gated('enableAccelerator'), 'invalid value: profile is not valid for accelerator mode: resource.partition.profile'],
  ['whole GPUs without a count', existing({ 'resource/partition': { mode: 'accelerator' } }), gated('enableAccelerator'), 'missing field(s): resource.partition.count'],
  ['a count of slices', existing({ 'resource/partition': { mode: 'mig', profile: '3g.40gb', count: 1 } }), gated('enableMIG'), 'invalid value: count is only valid for accelerator mode: resource.partition.count'],
  ['a slice of nothing', existing({ 'resource/partition': { mode: 'mig', profile: '0g.10gb' } }), gated('enableMIG'), 'invalid value: invalid MIG profile "0g.10gb": compute slices must be > 0: resource.partition.profile'],
  ['a slice that is too small', existing({ 'resource/partition': { mode: 'mig', profile: '1g.5gb' }, 'inference/preset/name': 'ministral-3-8b-instruct' }), gated('enableMIG'), 'invalid value: Model ministral-3-8b-instruct requires at least 9.70Gi for weights, which exceeds the 1g.5gb MIG slice capacity of 5Gi: resource.partition'],

  ['another machine', serve({ 'resource/instanceType': 'Standard_NV36ads_A10_v5' }), changing(serving), 'instanceType cannot be changed once set when node auto-provisioning is enabled: resource.instanceType'],
  ['another machine, on existing nodes', serve({ 'resource/instanceType': 'Standard_NV36ads_A10_v5' }), changing(serving, byo), 'invalid value: instanceType cannot be changed once set: resource.instanceType'],
  ['another machine in v1alpha1', serve({ apiVersion: 'kaito.sh/v1alpha1', 'resource/instanceType': 'Standard_NV36ads_A10_v5' }), changing(serve({ apiVersion: 'kaito.sh/v1alpha1' })), 'field is immutable: resource.instanceType'],
  ['a renamed dataset', change(tuning, { 'tuning/input/name': 'b' }), changing(tuning), 'invalid value: During tuning Name field cannot be changed once set: tuning.Input.Name'],
  ['an adapter of addresses, later', adapter({ urls: ['http://localhost/a'] }), changing(serving), 'Either Image or Volume must be specified for adapter source: inference.adapters.source', 'URLs are not supported as adapter source: inference.adapters.source.urls', 'invalid value: data source URL must not target a local or metadata endpoint: inference.Adapters.URLs'],
  ['an adapter of nothing, later', adapter({}), changing(serving), 'Exactly one of URLs, Volume, or Image must be specified: inference.Adapters.Image, inference.Adapters.URLs, inference.Adapters.Volume', 'Either Image or Volume must be specified for adapter source: inference.adapters.source'],
  ['an adapter image that is none, later', adapter({ image: 'UPPER' }), changing(serving), 'invalid value: Unable to parse input image reference: invalid reference format: repository name (library/UPPER) must be lowercase: inference.Adapters.Image'],
  ['a strength beyond all numbers', adapter({ image: 'reg.io/x:1' }, '1e999'), changing(serving), 'Invalid strength value for Adapter \'a\': strconv.ParseFloat: parsing "1e999": value out of range: inference.adapter', "Strength value for Adapter 'a' must be between 0 and 1: inference.adapter"],
  ['a strength with a sign and no number', adapter({ image: 'reg.io/x:1' }, '+nan'), changing(serving), 'Invalid strength value for Adapter \'a\': strconv.ParseFloat: parsing "+nan": invalid syntax: inference.adapter'],
  ['a strength in groups of digits', adapter({ image: 'reg.io/x:1' }, '0.2_5'), changing(serving)],
  ['adapters of a server that was a tuning', adapter({}), changing(change(tuning, { resource: serving.resource })), 'Inference field cannot be toggled once set: spec.inference', 'Tuning field cannot be toggled once set: spec.tuning'],
  ['an empty list of secrets in the preset', serve({ 'inference/preset/presetOptions': { imagePullSecrets: [] } }), changing(serving), 'field is immutable: inference.preset'],

  ['a ConfigMap without its key', serve({ 'inference/config': 'c' }), { objects: [configMap('c', { other: '' })] }, 'missing field(s): inference_config.yaml in ConfigMap'],
  ['a ConfigMap of a template that is not there', serve({ inference: { template: {}, config: 'c' } }), { complete: ['ConfigMap'] }, "ConfigMap 'c' specified in 'config' not found in namespace 'default': config"],
  ['a context behind an anchor', serve({ 'inference/config': 'c' }), { objects: [configMap('c', { 'inference_config.yaml': 'long: &long { max-model-len: 200000 }\nvllm: *long\n' })] }, "invalid value: max-model-len 200000 exceeds model's maximum supported context window 16384 (ModelTokenLimit): max-model-len"],
  ['a context that is merged in', serve({ 'inference/config': 'c' }), { objects: [configMap('c', { 'inference_config.yaml': 'vllm:\n  <<: { max-model-len: 200000 }\n' })] }, "invalid value: max-model-len 200000 exceeds model's maximum supported context window 16384 (ModelTokenLimit): max-model-len"],
  ['the last of two contexts', serve({ 'inference/config': 'c' }), { objects: [configMap('c', { 'inference_config.yaml': 'vllm:\n  max-model-len: 1\n  max-model-len: 200000\n' })] }, "invalid value: max-model-len 200000 exceeds model's maximum supported context window 16384 (ModelTokenLimit): max-model-len"],
  ['a context with spaces around it', serve({ 'inference/config': 'c' }), { objects: [configMap('c', { 'inference_config.yaml': 'vllm:\n  max-model-len: " 4096 "\n' })] }],

  ['a template on two nodes in v1alpha1', old({ 'resource/count': 2 }), {}, needsLength],
  ['a template on two small GPUs in v1alpha1', old({ 'resource/instanceType': 'Standard_NC32_A2' }), { environment: { cloud: 'arc' } }, needsLength],
  ['a template on one small GPU in v1alpha1', old({ 'resource/instanceType': 'Standard_NC8_A16' }), { environment: { cloud: 'arc' } }],
  ['a template on two nodes with transformers in v1alpha1', old({ ...transformers, 'resource/count': 2 }), {}],
  ['a template on two nodes with a context in v1alpha1', old({ 'resource/count': 2, 'inference/config': 'c' }), { objects: [configMap('c', { 'inference_config.yaml': 'vllm:\n  max-model-len: 2048\n' })] }],
  ['a template where the chart was not installed, in v1alpha1', old({}), { environment: { releaseNamespace: 'kaito' }, complete: ['ConfigMap'] }, "ConfigMap 'inference-params-template' specified in 'config' not found in namespace 'kaito': config"],
  ['an adapter without a source', serve({ 'inference/adapters': [{}] }), {}, 'The adapter has no source, and the webhook crashes on it.'],

  ['a long key of a label', serve({ 'metadata/labels': change({}, { ['x'.repeat(64)]: 'v' }) }), {}, `metadata.labels: Invalid value: "${'x'.repeat(64)}": name part must be no more than 63 bytes`],
  ['a long value of a label', serve({ 'metadata/labels': change({}, { x: 'v'.repeat(64) }) }), {}, `metadata.labels: Invalid value: "${'v'.repeat(64)}": must be no more than 63 bytes`],
  ['characters that cannot be seen', annotated('kaito.sh/performance-mode', 'é\u00a0\u200b\u007f\t'), {}, 'invalid value: "é\\u00a0\\u200b\\x7f\\t" is not a valid performance mode; choose one of: balanced, interactivity, throughput: metadata.annotations[kaito.sh/performance-mode]'],
  ['an image family behind a byte order mark', annotated('kaito.sh/node-image-family', '\ufeffubuntu'), {}, 'invalid value: unsupported node image family "\\ufeffubuntu", supported values are azurelinux, ubuntu: spec.metadata.annotations["kaito.sh/node-image-family"]'],
  ['an image family behind a next line', annotated('kaito.sh/node-image-family', '\u0085ubuntu'), {}],
  ['a label that is null', serve({ 'resource/labelSelector': { matchLabels: { a: 'b', x: null } } }), {}],
  ['a label with dots that is no text', serve({ 'resource/labelSelector': { matchLabels: change({}, { 'a.b': true }) } }), {}, 'resource.labelSelector.matchLabels.a.b: Invalid value: "boolean": resource.labelSelector.matchLabels.a.b in body must be of type string: "boolean"'],
  ['an operator that there is not', serve(expressions({ key: 'a', operator: 'Gt', values: ['1'] })), {}, 'invalid value: "Gt" is not a valid selector operator: resource.labelSelector'],
  ['reserved labels, before the machine', serve({ ...reserved, 'resource/instanceType': 'g5.xlarge' }), {}, 'invalid value: matchLabels must contain at least one non-reserved label: resource.labelSelector.matchLabels'],
  ['a wrong expression, before the nodes', existing(expressions({ key: 'a', operator: 'Exists' })), { ...byo, complete: ['Node'] }, 'invalid value: operator "Exists" cannot be converted into the old label selector format: resource.labelSelector'],
  ['reserved labels in v1alpha1', old(reserved), {}],
  ['a mode of performance that there is not, in v1alpha1', old({ 'metadata/annotations': { 'kaito.sh/performance-mode': 'fast' } }), {}],
  ['a deprecated model in v1alpha1', serve({ apiVersion: 'kaito.sh/v1alpha1', 'inference/preset/name': 'phi-2' }), {}, 'Model phi-2 is deprecated and no longer supported: resource.presetName', 'invalid value: Unsupported inference preset name phi-2: inference.presetName'],
  ['a part of GPUs of another kind', existing({ 'resource/partition': { mode: 'whole', count: 1 } }), gated('enableAccelerator'), '<nil>: Invalid value: "": "resource.partition.mode" must validate all the schemas (allOf). None validated', 'resource.partition.mode: Unsupported value: "whole": supported values: "mig", "accelerator"'],
  ['an access that is no text', serve({ 'inference/preset/accessMode': 1 }), {}, 'inference.preset.accessMode: Invalid value: "integer": inference.preset.accessMode in body must be of type string: "integer"', 'inference.preset.accessMode: Unsupported value: 1: supported values: "public", "private"'],
  ['too little memory on nodes, and a machine besides', serve({ 'inference/preset/name': 'qwen2.5-coder-32b-instruct' }), onNodes(gpuNode('n1', 1, 23_028)), 'invalid value: Insufficient total GPU memory: Instance type Standard_NC24ads_A100_v4 has a total of 22Gi, but preset qwen2.5-coder-32b-instruct requires at least 65530463518720m: resource.instanceType', 'invalid value: instanceType must be empty when node auto-provisioning is disabled (BYO scenario): spec.resource.instanceType'],
  ['a wrong name, before adapters without a source', serve({ 'inference/preset/name': 'none', 'inference/adapters': [{}] }), {}, 'invalid value: Unsupported inference preset name none: inference.presetName'],
  ['a list as a key of the server', serve({ 'inference/config': 'c' }), { objects: [configMap('c', { 'inference_config.yaml': 'vllm:\n  ? [a]\n  : b\n' })] }, 'Failed to parse inference_config.yaml: yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into string: inference_config.yaml'],
  ['a switch that is a map', change(tuning, { 'tuning/config': 'c' }), trainedWith('training_config:\n  QuantizationConfig:\n    load_in_4bit: {}\n'), 'Failed to evaluate validateConfigMap: invalid value: value must be either nil or a boolean, got type map[interface {}]interface {}: load_in_4bit: tuning.Config'],
  ['quantisation that is a list', change(tuning, { 'tuning/config': 'c' }), trainedWith('training_config:\n  QuantizationConfig: []\n'), 'Failed to evaluate validateConfigMap: invalid value: failed to unmarshal runtime.RawExtension: yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into map[string]interface {}: load_in_4bit: tuning.Config'],
  ['a stored tuning without a dataset', tuning, changing(change(tuning, { 'tuning/input': undefined })), 'The stored Workspace has no tuning.input, and the webhook crashes on it.'],
];

describe('KAITO’s words', () => {
  it.each(words.map(([what, object, around, ...texts]) => ({ what, object, around, texts })))('for $what', ({ object, around, texts }) => {
    const said = judgeObject(object, around).problems.filter(({ source, severity }) => source === 'kaito' && severity === 'error').map(({ message }) => message);
    expect(said.sort()).toEqual(texts.sort());
  });
});
