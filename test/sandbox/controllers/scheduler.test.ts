import { afterEach, describe, expect, it } from 'vitest';
import type { Fault } from '../../../src/sandbox/faults.ts';
import { startCluster, type TestCluster, containerNamed, nodeNamed, podNamed } from '../support/cluster.ts';

let cluster: TestCluster;
afterEach(() => cluster.stop());

const start = (faults: readonly Fault[] = []): void => {
  cluster = startCluster({ withKubelet: false, faults });
};

const gpuTaint = { key: 'sku', value: 'gpu', effect: 'NoSchedule' };
const gpuNode = (name: string, gpus = 1) => nodeNamed(name, { labels: { pool: 'gpu', generation: '8' }, taints: [gpuTaint], gpus });

const createPod = (name: string, { resources, ...spec }: Record<string, unknown> = {}) => cluster.create('pods', podNamed(name, { containers: [containerNamed('main', 'serve', resources ? { resources } : {})], ...spec }));
const gpu = (count: string) => ({ limits: { 'nvidia.com/gpu': count } });
const tolerations = [{ key: 'sku', operator: 'Equal', value: 'gpu', effect: 'NoSchedule' }];

const nodeOf = (name: string) => cluster.until(`${name} is placed`, () => cluster.get('pods', name)?.spec?.nodeName);
const refusalOf = (name: string) => cluster.until(`${name} is refused`, () => cluster.get('pods', name)?.status?.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False'));

describe('the scheduler', () => {
  it('puts a pod on a node and says so', async () => {
    start();
    cluster.create('nodes', nodeNamed('node-a'));
    createPod('web');
    expect(await nodeOf('web')).toBe('node-a');
    expect(cluster.get('pods', 'web')?.status?.conditions).toMatchObject([{ type: 'PodScheduled', status: 'True' }]);
    expect(cluster.eventsOf('web')).toEqual(['Scheduled: Successfully assigned default/web to node-a']);
    expect(cluster.get('pods', 'web')?.metadata.generation).toBe(1);
  });

  it('says in its own words why no node will do', async () => {
    start();
    cluster.create('nodes', nodeNamed('system'));
    cluster.create('nodes', gpuNode('gpu'));
    createPod('web', { resources: gpu('1') });
    const refusal = await refusalOf('web');
    const message =
      '0/2 nodes are available: 1 Insufficient nvidia.com/gpu, 1 node(s) had untolerated taint {sku: gpu}. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.';
    expect(refusal).toMatchObject({ reason: 'Unschedulable', message });
    expect(cluster.eventsOf('web')).toEqual([`FailedScheduling: ${message}`]);
    expect(cluster.get('pods', 'web')?.status?.phase).toBe('Pending');
  });

  it('tells a node that is full from one that could never do', async () => {
    start();
    cluster.create('nodes', gpuNode('gpu'));
    createPod('first', { resources: gpu('1'), tolerations });
    await nodeOf('first');
    createPod('second', { resources: gpu('1'), tolerations });
    expect((await refusalOf('second')).message).toBe('0/1 nodes are available: 1 Insufficient nvidia.com/gpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.');
  });

  it('says that there are no nodes', async () => {
    start();
    createPod('web');
    expect((await refusalOf('web')).message).toBe('no nodes available to schedule pods');
  });

  it('places a waiting pod when a node comes, gets its GPU, or is freed', async () => {
    start();
    createPod('web', { resources: gpu('1'), tolerations });
    await refusalOf('web');
    cluster.create('nodes', nodeNamed('gpu', { taints: [gpuTaint] }));
    await cluster.until('it is refused anew', () => cluster.get('pods', 'web')?.status?.conditions?.[0]?.message?.includes('Insufficient'));
    cluster.store.update('nodes', undefined, 'gpu', (node) => void Reflect.set(node['status'] ?? {}, 'allocatable', { cpu: '4', pods: '110', 'nvidia.com/gpu': '1' }));
    expect(await nodeOf('web')).toBe('gpu');
    createPod('next', { resources: gpu('1'), tolerations });
    await refusalOf('next');
    cluster.store.delete('pods', 'default', 'web');
    expect(await nodeOf('next')).toBe('gpu');
  });

  it('counts requests of cpu, memory and pods', async () => {
    start();
    cluster.create('nodes', nodeNamed('node-a'));
    createPod('big', { resources: { requests: { cpu: '3500m', memory: '1Gi' } } });
    await nodeOf('big');
    createPod('other', { resources: { requests: { cpu: '1', memory: '20Gi' } } });
    expect((await refusalOf('other')).message).toMatch(/^0\/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory\./);
  });

  it('needs for init containers the most that one of them asks for, not the sum', async () => {
    start();
    cluster.create('nodes', gpuNode('gpu'));
    const container = (name: string) => containerNamed(name, 'serve', { resources: gpu('1') });
    createPod('web', { initContainers: [container('a'), container('b')], tolerations });
    expect(await nodeOf('web')).toBe('gpu');
  });

  it('does not use a cordoned node', async () => {
    start();
    cluster.create('nodes', nodeNamed('node-a'));
    cluster.store.update('nodes', undefined, 'node-a', (node) => void Reflect.set(node['spec'] ?? {}, 'unschedulable', true));
    createPod('web');
    expect((await refusalOf('web')).message).toMatch(/1 node\(s\) were unschedulable\./);
  });

  it.each([
    ['In', ['gpu', 'other'], true],
    ['In', ['other'], false],
    ['NotIn', ['gpu'], false],
    ['NotIn', ['other'], true],
  ])('reads the affinity %s %j', async (operator, values, fits) => {
    start();
    cluster.create('nodes', gpuNode('gpu'));
    const terms = [{ matchExpressions: [{ key: 'pool', operator, values }] }];
    createPod('web', { tolerations, affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } } });
    if (fits) expect(await nodeOf('web')).toBe('gpu');
    else expect((await refusalOf('web')).message).toMatch(/1 node\(s\) didn't match Pod's node affinity\/selector\./);
  });

  it.each([
    ['pool', 'Exists', undefined, true],
    ['absent', 'Exists', undefined, false],
    ['absent', 'DoesNotExist', undefined, true],
    ['pool', 'DoesNotExist', undefined, false],
    ['generation', 'Gt', ['7'], true],
    ['generation', 'Gt', ['8'], false],
    ['generation', 'Lt', ['9'], true],
    ['generation', 'Lt', ['8'], false],
  ])('reads the affinity %s %s %j', async (key, operator, values, fits) => {
    start();
    cluster.create('nodes', gpuNode('gpu'));
    const terms = [{ matchExpressions: [{ key, operator, ...(values ? { values } : {}) }] }];
    createPod('web', { tolerations, affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } } });
    await (fits ? nodeOf('web') : refusalOf('web'));
  });

  it('takes a node that one of several affinity terms matches, and honours the node selector besides', async () => {
    start();
    cluster.create('nodes', gpuNode('gpu'));
    const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'absent', operator: 'Exists' }] }, { matchExpressions: [{ key: 'pool', operator: 'Exists' }] }] } };
    createPod('web', { tolerations, affinity: { nodeAffinity } });
    expect(await nodeOf('web')).toBe('gpu');
    createPod('other', { tolerations, affinity: { nodeAffinity }, nodeSelector: { pool: 'cpu' } });
    await refusalOf('other');
  });

  it('refuses a pod whose claim is not there, and places it when it is', async () => {
    start();
    cluster.create('nodes', nodeNamed('node-a'));
    createPod('web', { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] });
    expect((await refusalOf('web')).message).toBe('0/1 nodes are available: persistentvolumeclaim "data" not found. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.');
    cluster.create('storageclasses.storage.k8s.io', { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'fast' }, provisioner: 'disk.csi.azure.com', volumeBindingMode: 'WaitForFirstConsumer' });
    cluster.create('persistentvolumeclaims', { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data', namespace: 'default' }, spec: { storageClassName: 'fast' } });
    expect(await nodeOf('web')).toBe('node-a');
  });

  it('finds no room anywhere under the fault `unschedulable`', async () => {
    start(['unschedulable']);
    cluster.create('nodes', gpuNode('gpu'));
    createPod('web', { resources: gpu('1'), tolerations });
    expect((await refusalOf('web')).message).toMatch(/^0\/1 nodes are available: 1 Insufficient nvidia\.com\/gpu\./);
  });
});
