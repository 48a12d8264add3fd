import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The recordings are of 1.36.3. */
export const recordedMinorVersion = 36;

export const recordedFolder = join(import.meta.dirname, 'recorded');

/** What a real server answered to each case of that file, by title. Empty when nothing was recorded. */
export const readRecorded = (file: string): ReadonlyMap<string, unknown> => {
  const path = join(recordedFolder, `${file}.json`);
  if (!existsSync(path)) return new Map();
  const content: unknown = JSON.parse(readFileSync(path, 'utf8'));
  return new Map(Object.entries(Object(content)));
};
