import { UsageError } from './errors.ts';
import type { Preset, TransformersSettings, TuningSettings, VllmSettings } from './preset.ts';
import { parseGiB } from './quantity.ts';
import type { TuningMethod } from './workspace.ts';

/**
 * A preset file's content (YAML already parsed) as a Preset. Throws a UsageError that names the file and every field that
 * is missing, wrong or unknown: a misspelled key would otherwise be silently without effect.
 */
export const parsePreset = (content: unknown, fileName: string): Preset => {
  const problems: string[] = [];
  const fields = openFields(content, '', problems);
  const name = fields.text('name');
  const revision = fields.optionalText('revision');
  const quantization = fields.optionalText('quantization');
  const transformers = fields.optionalSection('transformers', parseTransformers);
  const tuning = fields.optionalSection('tuning', parseTuning);
  const preset: Preset = {
    name,
    aliases: fields.texts('aliases', { isOptional: true }),
    shortNames: fields.texts('shortNames', { isOptional: true }),
    huggingFaceId: fields.text('huggingFaceId'),
    ...(revision === undefined ? {} : { revision }),
    license: fields.text('license'),
    gated: fields.statedFlag('gated'),
    weightsGiB: fields.gib('weights'),
    contextLengthTokens: fields.count('contextLengthTokens'),
    kvCacheBytesPerToken: fields.count('kvCacheBytesPerToken'),
    architectures: fields.texts('architectures'),
    ...(quantization === undefined ? {} : { quantization }),
    vllm: fields.optionalSection('vllm', parseVllm) ?? { flags: {} },
    ...(transformers ? { transformers } : {}),
    ...(tuning ? { tuning } : {}),
  };
  fields.close();
  if (name !== '' && fileName.replace(/^.*\//, '') !== `${name}.yaml`) problems.push(`name: ${name} must be in a file ${name}.yaml`);
  if (problems.length > 0) throw new UsageError(`Preset file ${fileName} is wrong.`, { reason: 'InvalidPreset', fact: problems.join('\n') });
  return preset;
};

const parseVllm = (fields: Fields): VllmSettings => {
  const toolCallParser = fields.optionalText('toolCallParser');
  const reasoningParser = fields.optionalText('reasoningParser');
  const chatTemplate = fields.optionalText('chatTemplate');
  return {
    flags: fields.textMap('flags'),
    ...(toolCallParser === undefined ? {} : { toolCallParser }),
    ...(reasoningParser === undefined ? {} : { reasoningParser }),
    ...(chatTemplate === undefined ? {} : { chatTemplate }),
    ...(fields.flag('disableKvCacheCpuOffload') ? { disableKvCacheCpuOffload: true } : {}),
    ...(fields.flag('requiresDeepGemm') ? { requiresDeepGemm: true } : {}),
    ...(fields.flag('requiresCudaToolkit') ? { requiresCudaToolkit: true } : {}),
  };
};

const parseTransformers = (fields: Fields): TransformersSettings => ({ flags: fields.textMap('flags') });

const parseTuning = (fields: Fields): TuningSettings => ({
  methods: fields.methods('methods'),
  weightsImage: fields.text('weightsImage'),
  targetModules: fields.texts('targetModules'),
  parameterCount: fields.count('parameterCount'),
  hiddenSize: fields.count('hiddenSize'),
  intermediateSize: fields.count('intermediateSize'),
  keyValueSize: fields.count('keyValueSize'),
  layerCount: fields.count('layerCount'),
  vocabularySize: fields.count('vocabularySize'),
  ...(fields.flag('tiedEmbeddings') ? { tiedEmbeddings: true } : {}),
});

/** Takes one field after the other out of a map; what is wrong is noted and stood in for, so that all of it is told at once. */
interface Fields {
  text(key: string): string;
  optionalText(key: string): string | undefined;
  texts(key: string, options?: { isOptional: boolean }): string[];
  textMap(key: string): Record<string, string>;
  count(key: string): number;
  gib(key: string): number;
  /** Absent is false. */
  flag(key: string): boolean;
  /** True or false, but said. */
  statedFlag(key: string): boolean;
  methods(key: string): TuningMethod[];
  optionalSection<T>(key: string, parse: (fields: Fields) => T): T | undefined;
  /** Notes the keys that nobody asked for. */
  close(): void;
}

const openFields = (content: unknown, path: string, problems: string[]): Fields => {
  const map = isMap(content) ? content : {};
  if (!isMap(content)) problems.push(`${path === '' ? 'the file' : path}: must be a map`);
  const unread = new Set(Object.keys(map));
  const place = (key: string): string => (path === '' ? key : `${path}.${key}`);
  const read = (key: string): unknown => {
    unread.delete(key);
    return map[key];
  };
  const refuse = <T>(key: string, wanted: string, standIn: T): T => {
    problems.push(map[key] === undefined ? `${place(key)}: is missing; it must be ${wanted}` : `${place(key)}: ${JSON.stringify(map[key])} must be ${wanted}`);
    return standIn;
  };
  const fields: Fields = {
    text(key) {
      const value = read(key);
      return typeof value === 'string' && value !== '' ? value : refuse(key, 'text', '');
    },
    optionalText: (key) => (read(key) === undefined ? undefined : fields.text(key)),
    texts(key, { isOptional } = { isOptional: false }) {
      const value = read(key);
      if (value === undefined && isOptional) return [];
      return isTexts(value) ? value : refuse(key, 'a list of texts', []);
    },
    textMap(key) {
      const value = read(key);
      if (value === undefined) return {};
      return isTextMap(value) ? value : refuse(key, 'a map of texts (quote numbers and True)', {});
    },
    count(key) {
      const value = read(key);
      return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : refuse(key, 'a whole number', 1);
    },
    gib(key) {
      const value = read(key);
      const gib = typeof value === 'string' ? parseGiB(value) : undefined;
      return gib === undefined || gib === 0 ? refuse(key, 'a quantity such as 7.12Gi', 1) : gib;
    },
    statedFlag(key) {
      const value = read(key);
      return typeof value === 'boolean' ? value : refuse(key, 'true or false', false);
    },
    flag: (key) => (read(key) === undefined ? false : fields.statedFlag(key)),
    methods(key) {
      const value = read(key);
      return isTexts(value) && value.every(isMethod) ? value : refuse(key, 'a list of lora and qlora', []);
    },
    optionalSection(key, parse) {
      const value = read(key);
      if (value === undefined) return undefined;
      const section = openFields(value, place(key), problems);
      const parsed = parse(section);
      section.close();
      return parsed;
    },
    close() {
      for (const key of unread) problems.push(`${place(key)}: is no field of a preset`);
    },
  };
  return fields;
};

const isMap = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string');

const isTextMap = (value: unknown): value is Record<string, string> => isMap(value) && Object.values(value).every((item) => typeof item === 'string');

const isMethod = (value: string): value is TuningMethod => value === 'lora' || value === 'qlora';
