import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { cacheFolder, makeFolders } from './files.ts';
import { toolEnvironment } from './tools.ts';

/**
 * Runs the work while no other process holds the lock of that name. The kernel lets go of it when the holder dies, so a
 * crash never leaves it locked.
 */
export const withLock = async <T>(name: string, timeoutMs: number, work: () => Promise<T>): Promise<T> => {
  const folder = join(cacheFolder, 'locks');
  makeFolders(folder);
  // The holder lives until its input ends, which is when we say so or when we are gone.
  const holder = spawn('flock', ['--exclusive', '--timeout', String(Math.ceil(timeoutMs / 1000)), join(folder, name), 'sh', '-c', 'echo held; cat'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true, // Ctrl-C is for us, and what we do then may need the lock.
    env: { ...process.env, ...toolEnvironment },
  });
  const ended = once(holder, 'exit');
  const held = await Promise.race([once(holder.stdout, 'data').then(() => true), ended.then(() => false)]);
  if (!held) throw new Error(`Another process kept the lock "${name}" (${folder}) for ${Math.round(timeoutMs / 1000)} s.`);
  try {
    return await work();
  } finally {
    holder.stdin.end();
    await ended;
  }
};
