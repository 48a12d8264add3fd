import { digestOf } from './cache.ts';

/** A model with the names of a real family and almost no weights, for what reads them to find what it looks for. */
export interface TinyModel {
  type: 'llama' | 'phi3' | 'qwen2' | 'mistral';
  hidden?: number;
  layers?: number;
}

const template = "{% for message in messages %}{% if message['role'] not in ['system', 'user', 'assistant'] %}{{ raise_exception('Unknown role: ' + message['role']) }}{% endif %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endfor %}";

const classNames = { llama: 'LlamaForCausalLM', phi3: 'Phi3ForCausalLM', qwen2: 'Qwen2ForCausalLM', mistral: 'MistralForCausalLM' } as const;

/** The files of its folder, by name. */
export const modelFiles = ({ type, hidden = 128, layers = 2 }: TinyModel): Record<string, string | Uint8Array> => {
  const config = {
    architectures: [classNames[type]],
    model_type: type,
    hidden_size: hidden,
    intermediate_size: 2 * hidden,
    num_hidden_layers: layers,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    vocab_size: 2000,
    max_position_embeddings: 4096,
    tie_word_embeddings: false,
    torch_dtype: 'bfloat16',
  };
  return {
    'config.json': JSON.stringify(config, undefined, 2),
    'generation_config.json': '{}',
    'tokenizer.json': JSON.stringify({ version: '1.0', model: { type: 'BPE', vocab: {}, merges: [] } }),
    'tokenizer_config.json': JSON.stringify({ tokenizer_class: 'PreTrainedTokenizerFast', chat_template: template }),
    'model.safetensors': safetensors({ 'model.norm.weight': [hidden] }),
  };
};

/** KAITO's artifact for a preset: the family is in its name. */
export const modelOfPreset = (name: string): TinyModel => {
  const type = /phi-?[34]/.test(name) ? 'phi3' : /qwen/.test(name) ? 'qwen2' : /mistral/.test(name) ? 'mistral' : 'llama';
  return { type };
};

/** A LoRA adapter for a model of that size. */
export const adapterFiles = ({ rank = 8, targets = ['q_proj', 'v_proj'] }: { rank?: number; targets?: readonly string[] } = {}): Record<string, string | Uint8Array> => ({
  'adapter_config.json': JSON.stringify({ peft_type: 'LORA', base_model_name_or_path: '/workspace/tfs/weights', r: rank, lora_alpha: rank, lora_dropout: 0, target_modules: targets, task_type: null, bias: 'none', inference_mode: true }, undefined, 2),
  'adapter_model.safetensors': safetensors(
    Object.fromEntries(targets.flatMap((target) => [
      [`base_model.model.model.layers.0.self_attn.${target}.lora_A.weight`, [rank, 128]],
      [`base_model.model.model.layers.0.self_attn.${target}.lora_B.weight`, [128, rank]],
    ])),
  ),
});

/** https://huggingface.co/docs/safetensors: the header's length, the header, and the numbers, here in bfloat16. */
const safetensors = (shapes: Readonly<Record<string, readonly number[]>>): Buffer => {
  let offset = 0;
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  for (const [name, shape] of Object.entries(shapes)) {
    const size = 2 * shape.reduce((total, length) => total * length, 1);
    header[name] = { dtype: 'BF16', shape, data_offsets: [offset, offset + size] };
    offset += size;
  }
  const text = JSON.stringify(header);
  const padded = text.padEnd(Math.ceil(text.length / 8) * 8);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  // Any numbers do, as long as they are always the same.
  const data = Buffer.alloc(offset, digestOf(text), 'hex');
  return Buffer.concat([length, Buffer.from(padded), data]);
};
