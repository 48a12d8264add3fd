import { posix } from 'node:path';
import { checkTrainingConfig } from '../../manifests/check-training-config.ts';
import { isMap, type JsonMap } from '../json.ts';
import { generic, invalidValue, missingField, type Finding, type Rule } from '../rule.ts';
import { findKaitoPreset, type Subject } from '../subject.ts';
import { cannotUnmarshal, noTextKey, readConfig, type ConfigContent } from './config-text.ts';
import { isMethod } from './tuning.ts';

const configValidation = 'api/v1beta1/tuning_config_validation.go';
const configKey = 'training_config.yaml';
const path = ['tuning', 'config'];

interface TrainingConfig {
  /** Where it is, for the sentences about it. */
  where: { name: string; namespace: string };
  method: string;
  config: ConfigContent;
}

/** The ConfigMap that KAITO validates: the user's, or the default of the method where the operator runs. */
const findConfig = ({ tuning, namespace, environment, facts }: Subject): { name: string; namespace: string; isMissing: boolean; content?: string | undefined } | undefined => {
  if (!tuning) return undefined;
  const isOwn = tuning.config !== '';
  if (!isOwn && environment.releaseNamespace === undefined) return undefined;
  const where = isOwn ? namespace : (environment.releaseNamespace ?? '');
  const name = isOwn ? tuning.config : isMethod(tuning.method) ? `${tuning.method.toLowerCase()}-params-template` : '';
  const found = name === '' ? { kind: 'missing' as const } : facts.findConfigMap(where, name);
  if (found.kind === 'unknown') return undefined;
  return { name, namespace: where, isMissing: found.kind === 'missing', ...(found.kind === 'found' ? { content: found.value[configKey] } : {}) };
};

const readTrainingConfig = (subject: Subject): TrainingConfig | undefined => {
  const found = findConfig(subject);
  if (found?.content === undefined) return undefined;
  return { where: found, method: subject.tuning?.method.toLowerCase() ?? '', config: readConfig(found.content) };
};

const told = (text: Pick<Finding, 'message' | 'fieldPaths'>, fix: string): Finding => ({ path, ...text, within: 'tuning.Config', fix });

const rule = (code: string, line: string, check: (config: TrainingConfig) => Finding[]): Rule => ({
  code,
  source: 'kaito',
  severity: 'error',
  on: 'create',
  stage: 'webhook',
  upstream: `${configValidation}#${line}`,
  check: (subject) => {
    const config = readTrainingConfig(subject);
    return config ? check(config) : [];
  },
});

export const trainingConfigRules: readonly Rule[] = [
  {
    code: 'training-config-missing',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    upstream: `${configValidation}#L229`,
    check: (subject) => {
      const found = findConfig(subject);
      if (found?.isMissing) {
        // The operator prints the Workspace's own config, which is empty when its default is meant.
        return [told(generic(`ConfigMap '${subject.tuning?.config ?? ''}' specified in 'config' not found in namespace '${found.namespace}'`, 'config'), found.name === '' ? 'Write the method lora or qlora.' : `Create ConfigMap ${found.name} with the key ${configKey}.`)];
      }
      if (!found || found.content !== undefined) return [];
      const fix = `Add the key ${configKey} to it.`;
      return [told(generic(`ConfigMap '${found.name}' does not contain '${configKey}' in namespace '${found.namespace}'`, 'config'), fix), told(missingField(`${configKey} in ConfigMap`), fix)];
    },
  },
  rule('training-config-unreadable', 'L229', ({ where, config }) => {
    const fix = 'Write a map training_config with the sections as maps below it.';
    const failed = (text: string): Finding => told(generic(`Failed to parse '${configKey}' in ConfigMap '${where.name}' in namespace '${where.namespace}': yaml: ${text}`, 'config'), fix);
    if ('problem' in config) return [failed(config.problem), told(invalidValue(`yaml: ${config.problem}`, configKey), fix)];
    const { content } = config;
    if (content !== null && content !== undefined && !isMap(content)) return [failed(cannotUnmarshal(content, 'v1beta1.Config')), told(invalidValue(`yaml: ${cannotUnmarshal(content, 'map[string]interface {}')}`, configKey), fix)];
    const sections = isMap(content) ? content['training_config'] : undefined;
    if (isMap(sections)) return [];
    const isWrong = sections !== null && sections !== undefined;
    return [...(isWrong ? [failed(cannotUnmarshal(sections, 'map[string]interface {}'))] : []), told(invalidValue(`Expected 'training_config' key to contain a map`, configKey), fix)];
  }),
  rule('training-section-unknown', 'L38', ({ config }) =>
    Object.keys(sectionsOf(config) ?? {}).flatMap((name) => {
      if (name.startsWith(noTextKey)) return [told(invalidValue('Section key must be a string', configKey), `There are the sections ${sectionNames.join(', ')}.`)];
      return sectionNames.includes(name) ? [] : [told(invalidValue(`Unrecognized section: ${name}`, configKey), `There are the sections ${sectionNames.join(', ')}.`)];
    }),
  ),
  rule('quantization-mismatch', 'L156', judgeQuantization),
  rule('training-output-dir', 'L121', judgeOutputFolder),
  {
    code: 'training-config-kills-trainer',
    source: 'kaito-ts',
    severity: 'error',
    on: 'always',
    upstream: 'presets/workspace/tuning/text-generation/parser.py#L33',
    check: (subject) => checkTrainer(subject, true),
  },
  {
    code: 'training-config-doubtful',
    source: 'kaito-ts',
    severity: 'warning',
    on: 'always',
    upstream: 'presets/workspace/tuning/text-generation/parser.py#L33',
    check: (subject) => checkTrainer(subject, false),
  },
];

