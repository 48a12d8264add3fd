import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentPoolResource } from '../../../src/sandbox/arm/world.ts';
import { addNodes, addSystemNode, removeNodes } from '../../../src/sandbox/controllers/nodes.ts';
import { createFaults, type Fault } from '../../../src/sandbox/faults.ts';
import { startCluster, type TestCluster, containerNamed, podNamed, programNamed } from '../support/cluster.ts';
import { createManualClock, type ManualClock } from '../support/manual-clock.ts';

const place = { subscriptionId: '00000000-5a0d-4b0c-8000-000000000001', nodeResourceGroup: 'MC_sandbox_sandbox_eastus', location: 'eastus' };
const minuteMs = 60_000;

const serve = programNamed('serve', ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(143), { once: true })));

let cluster: TestCluster;
let clock: ManualClock;
beforeEach(() => {
  clock = createManualClock();
  cluster = startCluster({ clock, programs: [serve] });
});
afterEach(() => cluster.stop());

const poolOf = (count: number): AgentPoolResource => ({
  id: '/subscriptions/x/agentPools/kaitogpu',
  name: 'kaitogpu',
  type: 'Microsoft.ContainerService/managedClusters/agentPools',
  properties: { vmSize: 'Standard_NC24ads_A100_v4', count, mode: 'User', nodeLabels: { 'kaito.sh/workspace': 'phi' }, nodeTaints: ['sku=gpu:NoSchedule'], eTag: 'e', provisioningState: 'Creating', currentOrchestratorVersion: '1.34.2' },
});

const add = (count: number, { faults = [], signal }: { faults?: Fault[]; signal?: AbortSignal } = {}) =>
  addNodes({ store: cluster.store, clock, faults: createFaults(faults), place, pool: poolOf(count), ...(signal ? { signal } : {}) });

const nodes = () => cluster.list('nodes');
const isReady = (index = 0) => nodes()[index]?.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
const gpus = () => nodes()[0]?.status?.allocatable?.['nvidia.com/gpu'];

const addAtOnce = async (count: number): Promise<void> => {
  const added = add(count);
  await clock.advance(6 * minuteMs);
  await added;
};

describe('nodes of an agent pool', () => {
  it('come as machines, turn Ready, and have their GPUs when the device plugin is there', async () => {
    let isDone = false;
    const added = add(1).then(() => {
      isDone = true;
    });
    await clock.advance(3 * minuteMs);
    expect(nodes()).toEqual([]);
    await clock.advance(minuteMs + 1);
    expect([isReady(), gpus(), isDone]).toEqual(['False', undefined, false]);
    expect(nodes()[0]?.spec?.taints).toContainEqual({ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' });
    await clock.advance(minuteMs);
    await added;
    expect([isReady(), gpus()]).toEqual(['True', undefined]);
    expect(nodes()[0]?.spec?.taints).toEqual([{ key: 'sku', value: 'gpu', effect: 'NoSchedule' }]);
    await clock.advance(minuteMs / 2);
    expect([gpus(), nodes()[0]?.status?.capacity?.['nvidia.com/gpu']]).toEqual(['1', '1']);
  });

  it('are named, labelled and placed as AKS does it', async () => {
    await addAtOnce(2);
    const [first, second] = nodes();
    expect(first?.metadata.name).toMatch(/^aks-kaitogpu-\d{8}-vmss000000$/);
    expect(second?.metadata.name).toBe(first?.metadata.name.replace(/0$/, '1'));
    expect(first?.metadata.labels).toMatchObject({
      agentpool: 'kaitogpu',
      'kubernetes.azure.com/agentpool': 'kaitogpu',
      'kubernetes.azure.com/cluster': 'MC_sandbox_sandbox_eastus',
      'node.kubernetes.io/instance-type': 'Standard_NC24ads_A100_v4',
      'topology.kubernetes.io/region': 'eastus',
      'kubernetes.io/hostname': first?.metadata.name,
      'kubernetes.io/os': 'linux',
      'kubernetes.io/arch': 'amd64',
      accelerator: 'nvidia',
      'kaito.sh/workspace': 'phi',
    });
    const scaleSet = first?.metadata.name.slice(0, -6);
    expect(first?.spec?.providerID).toBe(
      `azure:///subscriptions/${place.subscriptionId}/resourceGroups/mc_sandbox_sandbox_eastus/providers/Microsoft.Compute/virtualMachineScaleSets/${scaleSet}/virtualMachines/0`,
    );
    expect(first?.status?.capacity?.cpu).toBe('24');
  });

  it('are made up to the count, and the surplus goes', async () => {
    await addAtOnce(1);
    await addAtOnce(3);
    expect(nodes()).toHaveLength(3);
    await addAtOnce(1);
    expect(nodes().map(({ metadata }) => metadata.name.slice(-1))).toEqual(['0']);
  });

  it('take sixty times as long under the fault `slow-nodes`', async () => {
    const added = add(1, { faults: ['slow-nodes'] });
    await clock.advance(4 * 60 * minuteMs - 1);
    expect(nodes()).toEqual([]);
    await clock.advance(5 * 60 * minuteMs);
    await added;
    expect(isReady()).toBe('True');
  });

  it('do not come any more when they are given up', async () => {
    const giving = new AbortController();
    const added = add(1, { signal: giving.signal });
    await clock.advance(minuteMs);
    giving.abort(new Error('given up'));
    await expect(added).rejects.toThrow('given up');
    await clock.advance(10 * minuteMs);
    expect(nodes()).toEqual([]);
  });

  it('are drained before they go: pods are told apart from failures and have their grace period', async () => {
    await addAtOnce(1);
    cluster.create('pods', podNamed('web', { containers: [containerNamed('main', 'serve')], tolerations: [{ operator: 'Exists' }] }));
    await clock.advance(minuteMs);
    const conditions: (string | undefined)[] = [];
    const unsubscribe = cluster.store.subscribe(({ object }) => {
      if (object.metadata.name === 'web') conditions.push(cluster.get('pods', 'web')?.status?.conditions?.find(({ type }) => type === 'DisruptionTarget')?.reason);
    });
    const removed = removeNodes({ store: cluster.store, clock, pool: 'kaitogpu' });
    await clock.advance(2 * minuteMs);
    await removed;
    unsubscribe();
    expect(conditions).toContain('EvictionByEvictionAPI');
    expect(cluster.get('pods', 'web')).toBeUndefined();
    expect(nodes()).toEqual([]);
  });

  it('take the pods along that will not end, which are marked as lost with their node', async () => {
    await addAtOnce(1);
    cluster.create('pods', podNamed('stubborn', { containers: [containerNamed('main', 'serve')], tolerations: [{ operator: 'Exists' }] }, { finalizers: ['example.com/hold'] }));
    await clock.advance(minuteMs);
    cluster.store.delete('nodes', undefined, nodes()[0]?.metadata.name ?? '');
    await clock.advance(1_000);
    const pod = cluster.get('pods', 'stubborn');
    expect(pod?.status?.phase).toBe('Failed');
    expect(pod?.status?.conditions).toContainEqual(expect.objectContaining({ type: 'DisruptionTarget', reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' }));
    expect(pod?.metadata.deletionTimestamp).toBeDefined();
  });
});

describe('the system node', () => {
  it('is there and Ready from the start, without a GPU', () => {
    addSystemNode({ store: cluster.store, clock, place });
    expect(nodes()[0]?.metadata.labels).toMatchObject({ agentpool: 'system', 'kubernetes.azure.com/mode': 'system' });
    expect([isReady(), gpus()]).toEqual(['True', undefined]);
  });
});
