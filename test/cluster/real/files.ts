import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** Its specification says that an empty or relative one counts as none. */
const xdgCacheHome = process.env['XDG_CACHE_HOME'] ?? '';

/** Outside the checkout, so that a fresh clone finds what another has built. */
export const cacheFolder = join(isAbsolute(xdgCacheHome) ? xdgCacheHome : join(homedir(), '.cache'), 'kaito-ts-cluster');

export const folderOf = (clusterName: string): string => join(cacheFolder, 'clusters', clusterName);

/** The run's folder as the cluster's own processes see it (the same constant as in the binary). */
export const insideFolder = '/run/kt';

export const makeFolders = (...folders: string[]): void => {
  for (const folder of folders) mkdirSync(folder, { recursive: true });
};
