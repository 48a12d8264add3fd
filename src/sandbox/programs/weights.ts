import { createHash } from 'node:crypto';
import { commandWords } from './model-command.ts';
import type { Program } from './program.ts';
import { parseReference } from './oci-reference.ts';

/** `oras pull <reference> -o <folder>`: a model's files, in small. */
export const weights: Program = {
  matches: (container) => {
    const [program, verb] = commandWords(container);
    return /(?:^|\/)oras$/.test(program ?? '') && verb === 'pull';
  },
  async run(context) {
    const { files, stdout, stderr, clock, signal } = context;
    const words = commandWords(context);
    const output = words.findIndex((word) => word === '-o' || word === '--output');
    const folder = (output < 0 ? '.' : (words[output + 1] ?? '.')).replace(/\/$/, '');
    const reference = words.slice(2).find((word, index) => !word.startsWith('-') && index + 2 !== output + 1) ?? '';
    const parsed = parseReference(reference);
    if (!parsed) {
      stderr(`Error: "${reference}": invalid reference\n`);
      return 1;
    }
    const digest = createHash('sha256').update(reference).digest('hex');
    for (const [index, [name, content]] of Object.entries(modelFiles(parsed.repository)).entries()) {
      const short = createHash('sha256').update(`${digest}${index}`).digest('hex').slice(0, 12);
      stdout(`Downloading ${short} ${name}\n`);
      // The weights themselves are what takes time: some gigabytes each.
      await clock.sleep(name.endsWith('.safetensors') ? 45_000 : 500, signal);
      files.write(`${folder}/${name}`, content);
      stdout(`Downloaded  ${short} ${name}\n`);
    }
    stdout(`Pulled [registry] ${reference}\nDigest: sha256:${digest}\n`);
    return 0;
  },
};

/** Header and no tensors: eight bytes of length, and the JSON object that says so. */
const emptySafetensors = (): Buffer => {
  const header = Buffer.from(JSON.stringify({ __metadata__: { format: 'pt' } }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header]);
};

const shapes: readonly [repository: RegExp, modelType: string, shape: { hidden: number; intermediate: number; layers: number; heads: number; vocabulary: number }][] = [
  [/phi-4-mini/, 'phi3', { hidden: 3072, intermediate: 8192, layers: 32, heads: 24, vocabulary: 200_064 }],
  [/phi-4/, 'phi3', { hidden: 5120, intermediate: 17_920, layers: 40, heads: 40, vocabulary: 100_352 }],
  [/phi-3-medium/, 'phi3', { hidden: 5120, intermediate: 17_920, layers: 40, heads: 40, vocabulary: 32_064 }],
  [/phi-3/, 'phi3', { hidden: 3072, intermediate: 8192, layers: 32, heads: 32, vocabulary: 32_064 }],
  [/mistral-7b/, 'mistral', { hidden: 4096, intermediate: 14_336, layers: 32, heads: 32, vocabulary: 32_768 }],
  [/qwen2\.5-coder-7b/, 'qwen2', { hidden: 3584, intermediate: 18_944, layers: 28, heads: 28, vocabulary: 152_064 }],
  [/qwen2\.5-coder-32b/, 'qwen2', { hidden: 5120, intermediate: 27_648, layers: 64, heads: 40, vocabulary: 152_064 }],
];

const text = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`);

const modelFiles = (repository: string): Record<string, Buffer> => {
  const [, modelType, { hidden, intermediate, layers, heads, vocabulary }] = shapes.find(([pattern]) => pattern.test(repository)) ?? [/./, 'llama', { hidden: 4096, intermediate: 14_336, layers: 32, heads: 32, vocabulary: 128_256 }];
  const config = { model_type: modelType, hidden_size: hidden, intermediate_size: intermediate, num_hidden_layers: layers, num_attention_heads: heads, vocab_size: vocabulary, torch_dtype: 'bfloat16' };
  return {
    'config.json': text(config),
    'generation_config.json': text({ do_sample: true }),
    'tokenizer.json': text({ version: '1.0', model: { type: 'BPE' } }),
    'tokenizer_config.json': text({ tokenizer_class: 'LlamaTokenizer' }),
    'model.safetensors.index.json': text({ metadata: { total_size: 0 }, weight_map: {} }),
    'model-00001-of-00002.safetensors': emptySafetensors(),
    'model-00002-of-00002.safetensors': emptySafetensors(),
  };
};
