import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { makeGroup, missingControllers, removeGroup, rootOf } from './cgroups.ts';
import { cacheFolder } from './files.ts';
import { withLock } from './lock.ts';
import { findProgram, runTool, wordsOf } from './tools.ts';

export const cniPlugins = '/usr/lib/cni';

/** What Debian calls the package, and a program that shows it is there. */
const packages = {
  containerd: 'containerd',
  runc: 'runc',
  'containernetworking-plugins': `${cniPlugins}/ptp`,
  'busybox-static': 'busybox',
  iptables: 'iptables',
  iproute2: 'ip',
  'util-linux': 'nsenter',
  skopeo: 'skopeo',
  curl: 'curl', // Images for pods are made of it, as of skopeo.
  'docker-registry': 'docker-registry',
} as const;

const missingPackages = (): string[] =>
  Object.entries(packages)
    .filter(([name, file]) => {
      const found = findProgram(file);
      return found === undefined || (name === 'busybox-static' && !isStatic(found));
    })
    .map(([name]) => name);

/** A program that needs no loader, and so runs in an image without libraries. */
const isStatic = (file: string): boolean => !/\/lib[^\0]*\/ld-[^\0]+\0/u.test(readFileSync(file).toString('latin1'));

/** Why a real cluster cannot run here, each the end of a sentence; empty when it can. Nothing is changed by asking. */
const unmetRequirements = async (): Promise<string[]> => {
  if (process.platform !== 'linux') return [`Linux (this is ${process.platform}), since its nodes are containers of this machine's own kernel.`];
  const unmet: string[] = [];
  const isRoot = process.getuid?.() === 0;
  if (!isRoot) unmet.push('root, for mounts, namespaces and control groups: run it with sudo.');
  unmet.push(...(await unmetByGo()));
  const packagesToInstall = missingPackages();
  if (packagesToInstall.length > 0 && findProgram('apt-get') === undefined) {
    unmet.push(`the programs of Debian's packages ${packagesToInstall.join(', ')}, and apt-get to install them is not here: install them by hand.`);
  }
  const controllers = missingControllers();
  if (controllers.length > 0) unmet.push(`the control group controllers ${controllers.join(', ')} in /sys/fs/cgroup.`);
  return isRoot && controllers.length === 0 ? [...unmet, ...(await unmetByTrying())] : unmet;
};

/** The first that fetches the newer one which the modules ask for. */
const oldestGo = { major: 1, minor: 21 };

const unmetByGo = async (): Promise<string[]> => {
  const needed = `Go ${oldestGo.major}.${oldestGo.minor} or newer`;
  const why = 'since Kubernetes is built from its Go modules: https://go.dev/dl';
  if (findProgram('go') === undefined) return [`${needed}, ${why}.`];
  const version = await runTool(['go', 'env', 'GOVERSION'], { cwd: '/', env: { GOTOOLCHAIN: 'local' } }).catch(() => 'one that does not start');
  const [, major, minor] = /^go(\d+)\.(\d+)/u.exec(version) ?? [];
  const isNewEnough = Number(major) > oldestGo.major || (Number(major) === oldestGo.major && Number(minor) >= oldestGo.minor);
  return isNewEnough ? [] : [`${needed} (${findProgram('go')} is ${version.replace('go', '')}), ${why}.`];
};

const unmetByTrying = async (): Promise<string[]> => [
  ...(await unmetByDisk()),
  ...(await failureOf('control groups that it may write', makeAndRemoveGroup)),
  ...(await failureOf(`a disk for ${cacheFolder} on which overlayfs can write (in a container a volume, which XDG_CACHE_HOME may name)`, tryOverlay)),
  ...(await failureOf('mount, network and process namespaces', () => runTool(['unshare', '--mount', '--net', '--pid', '--fork', 'true']))),
  ...(findProgram('iptables') === undefined ? [] : await failureOf('iptables with address translation and statistics in this kernel, for Services', tryRules)),
];

