import { accessSync, constants, existsSync } from 'node:fs';
import { mkdir, rmdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { missingControllers } from './cgroups.ts';

export const cniPlugins = '/usr/lib/cni';

/** What Debian calls the package, and a file or program that shows it is there. */
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

/** Some tools lie where only an administrator's PATH looks. */
const searchPath = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/go/bin', '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'];

export const findProgram = (name: string): string | undefined => searchPath.map((folder) => join(folder, name)).find((file) => isExecutable(file));

const isExecutable = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

const missingPackages = (): string[] =>
  Object.entries(packages)
    .filter(([, file]) => (file.startsWith('/') ? !existsSync(file) : findProgram(file) === undefined))
    .map(([name]) => name);

/** Why a real cluster cannot run here, a sentence each; empty when it can. Nothing is changed by asking. */
export const unmetRequirements = async (): Promise<string[]> => {
  if (process.platform !== 'linux') return [`Linux (this is ${process.platform}), since the cluster's nodes are containers of this machine's own kernel.`];
  const unmet: string[] = [];
  if (process.getuid?.() !== 0) unmet.push('root, since nodes need mounts, namespaces and control groups: run it with sudo.');
  if (findProgram('go') === undefined) unmet.push('Go 1.26 or newer on the PATH, since Kubernetes is built from its modules: https://go.dev/dl.');
  const packagesToInstall = missingPackages();
  if (packagesToInstall.length > 0 && findProgram('apt-get') === undefined) {
    unmet.push(`these programs, which it can install only with Debian's apt: ${packagesToInstall.join(', ')}.`);
  }
  const controllers = missingControllers();
  if (controllers.length > 0) unmet.push(`the control group controllers ${controllers.join(', ')} under /sys/fs/cgroup.`);
  else if (process.getuid?.() === 0) unmet.push(...(await unmetByTrying()));
  return unmet;
};

const unmetByTrying = async (): Promise<string[]> => {
  const unmet: string[] = [];
  const probe = '/sys/fs/cgroup/pids/kaito-ts-probe';
  const folder = existsSync('/sys/fs/cgroup/cgroup.controllers') ? probe.replace('/pids', '') : probe;
  try {
    await mkdir(folder);
    await rmdir(folder);
  } catch (error) {
    unmet.push(`control groups that it may write (${(error as Error).message}).`);
  }
  const namespaces = await execa('unshare', ['--mount', '--net', '--pid', '--fork', 'true'], { reject: false });
  if (namespaces.failed) unmet.push(`mount, network and process namespaces (${namespaces.stderr.trim()}).`);
  return unmet;
};

export const installPackages = async (report: (line: string) => void): Promise<void> => {
  const missing = missingPackages();
  if (missing.length === 0) return;
  report(`Installing ${missing.join(', ')} from Debian …`);
  const options = { env: { DEBIAN_FRONTEND: 'noninteractive' }, timeout: 10 * 60_000 };
  await execa('apt-get', ['update', '-qq'], options);
  await execa('apt-get', ['install', '-qq', '-y', '--no-install-recommends', ...missing], options);
};

/** Iptables as an error message is more use than as kube-proxy's log. */
export const checkIptables = async (): Promise<void> => {
  const tried = await execa('unshare', ['--net', 'iptables', '-t', 'nat', '-A', 'POSTROUTING', '-m', 'comment', '--comment', 'probe', '-m', 'statistic', '--mode', 'random', '--probability', '0.5', '-j', 'MASQUERADE'], { reject: false });
  if (tried.failed) throw new Error(`A real cluster needs iptables with NAT, comments and statistics in this kernel, for Services (${tried.stderr.trim()}).`);
};
