import { toTokens } from './model-text.ts';
import type { ContainerFiles } from './program.ts';
import type { Options } from './trainer-config.ts';
import { PythonError } from './trainer-error.ts';
import { readParquetFooter } from './trainer-parquet.ts';

export interface Dataset {
  path: string;
  fileType: string;
  rowCount: number;
  /** Tokens in each row, as the sandbox counts them; empty where rows cannot be read. */
  rowTokens: readonly number[];
  /** What tokenising it ends with; undefined when it goes well. */
  problem: PythonError | undefined;
}

type Row = Readonly<Record<string, unknown>>;

/** The first file whose name contains one of these anywhere wins; in this order where it contains several. */
const fileTypes = ['csv', 'json', 'parquet', 'arrow', 'webdataset'];

/**
 * Finds the dataset as the script does and looks whether its rows can be trained on. Throws when it cannot be loaded at
 * all. https://github.com/kaito-project/kaito/blob/v0.12.0/presets/workspace/tuning/text-generation/dataset.py#L46
 */
export const loadDataset = (files: ContainerFiles, options: Options, env: Readonly<Record<string, string>>): Dataset => {
  const { path, fileType } = locate(files, options, env['DATASET_FOLDER_PATH'] ?? '/mnt/data');
  const content = files.read(path);
  const unloadable = new PythonError('ValueError', `Unable to load dataset ${path} with file type '${fileType}'`);
  if (!content) throw unloadable;
  try {
    if (fileType === 'parquet') {
      const { columns, rowCount } = readParquetFooter(content);
      return { path, fileType, rowCount, rowTokens: [], problem: findColumnProblem(columns) };
    }
    const rows = fileType === 'csv' ? readCsv(content.toString('utf8')) : readJson(content.toString('utf8'));
    if (rows.length === 0) throw unloadable;
    return { path, fileType, rowCount: rows.length, rowTokens: rows.map(countTokens), problem: findProblem(rows) };
  } catch {
    throw unloadable;
  }
};

const locate = (files: ContainerFiles, options: Options, folder: string): { path: string; fileType: string } => {
  const extension = options.get('dataset_extension');
  const given = options.get('dataset_path');
  const found =
    typeof given === 'string'
      ? `/mnt/${given.replace(/^\/+/, '')}`
      : files
          .list(folder)
          .map((path) => (path.startsWith('/') ? path : `${folder}/${path}`))
          // A walk sees a folder's own files before those below it.
          .sort((left, right) => left.split('/').length - right.split('/').length)
          .find((path) => typeOf(path) !== undefined);
  const fileType = typeof extension === 'string' ? extension : found === undefined ? undefined : typeOf(found);
  if (found === undefined || fileType === undefined) throw new PythonError('ValueError', 'Unable to find a valid dataset file.');
  return { path: found, fileType };
};

const typeOf = (path: string): string | undefined => fileTypes.find((type) => (path.split('/').at(-1) ?? '').includes(type));

const isRow = (value: unknown): value is Row => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A JSON array, or one object a line. */
const readJson = (text: string): Row[] => {
  const values: unknown = text.trimStart().startsWith('[')
    ? JSON.parse(text)
    : text
        .split('\n')
        .filter((line) => line.trim() !== '')
        .map((line): unknown => JSON.parse(line));
  if (!Array.isArray(values) || !values.every(isRow)) throw new TypeError('The rows are no objects.');
  return values;
};

const readCsv = (text: string): Row[] => {
  const lines = [...text.matchAll(/((?:"(?:[^"]|"")*"|[^\n"])*)(?:\r?\n|$)/g)].map((match) => match[1] ?? '').filter((line) => line.trim() !== '');
  const [header = '', ...rows] = lines;
  const names = cells(header);
  return rows.map((row) => {
    const values = cells(row);
    return Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']));
  });
};

const cells = (line: string): string[] =>
  [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain?.trim() ?? '');

/** TRL looks at the columns of the whole file, and then at each row. */
const findProblem = (rows: readonly Row[]): PythonError | undefined => {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const problem = findColumnProblem(columns, rows[0]);
  if (problem) return problem;
  const required = columns.includes('messages') ? ['messages'] : columns.includes('conversations') ? ['conversations'] : ['prompt', 'completion'];
  if (rows.some((row) => required.some((name) => row[name] === undefined))) {
    return new PythonError('AttributeError', "'NoneType' object has no attribute 'endswith'");
  }
  const role = rows.flatMap((row) => required.flatMap((name) => rolesOf(row[name]))).find((name) => !templateRoles.has(name));
  return role === undefined ? undefined : new PythonError('jinja2.exceptions.TemplateError', `Unknown role: ${role}`);
};

/** Text columns fail: the script sets the name of the text column to None, and that key is what is missing. */
const findColumnProblem = (columns: readonly string[], first?: Row): PythonError | undefined => {
  const isConversations = columns.includes('conversations') && (first === undefined || isFromValue(first['conversations']));
  const isReadable = columns.includes('messages') || isConversations || (columns.includes('prompt') && columns.includes('completion'));
  return isReadable ? undefined : new PythonError('KeyError', 'None');
};

const isFromValue = (turns: unknown): boolean => Array.isArray(turns) && isRow(turns[0]) && 'from' in turns[0] && 'value' in turns[0];

const templateRoles = new Set(['system', 'user', 'assistant', 'tool']);

/** Role names are kept as they are, also those of `from`: `human` fails on templates that know their roles. */
const rolesOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter(isRow).map((turn) => String(turn['role'] ?? turn['from'])) : [];

const countTokens = (row: Row): number => toTokens(JSON.stringify(Object.values(row))).length;
