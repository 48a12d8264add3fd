import type { ContainerFiles } from './program.ts';
import { matchModules, type Architecture, type LinearModule } from './trainer-architecture.ts';
import type { Options } from './trainer-config.ts';

export interface AdapterSource {
  /** The path or id that the model was loaded from, which is what PEFT writes down. */
  model: string;
  architecture: Architecture;
  lora: Options;
  rank: number;
  targets: readonly string[];
}

/** What `save_pretrained` leaves in a folder: the adapter's configuration and weights, and a model card; no tokenizer. */
export const writeAdapter = (files: ContainerFiles, folder: string, source: AdapterSource): void => {
  files.write(`${folder}/README.md`, modelCard(source));
  files.write(`${folder}/adapter_config.json`, JSON.stringify(adapterConfig(source), undefined, 2));
  files.write(`${folder}/adapter_model.safetensors`, weights(source));
};

const modelCard = ({ model }: AdapterSource): string =>
  `---\nlibrary_name: peft\nbase_model: ${model}\n---\n\n# Model Card for Model ID\n\nWritten by the sandbox: no model was trained.\n\n### Framework versions\n\n- PEFT 0.11.1\n`;

const adapterConfig = ({ model, architecture, lora, rank, targets }: AdapterSource) => {
  const option = (name: string, fallback: unknown): unknown => {
    const value = lora.get(name);
    if (value === undefined) return fallback;
    return typeof value === 'bigint' ? Number(value) : value;
  };
  return {
    alpha_pattern: {},
    auto_mapping: {
      base_model_class: architecture.className,
      parent_library: `transformers.models.${architecture.type}.modeling_${architecture.type}`,
    },
    base_model_name_or_path: model,
    bias: option('bias', 'none'),
    fan_in_fan_out: option('fan_in_fan_out', false),
    inference_mode: true,
    init_lora_weights: option('init_lora_weights', true),
    layer_replication: null,
    layers_pattern: null,
    layers_to_transform: null,
    loftq_config: {},
    lora_alpha: option('lora_alpha', 8),
    lora_dropout: option('lora_dropout', 0),
    megatron_config: null,
    megatron_core: 'megatron.core',
    modules_to_save: null,
    peft_type: 'LORA',
    r: rank,
    rank_pattern: {},
    revision: null,
    target_modules: targets,
    task_type: option('task_type', null),
    use_dora: option('use_dora', false),
    use_rslora: option('use_rslora', false),
  };
};

/** Width of the sandbox's matrices: true names and ranks, but not true sizes, or an adapter would be tens of megabytes. */
const width = 16;

/**
 * A safetensors file: the header's length in eight bytes, the header padded to eight, the tensors.
 * https://github.com/huggingface/safetensors/blob/v0.5.3/README.md#format
 */
const weights = ({ architecture, rank, targets }: AdapterSource): Buffer => {
  const tensors = Array.from({ length: architecture.layerCount }, (_, layer) =>
    matchModules(architecture, targets).flatMap((module) => loraTensors(layer, module, rank)),
  ).flat();
  const sizeBytes = width * rank * 2;
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  for (const [index, { name, shape }] of tensors.entries()) {
    header[name] = { dtype: 'BF16', shape, data_offsets: [index * sizeBytes, (index + 1) * sizeBytes] };
  }
  const text = JSON.stringify(header);
  const padded = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8, ' '));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([length, padded, fill(tensors.length * sizeBytes)]);
};

const loraTensors = (layer: number, { path }: LinearModule, rank: number) => {
  const name = `base_model.model.model.layers.${layer}.${path}`;
  return [
    { name: `${name}.lora_A.weight`, shape: [rank, width] },
    { name: `${name}.lora_B.weight`, shape: [width, rank] },
  ];
};

/** Small bfloat16 numbers, always the same: the exponent byte keeps them between 0.004 and 0.03. */
const fill = (sizeBytes: number): Buffer => {
  const content = Buffer.alloc(sizeBytes);
  let state = 1;
  for (let position = 0; position < sizeBytes; position += 2) {
    state = (state * 48_271) % 2_147_483_647;
    content[position] = state & 0xff;
    content[position + 1] = ((state >> 8) & 0x80) | 0x3c;
  }
  return content;
};
