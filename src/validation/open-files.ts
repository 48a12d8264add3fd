import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readers } from './files.ts';

/** The real files, and stdin as the terminal reads it. */
export const openFiles = (readStdin: () => Promise<string>): Readers => ({
  readFile: (path) => readFile(path, 'utf8'),
  async listFiles(path) {
    if (!(await stat(path)).isDirectory()) return undefined;
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  },
  readStdin,
});
