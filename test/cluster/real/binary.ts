import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder, makeFolders } from './files.ts';
import { withLock } from './lock.ts';
import { runTool } from './tools.ts';

const sources = fileURLToPath(new URL('kube/', import.meta.url));

// Without the stamp the servers and nodes would call themselves v0.0.0-master.
const kubernetesVersion = 'v1.36.3';
const [major, minor] = kubernetesVersion.slice(1).split('.');
const stamp = Object.entries({ gitVersion: kubernetesVersion, gitMajor: major, gitMinor: minor })
  .map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)
  .join(' ');

/** Built once for its sources; minutes from a cold Go cache, seconds from a warm one. */
export const buildBinary = async (report: (line: string) => void): Promise<string> => {
  const hash = createHash('sha256').update(stamp);
  for (const file of readdirSync(sources).toSorted()) hash.update(file).update(readFileSync(join(sources, file)));
  const folder = join(cacheFolder, 'bin', hash.digest('hex').slice(0, 16));
  const binary = join(folder, 'kube');
  if (existsSync(binary)) return binary;
  return withLock('build', 30 * 60_000, async () => {
    if (existsSync(binary)) return binary;
    report(`Building Kubernetes ${kubernetesVersion} with etcd and CoreDNS (once; about 6 minutes when Go has built none of it before) …`);
    makeFolders(folder);
    const unfinished = `${binary}.unfinished`;
    await runTool(['go', 'build', '-trimpath', '-buildvcs=false', `-ldflags=-s -w ${stamp}`, '-o', unfinished, '.'], {
      cwd: sources,
      env: { CGO_ENABLED: '0', GOFLAGS: '-mod=readonly', GOTOOLCHAIN: 'auto' },
      timeoutMs: 30 * 60_000,
    });
    renameSync(unfinished, binary);
    forgetOldBuilds(join(cacheFolder, 'bin'));
    return binary;
  });
};

const keptBuilds = 4;

const forgetOldBuilds = (folder: string): void => {
  const byAge = readdirSync(folder).toSorted((a, b) => statSync(join(folder, b)).mtimeMs - statSync(join(folder, a)).mtimeMs);
  for (const old of byAge.slice(keptBuilds)) rmSync(join(folder, old), { recursive: true, force: true });
};
