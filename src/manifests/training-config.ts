import { distance } from 'fastest-levenshtein';
import { stringify } from 'yaml';
import { UsageError } from '../domain/errors.ts';
import type { TuningSettings } from '../domain/preset.ts';
import type { TuningMethod } from '../domain/workspace.ts';
import { checkTrainingConfig } from './check-training-config.ts';
import { isJsonMap, type Json } from './json.ts';
import { resolveTemplate, type Template } from './template.ts';
import { allTrainingKeys, findTrainingKey, type TrainingValueKind } from './training-keys.ts';
import { isListKind, isScalar, valueReaders, type TrainingValue } from './training-values.ts';

/** Settings of the trainer by key: `r`, or `LoraConfig.r` where a key is in two sections. */
export type TrainingOverrides = Readonly<Record<string, TrainingValue>>;

/**
 * Reads settings as flags and annotations give them; text is read as the key wants it. Throws a UsageError with every key
 * that the trainer does not know and every value that it cannot read.
 */
export const parseTrainingOverrides = (given: unknown): TrainingOverrides => {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw new UsageError('Training settings must be a map of keys and values.', { reason: 'InvalidTrainingSetting' });
  const problems: string[] = [];
  const overrides = Object.entries(given).flatMap(([name, value]) => {
    const known = findTrainingKey(name);
    if (!known) {
      problems.push(`${name}: the trainer has no such setting${nearest(name)}`);
      return [];
    }
    const parsed = parseOverride(value, known.kind);
    if (parsed === undefined) {
      problems.push(`${name}: ${JSON.stringify(value)} must be ${valueReaders[known.kind].wanted}.`);
      return [];
    }
    return [[name, parsed] as const];
  });
  if (problems.length > 0) throw new UsageError('Training settings are wrong.', { reason: 'InvalidTrainingSetting', fact: problems.join('\n') });
  return Object.fromEntries(overrides);
};

const parseOverride = (value: unknown, kind: TrainingValueKind): TrainingValue | undefined => {
  if (Array.isArray(value)) return isListKind(kind) && value.length > 0 && value.every(isScalar) ? value.map(String) : undefined;
  return isScalar(value) ? valueReaders[kind].read(String(value).trim()) : undefined;
};

const nearest = (name: string): string => {
  const key = name.split('.').at(-1) ?? name;
  const [best] = allTrainingKeys()
    .map((known) => ({ known, edits: distance(key, known) }))
    .sort((left, right) => left.edits - right.edits);
  return best && best.edits <= Math.max(2, key.length / 3) ? `; did you mean ${best.known}?` : '.';
};

export interface TrainingConfigRequest {
  method: TuningMethod;
  tuning: TuningSettings;
  overrides: TrainingOverrides;
}

/** The template with the settings put over it. Throws a UsageError for what is known to end the trainer. */
export const renderTrainingConfig = (template: Template, { method, tuning, overrides }: TrainingConfigRequest): Json => {
  const config = resolveTemplate(template, { training: { isQuantized: method === 'qlora', targetModules: tuning.targetModules } });
  const changed = Object.entries(overrides).reduce<Json>(putOver, config);
  const problems = checkTrainingConfig(changed, { method, targetModules: tuning.targetModules }).filter(({ isFatal }) => isFatal);
  if (problems.length > 0) {
    throw new UsageError('Training would fail with these settings.', { reason: 'InvalidTrainingSetting', fact: problems.map(({ path, message }) => `${path}: ${message}`).join('\n') });
  }
  return changed;
};

const putOver = (config: Json, [name, value]: [string, TrainingValue]): Json => {
  const known = findTrainingKey(name);
  if (!known || !isJsonMap(config)) return config;
  const sections = config['training_config'];
  if (!isJsonMap(sections)) return config;
  const section = sections[known.section];
  return { ...config, training_config: { ...sections, [known.section]: { ...(isJsonMap(section) ? section : {}), [known.key]: value } } };
};

/** The trainer reads YAML 1.1, where an unquoted `no` is false. */
export const toTrainerYaml = (config: Json): string => stringify(config, { version: '1.1', lineWidth: 0 });
