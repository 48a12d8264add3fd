import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMap, parseDocument } from 'yaml';
import { NotFoundError, UsageError } from '../domain/errors.ts';
import { parsePreset } from '../domain/parse-preset.ts';
import type { Preset } from '../domain/preset.ts';
import type { Json, Template } from './template.ts';

export const templateNames = [
  'tuning/job',
  'tuning/dataset-urls',
  'tuning/dataset-image',
  'tuning/training-config',
  'tuning/config-map',
  'tuning/output-claim',
  'inference/deployment',
  'inference/statefulset',
  'inference/service',
  'inference/headless-service',
  'inference/adapter',
  'inference/cuda-toolkit',
] as const;
export type TemplateName = (typeof templateNames)[number];

export const scriptNames = ['pull-image', 'download-dataset', 'push-adapter'] as const;
export type ScriptName = (typeof scriptNames)[number];

export interface Templates {
  yaml: Readonly<Record<TemplateName, Template>>;
  /** Shell scripts, which are values: nothing in them is a placeholder. */
  scripts: Readonly<Record<ScriptName, string>>;
}

/** All presets of a directory, by name. */
export const readPresets = async (directory: string): Promise<Preset[]> => {
  const files = (await readdir(directory)).filter((file) => file.endsWith('.yaml')).sort();
  return await Promise.all(files.map((file) => readPresetFile(directory, file)));
};

/** One preset whose exact name is known, without reading the others; undefined when there is no such file. */
export const readPreset = async (directory: string, name: string): Promise<Preset | undefined> => {
  if (!/^[a-z0-9][a-z0-9.-]*$/.test(name)) return undefined;
  try {
    return await readPresetFile(directory, `${name}.yaml`);
  } catch (error) {
    if (isMissingFile(error)) return undefined;
    throw error;
  }
};

const readPresetFile = async (directory: string, file: string): Promise<Preset> => parsePreset(parseYaml(await readFile(join(directory, file), 'utf8'), file), file);

/**
 * The templates of a directory, each replaced by the file of the same name in `overrides` where there is one. A file there
 * that replaces nothing is an error: it would be without effect.
 */
export const readTemplates = async (directory: string, overrides?: string): Promise<Templates> => {
  const replaced = overrides === undefined ? new Set<string>() : await listOverrides(overrides);
  const read = async (file: string): Promise<string> => await readFile(join(overrides !== undefined && replaced.has(file) ? overrides : directory, file), 'utf8');
  const [yaml, scripts] = await Promise.all([
    Promise.all(
      templateNames.map(async (name) => {
        const file = `${name}.yaml`;
        return [name, { file, content: parseYaml(await read(file), file) }] as const;
      }),
    ),
    Promise.all(scriptNames.map(async (name) => [name, await read(`scripts/${name}.sh`)] as const)),
  ]);
  return { yaml: toRecord(yaml), scripts: toRecord(scripts) };
};

const listOverrides = async (directory: string): Promise<Set<string>> => {
  const known = new Set([...templateNames.map((name) => `${name}.yaml`), ...scriptNames.map((name) => `scripts/${name}.sh`)]);
  let entries: string[];
  try {
    entries = await readdir(directory, { recursive: true });
  } catch (error) {
    if (isMissingFile(error)) throw new NotFoundError(`There is no directory ${directory} with templates.`, { reason: 'TemplatesNotFound', cause: error });
    throw error;
  }
  const files = entries.map((entry) => entry.replaceAll('\\', '/')).filter((entry) => /\.(?:ya?ml|sh)$/.test(entry));
  const strange = files.filter((file) => !known.has(file));
  if (strange.length > 0) {
    throw new UsageError(`Directory ${directory} has files that replace no template: ${strange.join(', ')}.`, { reason: 'UnknownTemplate', hints: [`There are: ${[...known].join(', ')}.`] });
  }
  return new Set(files);
};

/** As Kubernetes reads it: one document, no key twice. */
const parseYaml = (text: string, file: string): Json => {
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem) throw new UsageError(`File ${file} is no valid YAML.`, { reason: 'InvalidYaml', fact: problem.message, cause: problem });
  if (!isMap(document.contents)) throw new UsageError(`File ${file} must hold one map.`, { reason: 'InvalidYaml' });
  const content: unknown = document.toJS();
  return toJson(content);
};

/** What YAML can say beyond JSON, such as dates and infinities, no template needs. */
const toJson = (value: unknown): Json => {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toJson(inner)]));
  return String(value);
};

const isMissingFile = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** `Object.fromEntries` forgets which keys there are. */
const toRecord = <Name extends string, Value>(entries: readonly (readonly [Name, Value])[]): Record<Name, Value> => Object.fromEntries(entries) as Record<Name, Value>;
