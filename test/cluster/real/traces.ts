import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { addressesOf } from './addresses.ts';
import { rootOf } from './cgroups.ts';
import { folderOf } from './files.ts';
import { readState } from './state.ts';
import { runTool } from './tools.ts';
import { findSupervisor, hasEnded } from './supervisor.ts';

/** How a cluster can be told in what the machine shows. Learned while it is up, good for after. */
export interface Marks {
  name: string;
  folder: string;
  /** The first part of its addresses, and its interface on this machine. */
  network: string;
  interface: string;
  namespaces: ReadonlySet<string>;
}

const namespaceKinds = ['pid', 'net', 'mnt'] as const;

export const marksOf = (name: string): Marks => {
  const [state, supervisor] = [readState(name), findSupervisor(folderOf(name))];
  if (state === undefined || supervisor === undefined) throw new Error(`No cluster called ${name} is up.`);
  const { interface: link, pods } = addressesOf(state.block);
  return {
    name,
    folder: folderOf(name),
    network: pods.split('.').slice(0, 2).join('.'),
    interface: link,
    namespaces: new Set(namespaceKinds.map((kind) => readlinkSync(`/proc/${supervisor}/ns/${kind}`))),
  };
};

/** Everything of the cluster that this machine shows, a line each. Below its namespaces nothing can hide: a process has one. */
export const tracesOf = async ({ name, folder, network, interface: link, namespaces }: Marks): Promise<string[]> => {
  const ours = (text: string) => text.split('\n').filter((line) => line.includes(folder) || line.includes(`${network}.`) || line.includes(rootOf(name)) || line.split(/[\s:@]/u).includes(link));
  const tool = (...command: [string, ...string[]]) => runTool(command);
  return [
    ...processesIn(namespaces, folder, name),
    ...ours(readFileSync('/proc/self/mounts', 'utf8')).map((line) => `mount ${line}`),
    ...ours(await tool('ip', '-oneline', 'link')).map((line) => `link ${line}`),
    ...ours(await tool('ip', '-oneline', 'address')).map((line) => `address ${line}`),
    ...ours(await tool('ip', 'route', 'show', 'table', 'all')).map((line) => `route ${line}`),
    ...ours(await tool('iptables-save')).map((line) => `rule ${line}`),
    ...groupsOf(name).map((group) => `control group ${group}`),
    ...(existsSync(folder) ? [`folder ${folder}`] : []),
  ];
};

const processesIn = (namespaces: ReadonlySet<string>, folder: string, name: string): string[] =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/u.test(entry))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        if (hasEnded(Number(pid))) return []; // It is only kept until its parent asks how it ended.
        const isInside = namespaceKinds.some((kind) => namespaces.has(readlinkSync(`/proc/${pid}/ns/${kind}`)));
        const isOurs = command.includes(folder) || (isInside && !isOfAnother(pid, name));
        return isOurs ? [`process ${pid} ${command}`] : [];
      } catch {
        return []; // It ended meanwhile.
      }
    });

/** The number of a namespace that is gone is soon given to a new one, such as that of another cluster's pod. */
const isOfAnother = (pid: string, name: string): boolean =>
  readFileSync(`/proc/${pid}/cgroup`, 'utf8')
    .split(/[/\n]/u)
    .some((part) => part.startsWith(rootOf('')) && part !== rootOf(name));

const groupsOf = (name: string): string[] =>
  ['/sys/fs/cgroup', ...readdirSync('/sys/fs/cgroup').map((tree) => `/sys/fs/cgroup/${tree}`)].map((tree) => `${tree}/${rootOf(name)}`).filter((group) => existsSync(group));

/** What a cluster must not change on the machine, whichever clusters are up. */
export const sharedSettings = async (): Promise<Record<string, string>> => {
  const files = ['kernel/panic', 'kernel/panic_on_oops', 'vm/overcommit_memory', 'vm/panic_on_oom', 'net/ipv4/ip_forward'];
  const rules = await runTool(['iptables-save']);
  return {
    rules: rules.split('\n').filter((line) => !line.startsWith('#')).map((line) => line.replace(/\[\d+:\d+\]/u, '')).join('\n'),
    // Registries of clusters that others start meanwhile have marked lines there.
    hosts: readFileSync('/etc/hosts', 'utf8').split('\n').filter((line) => !line.includes('# kaito-ts test cluster ')).join('\n'),
    places: ['/var/lib/kubelet', '/var/lib/cni', '/var/log/pods', '/var/log/containers', '/run/kt'].filter((path) => existsSync(path)).join(' '),
    ...Object.fromEntries(files.map((file) => [file, readFileSync(`/proc/sys/${file}`, 'utf8').trim()])),
  };
};

