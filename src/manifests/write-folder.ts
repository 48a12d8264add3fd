import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../domain/errors.ts';

export interface OutputFile {
  name: string;
  text: string;
}

/** The first line of every file that is written, by which the next run knows that it may be replaced. */
const mark = '# Written by kaito-ts render, and written anew by it.\n';

/** Writes all files or none: UsageError when one of them is there and somebody else's. Other files are left alone. */
export const writeFolder = async (folder: string, files: readonly OutputFile[], { force }: { force: boolean }): Promise<void> => {
  const strangers = force ? [] : (await Promise.all(files.map(async ({ name }) => ((await isFree(join(folder, name))) ? [] : [name])))).flat();
  if (strangers.length > 0) {
    throw new UsageError(`${folder} has files that kaito-ts render did not write: ${strangers.join(', ')}.`, { reason: 'FilesNotOurs', hints: ['Choose another directory with --out, or replace them with --force.'] });
  }
  try {
    await mkdir(folder, { recursive: true });
    for (const { name, text } of files) await writeFile(join(folder, name), `${mark}${text}`);
  } catch (error) {
    throw new UsageError(`${folder} cannot be written to.`, { reason: 'UnwritableFolder', fact: error instanceof Error ? error.message : String(error), cause: error });
  }
};

const isFree = async (path: string): Promise<boolean> => {
  try {
    return (await readFile(path, 'utf8')).startsWith(mark);
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return true;
    throw new UsageError(`${path} cannot be read.`, { reason: 'UnreadableFile', fact: error instanceof Error ? error.message : String(error), cause: error });
  }
};
