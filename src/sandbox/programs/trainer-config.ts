import { fromJson, isMap, reprOf, strOf, type PythonValue } from './model-python.ts';
import type { ContainerFiles } from './program.ts';
import { sections, type OptionType } from './trainer-schema.ts';
import { PythonError } from './trainer-error.ts';
import { parsePythonYaml } from './trainer-yaml.ts';

/** One section's options after parsing; only those that were written. */
export type Options = ReadonlyMap<string, PythonValue>;

/** What the rest of the script works with: the file as it was read, and its sections as options. */
export interface TrainingConfig {
  /** The file under its root key, for the log's first line. */
  written: ReadonlyMap<string, PythonValue>;
  model: Options;
  quantization: Options;
  lora: Options;
  training: Options;
  dataset: Options;
}

export const defaultConfigPath = '/mnt/config/training_config.yaml';

/** The file's content under `training_config`. */
export const readWritten = (files: ContainerFiles, path: string): ReadonlyMap<string, PythonValue> => {
  const content = files.read(path);
  if (!content) throw new PythonError('FileNotFoundError', `[Errno 2] No such file or directory: '${path}'`);
  const document = parseYaml(content.toString('utf8'));
  if (!isMap(document)) throw new PythonError('AttributeError', `${typeName(document)} object has no attribute 'get'`);
  const written = document.get('training_config') ?? new Map<string, PythonValue>();
  if (!isMap(written)) throw new PythonError('AttributeError', `${typeName(written)} object has no attribute 'get'`);
  return written;
};

/** Parses each section as argparse does; throws the first mistake in Python's words. Unknown sections are ignored. */
export const parseConfig = (written: ReadonlyMap<string, PythonValue>, stdout: (text: string) => void): TrainingConfig => {
  const parse = (name: string): Options => parseSection(name, written.get(name) === undefined ? new Map() : written.get(name));
  const model = parse('ModelConfig');
  const dtype = model.get('torch_dtype');
  if (typeof dtype === 'string' && !torchDtypes.has(dtype)) throw new PythonError('ValueError', `Invalid torch dtype: ${dtype}`);
  const quantization = parse('QuantizationConfig');
  const lora = parse('LoraConfig');
  const training = parse('TrainingArguments');
  const dataset = parse('DatasetConfig');
  const collator = parse('DataCollator');
  checkCollator(collator, stdout);
  return { written, model, quantization, lora, training, dataset };
};

const torchDtypes = new Set(['bfloat16', 'float16', 'float32', 'float64', 'half', 'float', 'double', 'None']);

/**
 * Masked language modelling is the collator's default, and looks at a class for a mask token. The script falls back to no
 * masking only where the file itself says `mlm`.
 */
const checkCollator = (collator: Options, stdout: (text: string) => void): void => {
  const mlm = collator.get('mlm');
  if (mlm === false) return;
  if (mlm === undefined) throw new PythonError('AttributeError', "type object 'PythonBackend' has no attribute 'mask_token'. Did you mean: '_add_tokens'?");
  stdout('Warning: Tokenizer does not have a mask token. Retrying with mlm=False.\n');
};

const parseSection = (name: string, content: PythonValue | undefined): Options => {
  if (content === undefined || !isMap(content)) throw new PythonError('AttributeError', `${typeName(content ?? null)} object has no attribute 'items'`);
  const known = sections[name] ?? new Map<string, OptionType>();
  const options = new Map<string, PythonValue>();
  const unused: string[] = [];
  for (const [key, words] of flatten(content)) {
    const type = known.get(key);
    if (type === undefined) unused.push(`--${key}`, ...words);
    else options.set(key, convert(key, type, words));
  }
  if (unused.length > 0) {
    throw new PythonError('ValueError', `Some specified arguments are not used by the HfArgumentParser: ${reprOf(unused)}`);
  }
  return options;
};

/** A section as the words of a command line: a nested map becomes `outer_inner`, a list several words. */
const flatten = (content: ReadonlyMap<string, PythonValue>, prefix = ''): (readonly [key: string, words: readonly string[]])[] =>
  [...content].flatMap(([key, value]) => {
    if (isMap(value)) return flatten(value, `${prefix}${key}_`);
    return [[`${prefix}${key}`, Array.isArray(value) ? value.map(strOf) : [strOf(value)]] as const];
  });

type Refuse = (reason: string) => PythonError;

const convert = (key: string, type: OptionType, words: readonly string[]): PythonValue => {
  const dashed = key.replaceAll('_', '-');
  const argument = dashed === key ? `--${key}` : `--${key}/--${dashed}`;
  const refuse: Refuse = (reason) => new PythonError('argparse', `argument ${argument}: ${reason}`);
  if (words.length > 0) return converters[type](words, refuse);
  // A flag alone is true for booleans; every other type wants a word behind it.
  if (type === 'bool') return true;
  throw refuse(type === 'texts' || type === 'ints' ? 'expected at least one argument' : 'expected one argument');
};

const toInteger = (word: string, refuse: Refuse): bigint => {
  if (!/^\s*[-+]?\d+\s*$/.test(word)) throw refuse(`invalid int value: ${reprOf(word)}`);
  return BigInt(word.trim().replace(/^\+/, ''));
};

const toBoolean = (word: string, refuse: Refuse): boolean => {
  if (/^(?:yes|true|t|y|1)$/i.test(word)) return true;
  if (/^(?:no|false|f|n|0)$/i.test(word)) return false;
  throw refuse(`Truthy value expected: got ${word} but expected one of yes/no, true/false, t/f, y/n, 1/0 (case insensitive).`);
};

const converters: Readonly<Record<OptionType, (words: readonly string[], refuse: Refuse) => PythonValue>> = {
  text: ([word = '']) => word,
  int: ([word = ''], refuse) => toInteger(word, refuse),
  float: ([word = ''], refuse) => {
    if (word.trim() === '' || Number.isNaN(Number(word))) throw refuse(`invalid float value: ${reprOf(word)}`);
    return Number(word);
  },
  bool: ([word = ''], refuse) => toBoolean(word, refuse),
  texts: (words) => words,
  ints: (words, refuse) => words.map((word) => toInteger(word, refuse)),
  json: ([word = ''], refuse) => {
    // Anything else is taken for the path of a file.
    if (!word.startsWith('{')) return word;
    try {
      return fromJson(JSON.parse(word));
    } catch {
      throw refuse(`invalid dict value: ${reprOf(word)}`);
    }
  },
  dict: ([word = ''], refuse) => {
    throw refuse(`invalid dict value: ${reprOf(word)}`);
  },
};

const parseYaml = (text: string): PythonValue => {
  try {
    return parsePythonYaml(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PythonError('yaml.parser.ParserError', `while parsing a flow node\n${reason}`);
  }
};

const typeName = (value: PythonValue): string => {
  if (value === null) return "'NoneType'";
  if (typeof value === 'string') return "'str'";
  if (Array.isArray(value)) return "'list'";
  return typeof value === 'boolean' ? "'bool'" : typeof value === 'bigint' ? "'int'" : "'float'";
};
