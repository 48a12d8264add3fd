import type { Config } from './model-facts.ts';

/** What sizing and serving need to know of a model's configuration. */
export interface ModelShape {
  architectures: string[];
  contextLengthTokens: number;
  /** At two bytes an element; 0 for models without attention. */
  kvCacheBytesPerToken: number;
  quantization?: string;
}

/**
 * The same facts go by other names in each family of models; of several the first that holds a number counts.
 * https://github.com/kaito-project/kaito/blob/056b8280/presets/workspace/generator/model_catalog.go#L58
 */
const keys = {
  contextLength: ['max_position_embeddings', 'n_ctx', 'seq_length', 'max_seq_len', 'max_sequence_length', 'model_max_length'],
  hiddenSize: ['hidden_size', 'n_embd', 'd_model', 'dim'],
  layers: ['num_hidden_layers', 'n_layer', 'n_layers'],
  heads: ['num_attention_heads', 'n_head', 'n_heads'],
  keyValueHeads: ['num_key_value_heads', 'n_head_kv', 'n_kv_heads'],
  headSize: ['head_dim', 'attention_head_dim'],
  latentRank: ['kv_lora_rank'],
  rotarySize: ['qk_rope_head_dim'],
} as const;

const defaultContextLengthTokens = 2048;

/** Undefined when its sizes are absurd: no model has a cache of petabytes. */
export const readConfig = (content: Config): ModelShape | undefined => {
  const config = promoteTextConfig(content);
  const kvCacheBytesPerToken = cacheElementsPerToken(config) * bytesPerElement;
  if (!Number.isSafeInteger(kvCacheBytesPerToken)) return undefined;
  const quantization = isMap(config['quantization_config']) ? config['quantization_config']['quant_method'] : undefined;
  return {
    architectures: Array.isArray(config['architectures']) ? config['architectures'].filter((name) => typeof name === 'string') : [],
    contextLengthTokens: readCount(config, keys.contextLength) ?? defaultContextLengthTokens,
    kvCacheBytesPerToken,
    ...(typeof quantization === 'string' && quantization !== '' ? { quantization } : {}),
  };
};

/** As JSON, apart from the numbers that Python writes and JSON does not have: they become null. */
export const parseConfig = (text: string): unknown => JSON.parse(text.replaceAll(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g, (token) => (token.startsWith('"') ? token : 'null')));

/** Models that also see or hear keep the part about language in a map of its own. */
const promoteTextConfig = (config: Config): Config => {
  const nested = [config['text_config'], config['llm_config']].find(isMap);
  return { ...nested, ...config };
};

const bytesPerElement = 2;

/** Latent attention keeps one compressed vector, every other kind a key and a value for each of its heads. */
const cacheElementsPerToken = (config: Config): number => {
  const layers = readCount(config, keys.layers) ?? 0;
  const latentRank = readCount(config, keys.latentRank);
  if (latentRank !== undefined) return (latentRank + (readCount(config, keys.rotarySize) ?? 0)) * layers;
  const heads = readCount(config, keys.heads);
  if (heads === undefined) return 0;
  const keyValueHeads = readCount(config, keys.keyValueHeads) ?? (config['multi_query'] === true ? 1 : heads);
  const headSize = readCount(config, keys.headSize) ?? Math.trunc((readCount(config, keys.hiddenSize) ?? 0) / heads);
  return 2 * keyValueHeads * headSize * layers;
};

/** Above zero: a zero stands for "not given". Some write numbers as text. */
const readCount = (config: Config, names: readonly string[]): number | undefined => {
  for (const name of names) {
    const value = config[name];
    const number = typeof value === 'number' ? Math.trunc(value) : typeof value === 'string' && /^\+?\d+$/.test(value) ? Number(value) : Number.NaN;
    if (Number.isSafeInteger(number) && number > 0) return number;
  }
  return undefined;
};

export const isMap = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
