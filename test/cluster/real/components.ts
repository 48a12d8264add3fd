import { addressesOf } from './addresses.ts';
import { foldersToJoin, rootOf } from './cgroups.ts';
import { type RealCluster, waitUntilServing } from './cluster.ts';
import { controlPlaneCommand, type ControlPlaneComponent, controlPlaneComponents } from './control-plane.ts';
import { insideFolder } from './files.ts';
import { nodeCommand, type NodeComponent, waitForRuntime } from './node.ts';
import { filesOf, registrationsOf, waitUntilBack } from './nodes.ts';
import { readState } from './state.ts';
import { runInside, startProcess, stopProcess } from './supervisor.ts';

/** A part of the control plane, or of one node. */
export type Component = ControlPlaneComponent | `${NodeComponent}:${string}`;

export interface StopComponentOptions {
  /** How long it may take to end by itself (an API server waits for its watches); 0 is a crash. */
  graceMs?: number;
}

/** Resolves when it is gone. Everything else goes on: containers of a node whose kubelet or containerd is stopped do. */
export const stopComponent = (cluster: RealCluster, component: Component, { graceMs = 3000 }: StopComponentOptions = {}): Promise<void> =>
  stopProcess(cluster.folder, component, graceMs);

/**
 * Starts it again as it was. Of the API server and containerd, resolves when they serve; of a kubelet, when the node is Ready anew and has
 * its GPUs. `extraFlags` are for this start only.
 */
export const startComponent = async (cluster: RealCluster, component: Component, extraFlags: readonly string[] = []): Promise<void> => {
  const command = commandOf(cluster, component);
  const state = requireState(cluster);
  const node = isOfControlPlane(component) ? undefined : filesOf(state, cluster.folder, component.slice(component.indexOf(':') + 1));
  const registrations = node === undefined ? 0 : registrationsOf(node);
  const startedAt = Date.now();
  await startProcess(cluster.folder, { ...command, argv: [...command.argv, ...extraFlags] });
  if (component === 'kube-apiserver') await waitUntilServing(cluster.folder, addressesOf(state.block).server);
  if (node !== undefined && component.startsWith('containerd:')) await waitForRuntime(node);
  if (node !== undefined && component.startsWith('kubelet:')) await waitUntilBack(node, state.nodes[node.node]?.gpuCount ?? 0, registrations, startedAt);
};

/**
 * Starts anew what watches through the API server. After each loss of it, client-go asks again later, up to a minute, and forgets that only
 * after two minutes of peace: tests that stop the API server do this at their end, so that those after them find controllers that act at once.
 */
export const restartControllers = async (cluster: RealCluster): Promise<void> => {
  for (const component of ['kube-controller-manager', 'kube-scheduler', 'kube-proxy', 'dns'] as const) {
    await stopComponent(cluster, component);
    await startComponent(cluster, component);
  }
};

const commandOf = (cluster: RealCluster, component: Component) => {
  const state = requireState(cluster);
  if (isOfControlPlane(component)) {
    return { ...controlPlaneCommand(component, addressesOf(state.block)), cgroups: foldersToJoin(`${rootOf(cluster.name)}/control-plane`) };
  }
  const [kind, node] = component.split(':') as [NodeComponent, string];
  const [files, settings] = [filesOf(state, cluster.folder, node), state.nodes[node]];
  if (files === undefined || settings === undefined) throw new Error(`The cluster ${cluster.name} has no node ${node}.`);
  return nodeCommand(kind, files, settings);
};

const isOfControlPlane = (component: Component): component is ControlPlaneComponent => (controlPlaneComponents as readonly string[]).includes(component);

const requireState = (cluster: RealCluster) => {
  const state = readState(cluster.name);
  if (state === undefined) throw new Error(`No cluster is called ${cluster.name}.`);
  return state;
};

/**
 * Makes etcd forget all revisions but the present one, and gives that one. The API server answers watches of older ones
 * from its own memory, unless it was started with `--watch-cache=false`.
 */
export const compactEtcd = async (cluster: RealCluster): Promise<number> =>
  Number(await runInside(cluster.folder, `${insideFolder}/kube`, 'compact', 'http://127.0.0.1:2379'));
