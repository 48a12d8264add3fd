import type { AgentPoolResource } from '../arm/world.ts';
import { findVmSize } from '../arm/vm-sizes.ts';
import type { SandboxClock } from '../clock.ts';
import type { Faults } from '../faults.ts';
import { type Store, toTimestamp } from '../kube/store.ts';
import { withCondition } from './conditions.ts';
import { createRecorder } from './events.ts';
import { drain } from './drain.ts';
import { createNode, nodeName, type NodePlace, type NodePool, notReadyTaints, scaleSetName } from './node-object.ts';
import type { Node } from './object-types.ts';
import { change, changeStatus, createIfPossible, find, list } from './objects.ts';

export type { NodePlace } from './node-object.ts';

interface World {
  store: Store;
  clock: SandboxClock;
}

/** How long things take on a good day. */
const machineMs = 4 * 60_000;
const readyMs = 60_000;
const devicePluginMs = 30_000;

/** The fault `slow-nodes`: so many times longer. */
const slowness = 60;

/**
 * Makes the pool's nodes as many as it says: new ones appear after some minutes, turn Ready, and have their GPUs
 * allocatable when the device plugin has announced them; surplus ones are drained and removed. Resolves when all are
 * Ready; the GPUs come later, as in AKS. Rejects with the signal's reason.
 */
export const addNodes = async ({ store, clock, faults, place, pool, signal }: World & { faults: Faults; place: NodePlace; pool: AgentPoolResource; signal?: AbortSignal }): Promise<void> => {
  const wanted = toNodePool(pool);
  const scaleSet = scaleSetName(wanted.name, place);
  const existing = nodesOf(store, wanted.name);
  const { count } = pool.properties;
  await Promise.all(existing.slice(count).map((node) => removeNode(node, { store, clock }, signal)));

  const taken = new Set(existing.map(({ metadata }) => metadata.name));
  const missing = Array.from({ length: existing.length + count }, (_, index) => index)
    .filter((index) => !taken.has(nodeName(scaleSet, index)))
    .slice(0, Math.max(0, count - existing.length));
  const pace = faults.has('slow-nodes') ? slowness : 1;
  await Promise.all(missing.map((index) => bringUp(wanted, index, { store, clock, place, pace, ...(signal ? { signal } : {}) })));
};

/** Drains and removes all nodes of a pool. Resolves when they are gone; rejects with the signal's reason. */
export const removeNodes = async ({ store, clock, pool, signal }: World & { pool: string; signal?: AbortSignal }): Promise<void> => {
  await Promise.all(nodesOf(store, pool).map((node) => removeNode(node, { store, clock }, signal)));
};

/** The node that a cluster has before anybody asks for GPUs; there at once. */
export const addSystemNode = ({ store, clock, place }: World & { place: NodePlace }): void => {
  const size = findVmSize('Standard_D4s_v5');
  if (!size) throw new TypeError('The system node has no size.');
  const pool: NodePool = { name: 'system', mode: 'System', size, labels: {}, taints: [], isSpot: false, zones: [], osDiskGiB: 128 };
  createIfPossible(store, 'nodes', createNode(pool, 0, place, clock.now()));
  makeReady(nodeName(scaleSetName(pool.name, place), 0), { store, clock });
};

export const toNodePool = ({ name, properties }: AgentPoolResource): NodePool => ({
  name,
  mode: properties.mode === 'System' ? 'System' : 'User',
  size: findVmSize(properties.vmSize) ?? { name: properties.vmSize, family: '', vCpuCount: 4, memoryGiB: 16, gpuCount: 0, zones: [] },
  labels: properties.nodeLabels ?? {},
  taints: properties.nodeTaints ?? [],
  isSpot: properties.scaleSetPriority === 'Spot',
  zones: properties.availabilityZones ?? [],
  osDiskGiB: properties.osDiskSizeGB ?? 128,
});

const nodesOf = (store: Store, pool: string): Node[] => list(store, 'nodes').filter(({ metadata }) => metadata.labels?.['agentpool'] === pool);

const bringUp = async (pool: NodePool, index: number, { store, clock, place, pace, signal }: World & { place: NodePlace; pace: number; signal?: AbortSignal }): Promise<void> => {
  await clock.sleep(machineMs * pace, signal);
  const node = createIfPossible(store, 'nodes', createNode(pool, index, place, clock.now()));
  if (!node) return;
  const { name } = node.metadata;
  await clock.sleep(readyMs * pace, signal);
  makeReady(name, { store, clock });
  if (pool.size.gpuCount === 0) return;
  // Not awaited: to Azure a node is done when it is Ready.
  clock.sleep(devicePluginMs * pace, signal).then(
    () => announceGpus(name, pool.size.gpuCount, store),
    () => {},
  );
};

const makeReady = (name: string, { store, clock }: World): void => {
  const node = find(store, 'nodes', undefined, name);
  if (!node) return;
  const now = toTimestamp(clock.now());
  const ready = { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status', lastHeartbeatTime: now };
  changeStatus(store, 'nodes', node, (draft) => {
    draft.status = { ...draft.status, conditions: withCondition(draft.status?.conditions, ready, now) };
  });
  change(store, 'nodes', node, (draft) => {
    const taints = (draft.spec?.taints ?? []).filter((taint) => !notReadyTaints.some(({ key }) => key === taint.key));
    const { taints: _taints, ...spec } = draft.spec ?? {};
    draft.spec = { ...spec, ...(taints.length > 0 ? { taints } : {}) };
  });
  createRecorder({ store, clock }, 'kubelet', name)(node, { type: 'Normal', reason: 'NodeReady', message: `Node ${name} status is now: NodeReady` });
};

const announceGpus = (name: string, gpuCount: number, store: Store): void => {
  const node = find(store, 'nodes', undefined, name);
  if (!node) return;
  const gpus = { 'nvidia.com/gpu': String(gpuCount) };
  changeStatus(store, 'nodes', node, (draft) => {
    draft.status = { ...draft.status, capacity: { ...draft.status?.capacity, ...gpus }, allocatable: { ...draft.status?.allocatable, ...gpus } };
  });
};

const removeNode = async (node: Node, { store, clock }: World, signal?: AbortSignal): Promise<void> => {
  await drain(node, { store, clock, ...(signal ? { signal } : {}) });
  if (find(store, 'nodes', undefined, node.metadata.name)?.metadata.uid === node.metadata.uid) store.delete('nodes', undefined, node.metadata.name);
};