const sectionNames = ['ModelConfig', 'QuantizationConfig', 'LoraConfig', 'TrainingArguments', 'DatasetConfig', 'DataCollator'];

const sectionsOf = (config: ConfigContent): JsonMap | undefined => {
  const content = 'content' in config && isMap(config.content) ? config.content['training_config'] : undefined;
  return isMap(content) ? content : undefined;
};

const noMapProblem = (section: unknown): string => `failed to unmarshal runtime.RawExtension: yaml: ${cannotUnmarshal(section, 'map[string]interface {}')}`;

/** Go's reflection names them so. */
const goType = (value: unknown): string => (Array.isArray(value) ? '[]interface {}' : isMap(value) ? 'map[interface {}]interface {}' : typeof value === 'number' ? (Number.isInteger(value) ? 'int' : 'float64') : typeof value);

function judgeQuantization({ where, method, config }: TrainingConfig): Finding[] {
  const content = 'content' in config ? config.content : undefined;
  const root = isMap(content) ? content['training_config'] : content === null ? {} : undefined;
  if (root !== null && root !== undefined && !isMap(root)) return [];
  if (!isMap(content) && content !== null) return [];
  const section = isMap(root) ? root['QuantizationConfig'] : undefined;
  const missing = told(missingField(`For method 'qlora', either 'load_in_4bit' or 'load_in_8bit' must be true in ConfigMap '${where.name}'`, 'QuantizationConfig'), 'Set QuantizationConfig.load_in_4bit to true.');
  if (section !== null && section !== undefined && !isMap(section)) return [told(invalidValue(noMapProblem(section), 'load_in_4bit'), 'Make QuantizationConfig a map.')];
  if (!isMap(section)) return method === 'qlora' ? [missing] : [];
  const keys = ['load_in_4bit', 'load_in_8bit'] as const;
  for (const key of keys) {
    const value = section[key];
    if (value !== null && value !== undefined && typeof value !== 'boolean') return [told(invalidValue(`value must be either nil or a boolean, got type ${goType(value)}`, key), `Write ${key}: true or false, without quotes.`)];
  }
  const [is4Bit, is8Bit] = keys.map((key) => section[key] === true);
  if (is4Bit && is8Bit) return [told(generic(`Cannot set both 'load_in_4bit' and 'load_in_8bit' to true in ConfigMap '${where.name}'`, 'QuantizationConfig'), 'Keep load_in_4bit.')];
  if (method === 'lora' && (is4Bit || is8Bit)) return [told(generic(`For method 'lora', 'load_in_4bit' or 'load_in_8bit' in ConfigMap '${where.name}' must not be true`, 'QuantizationConfig'), 'Set both to false, or tuning.method to qlora.')];
  return method === 'qlora' && !is4Bit && !is8Bit ? [missing] : [];
}

function judgeOutputFolder({ where, config }: TrainingConfig): Finding[] {
  const section = sectionsOf(config)?.['TrainingArguments'];
  const fix = 'Write /mnt/results, which is where the results are taken from.';
  if (section !== null && section !== undefined && !isMap(section)) {
    return [told(generic(`Failed to parse 'output_dir' in ConfigMap '${where.name}' in namespace '${where.namespace}': ${noMapProblem(section)}`, 'output_dir'), 'Make TrainingArguments a map.')];
  }
  if (!isMap(section) || !('output_dir' in section)) return [];
  const folder = section['output_dir'];
  if (typeof folder !== 'string') return [told(invalidValue(`output_dir is not a string in ConfigMap '${where.name}' in namespace '${where.namespace}'`, 'output_dir'), fix)];
  const joined = posix.join('/mnt', folder).replace(/(?<=.)\/$/, '');
  return joined !== '/mnt' && joined.startsWith('/mnt') ? [] : [told(invalidValue(`Invalid output_dir specified: '${folder}', must be a directory`, 'output_dir'), fix)];
}

/** What our own knowledge of the trainer says of it, where the webhook has no objection of its own to the same. */
function checkTrainer(subject: Subject, isFatal: boolean): Finding[] {
  const config = subject.tuning?.config === '' ? undefined : readTrainingConfig(subject);
  const preset = findKaitoPreset(subject.facts.presets, subject.tuning?.preset?.name ?? '');
  if (!config || !preset?.tuning || !('content' in config.config) || !sectionsOf(config.config) || !isMethod(config.method)) return [];
  const method = config.method === 'lora' ? 'lora' : 'qlora';
  return checkTrainingConfig(config.config.content, { method, targetModules: preset.tuning.targetModules })
    .filter((problem) => problem.isFatal === isFatal)
    .map(({ path: place, message }) => ({ path, message: `${configKey} of ConfigMap ${config.where.name}: ${place.replaceAll(noTextKey, '')}: ${message}`, fix: 'Correct it in the ConfigMap, or leave tuning.config out: kaito-ts then writes one that works.' }));
}
