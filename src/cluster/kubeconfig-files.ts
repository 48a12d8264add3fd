import { readFile } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { AccessError, NotFoundError, UsageError } from '../domain/errors.ts';
import { isRecord } from './object.ts';

export interface KubeconfigPlace {
  /** `--kubeconfig`: this file alone. */
  kubeconfig?: string;
  env: Readonly<Record<string, string | undefined>>;
  homeDirectory: string;
}

/** All files as one: entries by name, each with the file that it came from. */
export interface MergedKubeconfig {
  files: string[];
  currentContext: string | undefined;
  clusters: Map<string, Entry>;
  users: Map<string, Entry>;
  contexts: Map<string, Entry>;
}

export interface Entry {
  file: string;
  /** For sentences: `users[2].user`. */
  place: string;
  fields: Record<string, unknown>;
}

/** In which files kubectl would look, in its order. Missing ones are no mistake unless named by the flag. */
export const findKubeconfigFiles = ({ kubeconfig, env, homeDirectory }: KubeconfigPlace): string[] => {
  if (kubeconfig !== undefined) return [resolve(kubeconfig)];
  const named = (env['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
  return named.length > 0 ? [...new Set(named.map((path) => resolve(path)))] : [join(homeDirectory, '.kube', 'config')];
};

/**
 * Reads and merges by kubectl's rules: the first file that sets the current context or has an entry of a name wins, and
 * missing files are passed over. https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/#merging-kubeconfig-files
 */
export const readKubeconfigFiles = async (place: KubeconfigPlace): Promise<MergedKubeconfig> => {
  const merged: MergedKubeconfig = { files: [], currentContext: undefined, clusters: new Map(), users: new Map(), contexts: new Map() };
  for (const file of findKubeconfigFiles(place)) {
    const text = await readIfExists(file);
    if (text === undefined && place.kubeconfig !== undefined) {
      throw new NotFoundError(`There is no kubeconfig at ${file}.`, { reason: 'KubeconfigNotFound', hints: ['Check --kubeconfig'] });
    }
    if (text === undefined) continue;
    const content = await parseKubeconfig(text, file);
    merged.files.push(file);
    const { 'current-context': currentContext } = content;
    if (typeof currentContext === 'string' && currentContext !== '') merged.currentContext ??= currentContext;
    for (const [list, item] of [['clusters', 'cluster'], ['users', 'user'], ['contexts', 'context']] as const) {
      addEntries(merged[list], content[list], { file, list, item });
    }
  }
  return merged;
};

const addEntries = (known: Map<string, Entry>, given: unknown, { file, list, item }: { file: string; list: string; item: string }): void => {
  if (given === undefined || given === null) return;
  if (!Array.isArray(given)) throw broken(file, `${list} is not a list.`);
  for (const [index, value] of given.entries()) {
    const name: unknown = isRecord(value) ? value['name'] : undefined;
    if (!isRecord(value) || typeof name !== 'string') throw broken(file, `${list}[${index}] has no name.`);
    const { [item]: fields } = value;
    // Users without a way to log in are written as `user: null`.
    if (!known.has(name)) known.set(name, { file, place: `${list}[${index}].${item}`, fields: isRecord(fields) ? fields : {} });
  }
};

const readIfExists = async (file: string): Promise<string | undefined> => {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = isRecord(error) ? error['code'] : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new AccessError(`The kubeconfig ${file} cannot be read.`, {
      reason: 'KubeconfigUnreadable',
      fact: error instanceof Error ? error.message : String(error),
      hints: [code === 'EISDIR' ? 'Name a file, not a directory' : `ls -l ${file}`],
      cause: error,
    });
  }
};

/** A kubeconfig is full of secrets: an error tells the line and what is wrong with it, and never the text. */
const parseKubeconfig = async (text: string, file: string): Promise<Record<string, unknown>> => {
  const parsed = text.trimStart().startsWith('{') ? parseJson(text) : undefined;
  const content = parsed ?? (await parseYaml(text, file));
  if (content === null || content === undefined) return {};
  if (!isRecord(content)) throw broken(file, 'It is not a mapping with clusters, users and contexts.');
  return content;
};

/** JSON is YAML too, and needs no parser to be loaded. What is not quite JSON may still be YAML. */
const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const parseYaml = async (text: string, file: string): Promise<unknown> => {
  const { LineCounter, parse, YAMLParseError } = await import('yaml');
  const lineCounter = new LineCounter();
  try {
    return parse(text, { prettyErrors: false, lineCounter, logLevel: 'error' });
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw broken(file, 'It is no valid YAML: an alias (*) has no anchor, or too many.');
    const { line, col } = lineCounter.linePos(error.pos[0]);
    throw broken(`${file}:${line}:${col}`, `It is no valid YAML here: ${error.code.toLowerCase().replaceAll('_', ' ')}.`);
  }
};

/** Also for what is wrong inside of an entry. */
export const broken = (where: string, fact: string): UsageError =>
  new UsageError(`The kubeconfig ${where} cannot be understood.`, { reason: 'KubeconfigInvalid', fact, hints: ['See what kubectl makes of it: kubectl config view'] });
