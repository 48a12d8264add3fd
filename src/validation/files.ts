import { NotFoundError, UsageError } from '../domain/errors.ts';
import { parseDocuments, type SourceDocument } from './documents.ts';

/** How files are read: the command brings the real ones. */
export interface Readers {
  readFile(path: string): Promise<string>;
  /** All files below a directory, in order; undefined when it is none. Fails as `node:fs` does. */
  listFiles(path: string): Promise<string[] | undefined>;
  readStdin(): Promise<string>;
}

/** The documents of files, of directories (`.yaml`, `.yml` and `.json` below them, sorted) and of stdin (`-`), in order. */
export const readWorkspaceFiles = async (sources: readonly string[], readers: Readers): Promise<SourceDocument[]> => {
  const files: string[] = [];
  for (const source of sources) files.push(...(await expand(source, readers)));
  const texts = await Promise.all([...new Set(files)].map(async (file) => ({ file, text: file === '-' ? await readers.readStdin() : await named(file, readers.readFile(file)) })));
  return texts.flatMap(({ file, text }) => parseDocuments(file, text));
};

const expand = async (source: string, { listFiles }: Readers): Promise<string[]> => {
  if (source === '-') return ['-'];
  const files = await named(source, listFiles(source));
  if (!files) return [source];
  const documents = files.filter((file) => /\.(?:ya?ml|json)$/i.test(file)).sort();
  if (documents.length === 0) throw new UsageError(`Directory ${source} has no .yaml, .yml or .json files.`, { reason: 'NothingToRead' });
  return documents;
};

const named = async <T>(path: string, reading: Promise<T>): Promise<T> => {
  try {
    return await reading;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new NotFoundError(`There is no file ${path}.`, { reason: 'FileNotFound', cause: error });
    throw new UsageError(`${path} cannot be read.`, { reason: 'UnreadableFile', fact: error instanceof Error ? error.message : String(error), cause: error });
  }
};
