import { execFile } from 'node:child_process';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isOffline, toolEnvironment } from '../real/tools.ts';
import { cached, digestOfFolder } from './cache.ts';

const run = promisify(execFile);

/** Why the stand-in cannot be built and tried here; undefined when it can, and then it is built. */
export const whyNotBuilt = async (): Promise<string | undefined> => {
  if (process.platform !== 'linux') return 'it is a program for Linux';
  if (process.getuid?.() !== 0) return 'only root can change the root folder';
  try {
    await run('go', ['version'], { env: environment });
  } catch {
    return 'Go is not installed: https://go.dev/doc/install';
  }
  try {
    await buildKaitoBase();
    return undefined;
  } catch (error) {
    if (!isOffline(error)) throw error;
    return "Go's modules cannot be downloaded";
  }
};

/** Static, and the same bytes wherever it is built. */
const build = ['-trimpath', '-ldflags=-s -w'];
const environment = { ...process.env, ...toolEnvironment, CGO_ENABLED: '0', GOFLAGS: '', GOTOOLCHAIN: 'auto' };

const sources = join(import.meta.dirname, 'kaito-base');

/** The stand-in for the programs of KAITO's base image, built when its sources have changed. */
export const buildKaitoBase = async (): Promise<string> =>
  cached(`kaito-base-${(await digestOfFolder(sources)).slice(0, 16)}`, async (path) => {
    await run('go', ['build', ...build, '-o', path, '.'], { cwd: sources, env: environment });
  });

export const testKaitoBase = async (): Promise<void> => {
  await run('go', ['test', './...'], { cwd: sources, env: environment });
};

/** The oldest release that the Go module proxy has; it stands in for v1.2.2 too. */
const orasVersion = 'v1.2.3';

/** The real oras. */
export const buildOras = (): Promise<string> =>
  cached(`oras-${orasVersion}`, async (path) => {
    const folder = `${path}.bin`;
    await mkdir(folder, { recursive: true });
    await run('go', ['install', ...build, `oras.land/oras/cmd/oras@${orasVersion}`], { env: { ...environment, GOBIN: folder } });
    await rename(join(folder, 'oras'), path);
    await rm(folder, { recursive: true });
  });
