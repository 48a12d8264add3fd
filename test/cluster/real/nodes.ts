import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { addressesOf } from './addresses.ts';
import { askApi } from './api.ts';
import type { RealCluster } from './cluster.ts';
import { logOf } from './logs.ts';
import { emptyDisk, fillDisk, nodeCommand, type NodeFiles, type NodeSettings, prepareNode, removeNode, startRuntime } from './node.ts';
import { changeState, readState, type State } from './state.ts';
import { listProcesses, startProcess } from './supervisor.ts';
import { patienceMs, waitFor } from './waiting.ts';

export interface NodeOptions {
  name: string;
  labels?: Readonly<Record<string, string>>;
  taints?: NodeSettings['taints'];
  /** Offered as `nvidia.com/gpu` by a device plugin. */
  gpuCount?: number;
  /** A machine that takes its time to start. */
  joinDelayMs?: number;
  /** Thresholds below which pods are evicted; by default only a nearly full machine reaches them. */
  evictionHard?: Readonly<Record<string, string>>;
  /** A disk of its own for what pods write, kept in memory; `fillDiskOf` fills it. */
  diskMebibytes?: number;
}

export interface RealNode {
  name: string;
  address: string;
}

const defaultEviction = { 'memory.available': '100Mi', 'nodefs.available': '1%', 'imagefs.available': '1%', 'nodefs.inodesFree': '1%' };

/** A kubelet and its containerd. Resolves when the node is Ready and its GPUs can be asked for. */
export const startNode = async (cluster: RealCluster, options: NodeOptions): Promise<RealNode> => {
  const { name, labels = {}, taints = [], gpuCount = 0, joinDelayMs = 0, evictionHard = defaultEviction, diskMebibytes } = options;
  const settings: NodeSettings = { labels, taints, gpuCount, evictionHard, ...(diskMebibytes === undefined ? {} : { diskMebibytes }) };
  const files = await changeState(cluster.name, (state) => noteNode(state, cluster.folder, name, settings));
  try {
    await pause(joinDelayMs);
    await prepareNode(files, settings);
    await startRuntime(files, settings);
    await startProcess(files.folder, nodeCommand('kubelet', files, settings));
    if (gpuCount > 0) await startProcess(files.folder, nodeCommand('device-plugin', files, settings));
    await waitUntilReady(files, settings);
  } catch (error) {
    await stopNode(cluster, name);
    throw error;
  }
  return { name, address: files.address };
};

export interface StopOptions {
  /** Pods get this long to end by themselves, as a drained node's do; 0 is a node that vanishes. */
  drainMs?: number;
}

/** Drains the node, ends all that runs on it and deletes its Node. No such node is fine. */
export const stopNode = async (cluster: RealCluster, name: string, { drainMs = 0 }: StopOptions = {}): Promise<void> => {
  const state = readState(cluster.name);
  const files = state === undefined ? undefined : filesOf(state, cluster.folder, name);
  if (files === undefined) return;
  if (drainMs > 0) await drain(files, drainMs);
  await removeNode(files);
  await askApi(files.folder, files.server, 'DELETE', `/api/v1/nodes/${name}`).catch(() => undefined);
  await changeState(cluster.name, (changing) => {
    delete changing.nodes[name];
  });
};

/** Makes its disk as full as a careless pod would, until the returned function is called. */
export const fillDiskOf = async (cluster: RealCluster, name: string, mebibytes: number): Promise<() => Promise<void>> => {
  const state = readState(cluster.name);
  const files = state && filesOf(state, cluster.folder, name);
  if (files === undefined) throw new Error(`The cluster ${cluster.name} has no node ${name}.`);
  await fillDisk(files, mebibytes);
  return async () => void (await emptyDisk(files));
};

export const filesOf = (state: State, folder: string, node: string): NodeFiles | undefined => {
  const found = state.nodes[node];
  const addresses = addressesOf(state.block);
  return found === undefined ? undefined : { cluster: state.name, folder, node, address: addresses.node(found.index), server: addresses.server };
};

