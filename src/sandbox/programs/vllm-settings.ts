import { parse } from 'yaml';
import { fromJson, isMap, strOf } from './model-python.ts';
import type { ContainerFiles } from './program.ts';
import { parseFlags } from './vllm-flags.ts';

/** What of the command line and the configuration file changes how the server behaves. */
export interface VllmSettings {
  model: string;
  /** The first is the name in answers; a request may use any. */
  servedNames: readonly string[];
  adaptersFolder: string;
  loraEnabled: boolean;
  maxLoraRank: number;
  maxModelLengthTokens: number;
  gpuMemoryUtilization: string;
  apiKeys: readonly string[];
}

export type ReadSettings =
  | { kind: 'settings'; settings: VllmSettings }
  /** argparse refuses: usage, this message, exit code 2. */
  | { kind: 'refused'; message: string }
  /** The engine's configuration refuses: a traceback with this error, exit code 1. */
  | { kind: 'failed'; error: string };

export const readSettings = (words: readonly string[], files: ContainerFiles): ReadSettings => {
  const given = parseFlags(words);
  if (given.kind === 'refused') return given;
  const configFile = given.flags.get('kaito-config-file')?.[0] ?? '';
  const content = configFile === '' ? undefined : files.read(configFile);
  if (configFile !== '' && !content) return { kind: 'failed', error: `FileNotFoundError: [Errno 2] No such file or directory: '${configFile}'` };
  // Entries of the file come after the flags, so they win; each becomes two words, which is why booleans go wrong.
  const parsed = parseFlags([...words, ...wordsOf(content?.toString('utf8') ?? '')]);
  if (parsed.kind === 'refused') return parsed;

  const one = (name: string, fallback: string) => parsed.flags.get(name)?.at(-1) ?? fallback;
  const model = one('model', '/workspace/vllm/weights');
  const derived = derivedLengthTokens(model);
  const asked = one('max-model-len', 'auto');
  const length = asked === 'auto' || asked === '-1' ? (derived ?? defaultLengthTokens) : parseLength(asked);
  if (length === undefined) return { kind: 'refused', message: `argument --max-model-len: Could not convert ${asked} to an integer` };
  if (derived !== undefined && length > derived) return { kind: 'failed', error: lengthError(length, derived) };
  return {
    kind: 'settings',
    settings: {
      model,
      servedNames: parsed.flags.get('served-model-name') ?? [model],
      adaptersFolder: one('kaito-adapters-dir', '/mnt/adapter'),
      loraEnabled: parsed.flags.has('enable-lora'),
      maxLoraRank: Number(one('max-lora-rank', '16')),
      maxModelLengthTokens: length,
      gpuMemoryUtilization: one('gpu-memory-utilization', '0.84'),
      apiKeys: parsed.flags.get('api-key') ?? [],
    },
  };
};

const wordsOf = (text: string): string[] => {
  const config = fromJson(parse(text));
  const vllm = isMap(config) ? config.get('vllm') : undefined;
  return isMap(vllm) ? [...vllm].flatMap(([key, value]) => [`--${key}`, strOf(value)]) : [];
};

/** No weights are here to say it, so a model whose name does not tell its context gets a common one. */
const defaultLengthTokens = 131_072;

const derivedLengthTokens = (model: string): number | undefined => {
  const thousands = /[-_](\d+)k\b/i.exec(model)?.[1];
  return thousands === undefined ? undefined : Number(thousands) * 1024;
};

/** `32768`, `32k` (thousands) or `32K` (times 1024). */
const parseLength = (text: string): number | undefined => {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)([kKmM]?)$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const factors: Readonly<Record<string, number>> = { k: 1000, K: 1024, m: 1_000_000, M: 1_048_576 };
  return Math.floor(Number(digits) * (factors[unit] ?? 1));
};

const lengthError = (asked: number, derived: number): string =>
  `pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig\n  Value error, User-specified max_model_len (${asked}) is greater than the derived max_model_len (max_position_embeddings=${derived}.0 or model_max_length=None in model's config.json). To allow overriding this maximum, set the env var VLLM_ALLOW_LONG_MAX_MODEL_LEN=1. VLLM_ALLOW_LONG_MAX_MODEL_LEN must be used with extreme caution. [type=value_error, input_value=ArgsKwargs((), {'model': ...nderer_num_workers': 1}), input_type=ArgsKwargs]`;
