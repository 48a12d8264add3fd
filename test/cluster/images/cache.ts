import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../real/files.ts';

export const digestOf = (...parts: readonly (string | Uint8Array)[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex');
};

/** Of the names and contents of all files below a folder. */
export const digestOfFolder = async (folder: string): Promise<string> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).sort();
  const parts = await Promise.all(paths.map(async (path) => [path.slice(folder.length), await readFile(path)] as const));
  return digestOf(...parts.flat());
};

/** What is in the cache under that name; made first where it is missing. Nobody sees a half-made one. */
export const cached = async (name: string, make: (path: string) => Promise<void>): Promise<string> => {
  const path = join(cacheFolder, name);
  if (await exists(path)) return path;
  await mkdir(cacheFolder, { recursive: true });
  const unfinished = `${path}.${process.pid}.unfinished`;
  try {
    await make(unfinished);
    // Another process may have been quicker: its result is as good.
    await rename(unfinished, path).catch(async (error: unknown) => {
      if (!(await exists(path))) throw error;
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return path;
};

const exists = async (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
