import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../domain/errors.ts';
import { environmentVariable, longFlag, type Options, type Origin } from './options.ts';

/**
 * Values that come from somewhere else than the command line, in the order of precedence: `KAITO_*` variables,
 * `./kaito-ts.yaml`, the user's own file. A file holds option names as keys (`instanceType` or `instance-type`).
 */
export interface Configuration {
  find(key: string, flags: string): { texts: string[]; from: Origin; name: string } | undefined;
}

interface ConfigurationFile {
  path: string;
  values: Map<string, string[]>;
}

export const readConfiguration = async (
  environment: Readonly<Record<string, string | undefined>>,
  workingDirectory: string,
  homeDirectory: string,
  /** Of all commands, for one file serves them all; asked for only where there is a file. */
  knownKeys: () => Promise<ReadonlySet<string>>,
): Promise<Configuration> => {
  // Set and empty means not set: https://specifications.freedesktop.org/basedir-spec/latest/#variables
  const userFolder = environment['XDG_CONFIG_HOME'] || join(homeDirectory, '.config');
  const paths = [join(workingDirectory, 'kaito-ts.yaml'), join(userFolder, 'kaito-ts', 'config.yaml')];
  const files: ConfigurationFile[] = [];
  for (const path of paths) {
    const file = await readConfigurationFile(path, knownKeys);
    if (file) files.push(file);
  }
  return {
    find(key, flags) {
      const variable = environmentVariable(flags);
      const value = environment[variable];
      if (value !== undefined && value !== '') return { texts: [value], from: 'environment', name: variable };
      const file = files.find((candidate) => candidate.values.has(key));
      const texts = file?.values.get(key);
      return file && texts ? { texts, from: 'file', name: file.path } : undefined;
    },
  };
};

const readConfigurationFile = async (path: string, knownKeys: () => Promise<ReadonlySet<string>>): Promise<ConfigurationFile | undefined> => {
  let content: string;
  try {
    // To load the promises of node:fs would take longer than to read.
    content = readFileSync(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new UsageError(`${path} cannot be read.`, { cause: error, fact: error instanceof Error ? error.message : String(error) });
  }
  // Most runs have no such file, and none of those pays for the parser.
  const { parseDocument } = await import('yaml');
  const document = parseDocument(content, { prettyErrors: true });
  const [problem] = document.errors;
  if (problem) throw new UsageError(`${path} is not valid YAML.`, { fact: problem.message });
  const parsed: unknown = document.toJS();
  if (parsed === null || parsed === undefined) return { path, values: new Map() };
  if (typeof parsed !== 'object' || Array.isArray(parsed)) throw new UsageError(`${path} must be a map of option names to values.`);
  const values = new Map<string, string[]>();
  const known = await knownKeys();
  for (const [name, value] of Object.entries(parsed)) {
    const key = toKey(name);
    if (!known.has(key)) throw new UsageError(`${path} has the key ${JSON.stringify(name)}, which is no option of any command.`, { hints: ['Keys are long flags, such as namespace or instance-type.'] });
    values.set(key, toTexts(value, path, name));
  }
  return { path, values };
};

const toTexts = (value: unknown, path: string, name: string): string[] => {
  if (Array.isArray(value)) return value.flatMap((item) => toTexts(item, path, name));
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return [String(value)];
  throw new UsageError(`${path}: ${name} must be a text, a number, true, false, or a list of those.`);
};

/** `--instance-type <name>` is `instanceType`. */
export const toKey = (name: string): string => name.replace(/^-+/, '').replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

export const optionKeys = (options: Options): string[] => Object.values(options).map((option) => toKey(longFlag(option.flags)));

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