const failureOf = async (what: string, attempt: () => Promise<unknown>): Promise<string[]> => {
  try {
    await attempt();
    return [];
  } catch (error) {
    return [`${what} (${wordsOf(error)}).`];
  }
};

const makeAndRemoveGroup = async (): Promise<void> => {
  const group = rootOf(`probe-${process.pid}`);
  try {
    makeGroup(`${group}/below`);
  } finally {
    await removeGroup(group);
  }
};

/** For what etcd, the images of nodes and the registries take; some of them end without a word when the disk is full. */
const neededMebibytes = 2048;

const unmetByDisk = async (): Promise<string[]> => {
  await mkdir(cacheFolder, { recursive: true });
  const { bavail, bsize } = await statfs(cacheFolder);
  const freeMebibytes = Math.floor((bavail * bsize) / 2 ** 20);
  return freeMebibytes >= neededMebibytes ? [] : [`${neededMebibytes} MiB free in ${cacheFolder} (there are ${freeMebibytes}): make room there, or name another place with XDG_CACHE_HOME.`];
};

/** As containerd lays the layers of images over each other. A container's own disk is such a stack already, and takes no other. */
const tryOverlay = async (): Promise<void> => {
  const folder = await mkdtemp(join(cacheFolder, 'probe-'));
  try {
    for (const name of ['lower', 'upper', 'work', 'merged']) await mkdir(join(folder, name));
    // By relative names: commas and colons in a path would be read as options.
    await runTool(['unshare', '--mount', 'mount', '-t', 'overlay', '-o', 'lowerdir=lower,upperdir=upper,workdir=work', 'overlay', 'merged'], { cwd: folder });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

const tryRules = (): Promise<string> => {
  const rule = ['-A', 'POSTROUTING', '-m', 'comment', '--comment', 'probe', '-m', 'statistic', '--mode', 'random', '--probability', '0.5', '-j', 'MASQUERADE'];
  return runTool(['unshare', '--net', 'iptables', '-t', 'nat', ...rule]);
};

/** Installs what is missing of Debian's packages; the answer is as of `unmetRequirements`, some of which can be tried only then. */
export const provideRequirements = async (report: (line: string) => void): Promise<string[]> => {
  const unmet = await unmetRequirements();
  if (unmet.length > 0 || missingPackages().length === 0) return unmet;
  try {
    await withLock('packages', 25 * 60_000, () => installPackages(missingPackages(), report)); // Another process may have installed them meanwhile.
  } catch (error) {
    return [(error as Error).message];
  }
  const stillMissing = missingPackages();
  if (stillMissing.length > 0) return [`the programs of Debian's packages ${stillMissing.join(', ')}, which apt-get has installed, but they are not where they belong: apt-get install --reinstall ${stillMissing.join(' ')}`];
  return unmetRequirements();
};

const installPackages = async (packagesToInstall: readonly string[], report: (line: string) => void): Promise<void> => {
  if (packagesToInstall.length === 0) return;
  const names = packagesToInstall.join(' ');
  report(`Installing ${names} with apt-get …`);
  // A machine that has just started may be busy with updates of its own.
  const apt = (...words: string[]) => runTool(['apt-get', '-qq', '-o', 'DPkg::Lock::Timeout=300', ...words], { env: { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' }, timeoutMs: 10 * 60_000 });
  // Lists that cannot be fetched matter only when a package is not found for it.
  const complaint = await apt('-o', 'APT::Update::Error-Mode=any', 'update').then(() => '', wordsOf);
  try {
    await apt('install', '-y', '--no-install-recommends', ...packagesToInstall);
  } catch (error) {
    const words = `${complaint}\n${wordsOf(error)}`.split('\n').filter((line) => line !== '');
    throw new Error(`the programs of Debian's packages ${packagesToInstall.join(', ')}, which could not be installed:\n${words.map((line) => `    ${line}`).join('\n')}\n  Mend that, or install them by hand: apt-get install ${names}`, { cause: error });
  }
};
