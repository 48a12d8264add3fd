import { setTimeout as pause } from 'node:timers/promises';
import { CoreV1Api, KubeConfig, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { findVmSize } from '../../../src/sandbox/arm/vm-sizes.ts';
import type { AgentPoolResource, PoolListener } from '../../../src/sandbox/arm/world.ts';
import { createNode, type NodePlace, nodeName, parseTaint, scaleSetName } from '../../../src/sandbox/controllers/node-object.ts';
import { toNodePool } from '../../../src/sandbox/controllers/nodes.ts';
import type { RealCluster } from '../real/cluster.ts';
import { startNode, stopNode } from '../real/nodes.ts';

/** A label that a kubelet may not give to its own node: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction */
const forbiddenLabel = 'kubernetes.io/role';

const drainMs = 90_000;

export interface PoolNodes extends PoolListener {
  /** Nodes that were started here and have not been stopped. */
  names(): readonly string[];
  /** Stops them all, whatever runs on them. */
  stopAll(): Promise<void>;
}

/** What nodes wait for: a new one before its kubelet starts, one of a deleted pool before it is drained. */
export interface PoolNodeOptions {
  joinDelayMs?: number;
  mayJoin?: Promise<void>;
  leaveDelayMs?: number;
}

/** Makes the nodes of this cluster what its agent pools say. */
export const createPoolNodes = (cluster: RealCluster, place: NodePlace, { joinDelayMs = 0, mayJoin, leaveDelayMs = 0 }: PoolNodeOptions): PoolNodes => {
  const started = new Set<string>();
  const kubeconfig = new KubeConfig();
  kubeconfig.loadFromFile(cluster.kubeconfigFile);
  const core = kubeconfig.makeApiClient(CoreV1Api);

  const nodesOf = async (pool: string): Promise<string[]> => {
    const { items } = await core.listNode({ labelSelector: `agentpool=${pool}` });
    return items.flatMap(({ metadata }) => metadata?.name ?? []).toSorted();
  };

  const stop = async (name: string): Promise<void> => {
    await stopNode(cluster, name, { drainMs });
    started.delete(name);
  };

  const start = async (pool: AgentPoolResource, index: number, signal: AbortSignal): Promise<void> => {
    const { metadata, spec } = createNode(toNodePool(pool), index, place, new Date());
    const { name, labels: { [forbiddenLabel]: _, ...labels } } = metadata;
    started.add(name);
    await mayJoin;
    if (signal.aborted) return void started.delete(name);
    await startNode(cluster, { name, labels, taints: (pool.properties.nodeTaints ?? []).map(parseTaint), gpuCount: findVmSize(pool.properties.vmSize)?.gpuCount ?? 0, joinDelayMs });
    // The cloud's controller does this, not the kubelet.
    await core.patchNode({ name, body: { spec: { providerID: spec.providerID } } }, setHeaderOptions('Content-Type', PatchStrategy.MergePatch));
    // A pool that was deleted while its nodes came may not have seen this one.
    if (signal.aborted) await stop(name);
  };

  return {
    names: () => [...started],
    async stopAll() {
      await Promise.all([...started].map(async (name) => await stopNode(cluster, name)));
    },
    async created(pool, _managedCluster, signal) {
      const { count } = pool.properties;
      const existing = await nodesOf(pool.name);
      await Promise.all(existing.slice(count).map(stop));
      const scaleSet = scaleSetName(pool.name, place);
      const missing = Array.from({ length: existing.length + count }, (_, index) => index)
        .filter((index) => !existing.includes(nodeName(scaleSet, index)))
        .slice(0, Math.max(0, count - existing.length));
      await Promise.all(missing.map((index) => start(pool, index, signal)));
    },
    async deleted(pool) {
      await pause(leaveDelayMs);
      await Promise.all((await nodesOf(pool.name)).map(stop));
    },
  };
};
