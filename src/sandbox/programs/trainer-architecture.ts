import type { ModelConfig } from './model-weights.ts';

/** A linear layer that LoRA can sit beside. */
export interface LinearModule {
  /** As in `model.layers.0.self_attn.q_proj`: the part after the layer's number. */
  path: string;
  inputs: number;
  outputs: number;
}

export interface Architecture {
  /** `model_type` of the model's configuration. */
  type: string;
  className: string;
  layerCount: number;
  modules: readonly LinearModule[];
  parameterCount: number;
  /** What PEFT 0.11 takes when the configuration names nothing; it knows no default for newer families. */
  defaultTargets: readonly string[] | undefined;
}

interface Dimensions {
  hidden: number;
  layers: number;
  heads: number;
  keyValueHeads: number;
  intermediate: number;
  vocabulary: number;
}

/** Dimensions of a common member of each family, for what a configuration leaves out. */
const families: Readonly<Record<string, Dimensions & { className: string; fused?: boolean; defaultTargets?: readonly string[] }>> = {
  llama: { className: 'Llama', hidden: 4096, layers: 32, heads: 32, keyValueHeads: 8, intermediate: 14_336, vocabulary: 128_256, defaultTargets: ['q_proj', 'v_proj'] },
  mistral: { className: 'Mistral', hidden: 4096, layers: 32, heads: 32, keyValueHeads: 8, intermediate: 14_336, vocabulary: 32_768, defaultTargets: ['q_proj', 'v_proj'] },
  phi3: { className: 'Phi3', hidden: 3072, layers: 32, heads: 32, keyValueHeads: 32, intermediate: 8192, vocabulary: 32_064, fused: true },
  qwen2: { className: 'Qwen2', hidden: 3584, layers: 28, heads: 28, keyValueHeads: 4, intermediate: 18_944, vocabulary: 152_064 },
};

/** From the model's configuration, or from its name where only that is known. */
export const toArchitecture = (model: string, config: ModelConfig | undefined): Architecture => {
  const type = config?.model_type ?? typeFromName(model);
  const family = families[type] ?? { ...unknownFamily, className: type };
  const dimensions: Dimensions = {
    hidden: config?.hidden_size ?? family.hidden,
    layers: config?.num_hidden_layers ?? family.layers,
    heads: config?.num_attention_heads ?? family.heads,
    keyValueHeads: config?.num_key_value_heads ?? config?.num_attention_heads ?? family.keyValueHeads,
    intermediate: config?.intermediate_size ?? family.intermediate,
    vocabulary: config?.vocab_size ?? family.vocabulary,
  };
  const modules = linearModules(dimensions, family.fused ?? false);
  const perLayer = modules.reduce((total, { inputs, outputs }) => total + inputs * outputs, 2 * dimensions.hidden);
  return {
    type,
    className: `${family.className}ForCausalLM`,
    layerCount: dimensions.layers,
    modules,
    parameterCount: dimensions.layers * perLayer + 2 * dimensions.vocabulary * dimensions.hidden + dimensions.hidden,
    defaultTargets: family.defaultTargets,
  };
};

const unknownFamily: Dimensions & { fused?: boolean; defaultTargets?: readonly string[] } = {
  hidden: 4096,
  layers: 32,
  heads: 32,
  keyValueHeads: 8,
  intermediate: 14_336,
  vocabulary: 32_768,
};

const typeFromName = (model: string): string => {
  if (/phi-?[34]/i.test(model)) return 'phi3';
  if (/qwen/i.test(model)) return 'qwen2';
  return /mistral/i.test(model) ? 'mistral' : 'llama';
};

const linearModules = ({ hidden, heads, keyValueHeads, intermediate }: Dimensions, isFused: boolean): LinearModule[] => {
  const headSize = hidden / heads;
  const [query, keyValue] = [heads * headSize, keyValueHeads * headSize];
  const attention = isFused
    ? [linear('self_attn.qkv_proj', hidden, query + 2 * keyValue)]
    : [linear('self_attn.q_proj', hidden, query), linear('self_attn.k_proj', hidden, keyValue), linear('self_attn.v_proj', hidden, keyValue)];
  const gate = isFused
    ? [linear('mlp.gate_up_proj', hidden, 2 * intermediate)]
    : [linear('mlp.gate_proj', hidden, intermediate), linear('mlp.up_proj', hidden, intermediate)];
  return [...attention, linear('self_attn.o_proj', query, hidden), ...gate, linear('mlp.down_proj', intermediate, hidden)];
};

const linear = (path: string, inputs: number, outputs: number): LinearModule => ({ path, inputs, outputs });

/** The modules that any of the targets names; PEFT compares the ends of their paths. */
export const matchModules = ({ modules }: Architecture, targets: readonly string[]): LinearModule[] =>
  modules.filter(({ path }) => targets.some((target) => path === target || path.endsWith(`.${target}`)));

export const countTrainable = ({ layerCount }: Architecture, modules: readonly LinearModule[], rank: number): number =>
  layerCount * modules.reduce((total, { inputs, outputs }) => total + rank * (inputs + outputs), 0);
