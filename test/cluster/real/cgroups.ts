import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { patienceMs, waitFor } from './waiting.ts';

const mountPoint = '/sys/fs/cgroup';

/** Controllers without which a kubelet does not start. */
const neededControllers = ['cpu', 'cpuset', 'memory', 'pids'];

/** Beside the trees of version 1 there may be one of version 2 without controllers, where runc makes groups too. */
type Hierarchies = { version: 1; folders: Readonly<Record<string, string>>; unified: readonly string[] } | { version: 2; folder: string };

/** Version 2 has one tree for all controllers, version 1 a tree for each. */
const hierarchies = (): Hierarchies => {
  if (existsSync(join(mountPoint, 'cgroup.controllers'))) return { version: 2, folder: mountPoint };
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, folder]) => folder?.startsWith(mountPoint) === true);
  const foldersOf = (wanted: string) => mounts.flatMap(([, folder = '', kind]) => (kind === wanted && existsSync(join(folder, 'cgroup.procs')) ? [folder] : []));
  return {
    version: 1,
    folders: Object.fromEntries(foldersOf('cgroup').map((folder) => [folder.slice(mountPoint.length + 1), folder])),
    unified: foldersOf('cgroup2'),
  };
};

export const missingControllers = (): string[] => {
  const found = hierarchies();
  const names = found.version === 2 ? readFileSync(join(found.folder, 'cgroup.controllers'), 'utf8').trim().split(' ') : Object.keys(found.folders).flatMap((name) => name.split(','));
  return neededControllers.filter((name) => !names.includes(name));
};

const treesOf = (found: Hierarchies): string[] => (found.version === 2 ? [found.folder] : [...Object.values(found.folders), ...found.unified]);

export const rootOf = (clusterName: string): string => `kaito-ts-${clusterName}`;

/**
 * Makes the control group in every tree. Kubelets that shared one would end each other's pods, and the processes in a
 * node's groups are how everything of a node is found when the node is to go.
 */
export const makeGroup = (group: string): void => {
  const found = hierarchies();
  if (found.version === 2) {
    enableControllers(found.folder, group);
    return;
  }
  for (const [controllers, tree] of Object.entries(found.folders)) {
    mkdirSync(join(tree, group), { recursive: true });
    if (controllers.split(',').includes('cpuset')) fillCpuset(tree, group);
  }
};

/** Version 2 gives a group only the controllers that its parent hands down. */
const enableControllers = (tree: string, group: string): void => {
  let folder = tree;
  for (const part of group.split('/')) {
    const available = readFileSync(join(folder, 'cgroup.controllers'), 'utf8').trim().split(' ');
    handDown(available, folder, tree);
    folder = join(folder, part);
    mkdirSync(folder, { recursive: true });
  }
};

/**
 * Refused for a group that has processes itself; only the machine's own root may have some, and a container's is not that.
 * All at once: after cpuset alone the kernel would take the group for one of threads, in which no process can be put.
 */
const handDown = (controllers: readonly string[], folder: string, tree: string): void => {
  try {
    writeFileSync(join(folder, 'cgroup.subtree_control'), controllers.map((name) => `+${name}`).join(' '));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EBUSY' || folder !== tree) throw error;
    throw new Error(`${tree} has processes itself, as in a container: mkdir ${tree}/init && xargs -rn1 < ${tree}/cgroup.procs > ${tree}/init/cgroup.procs`, { cause: error });
  }
};

/** A new cpuset is empty in version 1, and no process can be put into an empty one. */
const fillCpuset = (tree: string, group: string): void => {
  let folder = tree;
  for (const part of group.split('/')) {
    const parent = folder;
    folder = join(folder, part);
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      if (readFileSync(join(folder, file), 'utf8').trim() === '') writeFileSync(join(folder, file), readFileSync(join(parent, file), 'utf8').trim());
    }
  }
};

/** Folders whose `cgroup.procs` a process has to enter to be in the group. One tree is enough to find it again. */
export const foldersToJoin = (group: string): string[] => {
  const found = hierarchies();
  if (found.version === 2) return [join(found.folder, group)];
  const tree = found.folders['pids'] ?? Object.values(found.folders)[0];
  return tree === undefined ? [] : [join(tree, group)];
};

/** Ends what is in the group and below, and removes it from every tree. */
export const removeGroup = async (group: string): Promise<void> => {
  const folders = treesOf(hierarchies()).map((tree) => join(tree, group));
  await waitFor(
    `an empty control group ${group}`,
    patienceMs,
    async () => {
      for (const folder of folders) endAll(folder);
      return folders.every((folder) => removeTree(folder));
    },
    () => `Still there: ${folders.filter((folder) => existsSync(folder)).join(', ')}`,
  );
};

const endAll = (folder: string): void => {
  for (const child of childrenOf(folder)) endAll(child);
  for (const pid of processesIn(folder)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended meanwhile.
    }
  }
};

/** Ids of 0 are processes of a namespace that this one cannot see into. */
const processesIn = (folder: string): number[] => {
  try {
    return readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n').map(Number).filter((pid) => pid > 0);
  } catch {
    return [];
  }
};

const childrenOf = (folder: string): string[] => {
  try {
    return readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
  } catch {
    return [];
  }
};

const removeTree = (folder: string): boolean => {
  for (const child of childrenOf(folder)) removeTree(child);
  try {
    rmdirSync(folder);
  } catch {
    // Processes that were just ended still count for a moment.
  }
  return !existsSync(folder);
};
