import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from './files.ts';

/**
 * Every kubelet, containerd and API server watches files, and a user may have only 128 watchers on many machines: with
 * three clusters, nodes fail in ways that do not name the reason. The limit is the machine's, so it is raised for as long
 * as there is a cluster. Both are called while nobody else starts or ends one.
 */
const limitFile = '/proc/sys/fs/inotify/max_user_instances';
const before = join(cacheFolder, 'max-user-instances-before');
const wanted = 2048;

const limit = (): number => Number(readFileSync(limitFile, 'utf8'));

export const raiseWatchLimit = (): void => {
  if (limit() >= wanted) return;
  writeFileSync(before, String(limit()));
  writeFileSync(limitFile, String(wanted));
};

/** Once the last cluster is gone. */
export const restoreWatchLimit = (): void => {
  const clusters = join(cacheFolder, 'clusters');
  if (!existsSync(before) || (existsSync(clusters) && readdirSync(clusters).length > 0)) return;
  if (limit() === wanted) writeFileSync(limitFile, readFileSync(before, 'utf8'));
  rmSync(before, { force: true });
};