const noteNode = (state: State, folder: string, name: string, settings: NodeSettings): NodeFiles => {
  if (state.nodes[name] !== undefined) throw new Error(`The cluster ${state.name} has a node ${name} already.`);
  const indexes = new Set(Object.values(state.nodes).map(({ index }) => index));
  const index = Array.from({ length: 250 }, (_, candidate) => candidate + 1).find((candidate) => !indexes.has(candidate));
  if (index === undefined) throw new Error(`The cluster ${state.name} has no address left for the node ${name}.`);
  state.nodes[name] = { ...settings, index };
  const files = filesOf(state, folder, name);
  if (files === undefined) throw new Error(`The node ${name} was not noted.`);
  return files;
};

interface NodeObject {
  status?: { conditions?: { type: string; status: string; lastHeartbeatTime: string }[]; allocatable?: Record<string, string> };
}

const isReady = ({ status: { conditions = [], allocatable = {} } = {} }: NodeObject, gpuCount: number, sinceMs = 0): boolean =>
  Number(allocatable['nvidia.com/gpu'] ?? 0) === gpuCount &&
  // Times in conditions are whole seconds.
  conditions.some(({ type, status, lastHeartbeatTime }) => type === 'Ready' && status === 'True' && Date.parse(lastHeartbeatTime) + 1000 > sinceMs);

const waitUntilReady = (files: NodeFiles, { gpuCount }: NodeSettings): Promise<boolean> =>
  waitFor(
    `the node ${files.node} to be Ready`,
    patienceMs,
    async () => {
      await refuseEnded(files);
      return isReady(await readNode(files), gpuCount);
    },
    () => logOf(files.folder, `kubelet:${files.node}`),
  );

const refuseEnded = async ({ folder, node }: NodeFiles): Promise<void> => {
  const processes = await listProcesses(folder);
  for (const component of [`kubelet:${node}`, `containerd:${node}`]) {
    const found = processes.find(({ name }) => name === component);
    if (found?.running !== true) throw new Error(`${component} ended (${found?.status ?? 'it was never started'}).\n${logOf(folder, component)}`);
  }
};

const readNode = async ({ folder, server, node }: NodeFiles): Promise<NodeObject> => (await askApi(folder, server, 'GET', `/api/v1/nodes/${node}`)).body as NodeObject;

/** How often the device plugin has told a kubelet of its devices. */
export const registrationsOf = ({ folder, node }: NodeFiles): number => {
  const file = join(folder, 'log', `device-plugin-${node}.log`);
  return existsSync(file) ? readFileSync(file, 'utf8').split('registered ').length - 1 : 0;
};

/** A kubelet that starts again knows nothing of its devices until they are registered again: until then it turns pods away. */
export const waitUntilBack = (files: NodeFiles, gpuCount: number, registrations: number, sinceMs: number): Promise<boolean> =>
  waitFor(
    `the node ${files.node} to be Ready again`,
    patienceMs,
    async () => {
      await refuseEnded(files);
      return (gpuCount === 0 || registrationsOf(files) > registrations) && isReady(await readNode(files), gpuCount, sinceMs);
    },
    () => logOf(files.folder, `kubelet:${files.node}`),
  );

interface PodList {
  items: { metadata: { name: string; namespace: string; ownerReferences?: { kind: string }[] } }[];
}

const drain = async ({ folder, server, node }: NodeFiles, drainMs: number): Promise<void> => {
  const until = Date.now() + drainMs;
  await askApi(folder, server, 'PATCH', `/api/v1/nodes/${node}`, { spec: { unschedulable: true } });
  const podsLeft = async () => ((await askApi(folder, server, 'GET', `/api/v1/pods?fieldSelector=spec.nodeName%3D${node}`)).body as PodList).items;
  for (const { metadata } of await podsLeft()) await askApi(folder, server, 'DELETE', `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`);
  while (Date.now() < until && (await podsLeft()).length > 0) await pause(100);
};

