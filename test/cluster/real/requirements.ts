import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rmdir } from 'node:fs/promises';
import { missingControllers } from './cgroups.ts';
import { withLock } from './lock.ts';
import { findProgram, runTool } from './tools.ts';

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
export const unmetRequirements = async (): Promise<string[]> => {
  if (process.platform !== 'linux') return [`Linux (this is ${process.platform}), since its nodes are containers of this machine's own kernel.`];
  const unmet: string[] = [];
  const isRoot = process.getuid?.() === 0;
  if (!isRoot) unmet.push('root, for mounts, namespaces and control groups: run it with sudo.');
  if (findProgram('go') === undefined) unmet.push('Go 1.21 or newer, since Kubernetes is built from its Go modules: https://go.dev/dl.');
  const packagesToInstall = missingPackages();
  if (packagesToInstall.length > 0 && findProgram('apt-get') === undefined) {
    unmet.push(`the programs of Debian's packages ${packagesToInstall.join(', ')}, and apt-get to install them is not here: install them by hand.`);
  }
  const controllers = missingControllers();
  if (controllers.length > 0) unmet.push(`the control group controllers ${controllers.join(', ')} in /sys/fs/cgroup.`);
  return isRoot && controllers.length === 0 ? [...unmet, ...(await unmetByTrying())] : unmet;
};

const unmetByTrying = async (): Promise<string[]> => [
  ...(await failureOf('control groups that it may write', makeAndRemoveGroup)),
  ...(await failureOf('mount, network and process namespaces', () => runTool(['unshare', '--mount', '--net', '--pid', '--fork', 'true']))),
  ...(findProgram('iptables') === undefined ? [] : await failureOf('iptables with address translation and statistics in this kernel, for Services', tryRules)),
];

const failureOf = async (what: string, attempt: () => Promise<unknown>): Promise<string[]> => {
  try {
    await attempt();
    return [];
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    return [`${what} (${(stderr ?? message).trim()}).`];
  }
};

const makeAndRemoveGroup = async (): Promise<void> => {
  const tree = existsSync('/sys/fs/cgroup/cgroup.controllers') ? '/sys/fs/cgroup' : '/sys/fs/cgroup/pids';
  const folder = `${tree}/kaito-ts-probe-${process.pid}`;
  await mkdir(folder);
  await rmdir(folder);
};

const tryRules = (): Promise<string> => {
  const rule = ['-A', 'POSTROUTING', '-m', 'comment', '--comment', 'probe', '-m', 'statistic', '--mode', 'random', '--probability', '0.5', '-j', 'MASQUERADE'];
  return runTool(['unshare', '--net', 'iptables', '-t', 'nat', ...rule]);
};

/** Whether there was anything to install. */
export const installPackages = async (report: (line: string) => void): Promise<boolean> => {
  if (missingPackages().length === 0) return false;
  return withLock('packages', 15 * 60_000, async () => {
    const missing = missingPackages(); // Another `up` may have installed them meanwhile.
    if (missing.length === 0) return true;
    report(`Installing ${missing.join(', ')} with apt-get …`);
    const options = { env: { DEBIAN_FRONTEND: 'noninteractive' }, timeoutMs: 10 * 60_000 };
    await runTool(['apt-get', 'update', '-qq'], options);
    await runTool(['apt-get', 'install', '-qq', '-y', '--no-install-recommends', ...missing], options);
    return true;
  });
};
