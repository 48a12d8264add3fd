import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMap, parseDocument } from 'yaml';
import { BugError, NotFoundError, UsageError } from '../domain/errors.ts';
import { parsePreset } from '../domain/parse-preset.ts';
import type { Preset } from '../domain/preset.ts';
import { toJson, type Json } from './json.ts';
import { refuseLostParts } from './required-parts.ts';
import type { Template } from './template.ts';

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
  'inference/own-pods',
  'device-plugin',
] as const;
export type TemplateName = (typeof templateNames)[number];

const scriptNames = ['pull-image', 'download-dataset', 'push-adapter'] as const;

export interface Templates {
  template(name: TemplateName): Template;
  /** Shell scripts by name. They are values: nothing in them is a placeholder. */
  scripts: Readonly<Record<string, string>>;
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
    Promise.all(templateNames.map(async (name) => [name, { file: `${name}.yaml`, content: parseYaml(await read(`${name}.yaml`), `${name}.yaml`) }] as const)),
    Promise.all(scriptNames.map(async (name) => [name, await read(`scripts/${name}.sh`)] as const)),
  ]);
  const byName = new Map<TemplateName, Template>(yaml);
  for (const [name, template] of yaml) if (replaced.has(template.file)) refuseLostParts(name, template, join(directory, template.file));
  return {
    template(name) {
      const template = byName.get(name);
      if (!template) throw new BugError(`Template ${name} was not read.`);
      return template;
    },
    scripts: Object.fromEntries(scripts),
  };
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

const isMissingFile = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';
