import { describe, expect, it } from 'vitest';
import { AccessError, FailedError } from '../../src/domain/errors.ts';
import type { KubernetesObject } from '../../src/domain/kubernetes.ts';
import { findManagedCluster, observe, type Questions } from '../../src/flow/observe.ts';
import { renderRecord } from '../../src/flow/record.ts';
import { createFakeCloud, createFakeCluster, managedCluster } from '../support/fakes.ts';
import { job, node, record, servingWorkspace, tuningWorkspace } from './support.ts';

const { signal } = new AbortController();
const nothing: Questions = { kinds: [], secrets: [] };
const home: KubernetesObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } };
const look = (objects: KubernetesObject[], questions: Partial<Questions> = {}) => observe(tuningWorkspace(), createFakeCluster([home, ...objects]), { ...nothing, ...questions }, signal);
const storageClass = (name: string, isDefault: boolean): KubernetesObject => ({ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name, annotations: { 'storageclass.kubernetes.io/is-default-class': String(isDefault) } } });

describe('observe', () => {
  it('finds the record of an earlier run', async () => {
    const facts = await look([renderRecord(record({ revision: 3 }))]);
    expect(facts.record).toMatchObject({ uid: expect.any(String), record: { revision: 3 } });
  });

  it('knows no record where there is none', async () => {
    expect((await look([])).record).toBeUndefined();
  });

  it('does not take over a ConfigMap that is somebody else\'s', async () => {
    await expect(look([{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'tuned-kaito' }, data: {} }])).rejects.toMatchObject({ name: 'ConflictError', reason: 'RecordNotOurs', message: 'ConfigMap/tuned-kaito is there and was not made by kaito-ts.' });
  });

  it('lists what the workspace left, and nothing of others', async () => {
    const facts = await look([job({ active: 1 }), job({ active: 1 }, 'other')], { kinds: ['Job'] });
    expect(facts.existing.map(({ kind, metadata }) => `${kind}/${metadata.name}`)).toEqual(['Job/tuned']);
  });

  it('reads GPUs from allocatable and their memory from the feature discovery\'s label, rounded as the operator does', async () => {
    const facts = await look([node('a', { gpus: 2, labels: { 'nvidia.com/gpu.memory': '23028' } }), node('b', { isReady: false, gpus: 0 })]);
    expect(facts.nodes).toEqual([
      { name: 'a', isReady: true, labels: { 'nvidia.com/gpu.memory': '23028' }, taints: [], gpuCount: 2, gpuMemoryGiB: 22, slices: {} },
      { name: 'b', isReady: false, labels: {}, taints: [], gpuCount: 0, slices: {} },
    ]);
  });

  it('reads the ConfigMap that the Workspace names, by which nodes are counted', async () => {
    const workspace = servingWorkspace({ inference: { preset: { name: 'phi-4' }, config: 'ctx' } });
    const cluster = createFakeCluster([home, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'ctx' }, data: { 'inference_config.yaml': 'vllm: {max-model-len: 4096}' } }]);
    expect((await observe(workspace, cluster, nothing, signal)).configuration).toEqual({ 'inference_config.yaml': 'vllm: {max-model-len: 4096}' });
    expect((await observe(workspace, createFakeCluster([home]), nothing, signal)).configuration).toBeUndefined();
  });

  it('sees slices of GPUs by their profiles', async () => {
    const sliced = { ...node('a', { gpus: 0 }), status: { allocatable: { 'nvidia.com/mig-3g.40gb': '2', 'nvidia.com/gpu': '0' } } };
    expect((await look([sliced])).nodes).toMatchObject([{ gpuCount: 0, slices: { '3g.40gb': 2 } }]);
  });

  it('knows the default StorageClass, and all of them', async () => {
    const facts = await look([storageClass('slow', false), storageClass('fast', true)]);
    expect([facts.defaultStorageClass, facts.storageClasses]).toEqual(['fast', ['slow', 'fast']]);
  });

  it('goes on without StorageClasses when it may not list them, and not when the cluster is away', async () => {
    const cluster = createFakeCluster([home]);
    cluster.break('StorageClass', new AccessError('Forbidden.'));
    expect((await observe(tuningWorkspace(), cluster, nothing, signal)).storageClasses).toEqual([]);
    cluster.break('StorageClass', new FailedError('Away.'));
    await expect(observe(tuningWorkspace(), cluster, nothing, signal)).rejects.toThrow('Away.');
  });

  it('says of each Secret what it is, never what is in it', async () => {
    const secret: KubernetesObject = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'push' }, type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': 'c2VjcmV0' } };
    const facts = await look([secret], { secrets: ['push', 'absent'] });
    expect(facts.secrets).toEqual({ push: { type: 'kubernetes.io/dockerconfigjson', keys: ['.dockerconfigjson'] }, absent: 'missing' });
    expect(JSON.stringify(facts)).not.toContain('c2VjcmV0');
  });

  it('says what else the workspace names and is not there, and goes on when it may not look', async () => {
    const workspace = tuningWorkspace({ tuning: { preset: { name: 'phi-3-mini-128k-instruct' }, method: 'qlora', config: 'mine', input: { volumeSource: { persistentVolumeClaim: { claimName: 'data' } } }, output: { volumeSource: { persistentVolumeClaim: { claimName: 'there' } } } } });
    const cluster = createFakeCluster([home, { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'there' } }]);
    expect((await observe(workspace, cluster, nothing, signal)).missing).toEqual([{ kind: 'ConfigMap', name: 'mine' }, { kind: 'PersistentVolumeClaim', name: 'data' }]);
    const refusing: typeof cluster = {
      ...cluster,
      get: async (kind, name, call) => {
        if (kind === 'PersistentVolumeClaim' || kind === 'Namespace') throw new AccessError('Forbidden.');
        return await cluster.get(kind, name, call);
      },
    };
    expect((await observe(workspace, refusing, nothing, signal)).missing).toEqual([{ kind: 'ConfigMap', name: 'mine' }]);
  });

  it('knows a namespace that is not there from one that is empty', async () => {
    await expect(observe(tuningWorkspace(), createFakeCluster(), nothing, signal)).rejects.toMatchObject({ name: 'NotFoundError', reason: 'NamespaceNotFound', message: 'There is no namespace default.' });
  });

  it('asks beforehand whether what the plan needs is permitted', async () => {
    const allowed = async (workspace: typeof servingWorkspace) => (await observe(workspace(), createFakeCluster([home]), nothing, signal)).permissions.map(({ what }) => what);
    expect(await allowed(tuningWorkspace)).toEqual(expect.arrayContaining(['create configmaps', 'patch configmaps', 'create jobs.batch', 'patch jobs.batch']));
    // What is only followed is asked for too: the nodes are paid for by then.
    expect(await allowed(tuningWorkspace)).toEqual(expect.arrayContaining(['get jobs.batch', 'watch jobs.batch', 'delete jobs.batch', 'watch pods', 'list events', 'watch events', 'watch nodes']));
    expect(await allowed(servingWorkspace)).toEqual(expect.arrayContaining(['create deployments.apps', 'patch deployments.apps', 'create services', 'patch services', 'get pods/portforward', 'create pods/portforward']));
  });

  it('asks Azure only when Azure is needed', async () => {
    expect((await look([])).azure).toBeUndefined();
    const facts = await look([], { azure: async () => createFakeCloud() });
    expect(facts.azure).toMatchObject({ login: 'test login', cluster: { name: 'test' } });
  });

  it('gives the push check the Secrets that it may need', async () => {
    const secret: KubernetesObject = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'push' }, data: { '.dockerconfigjson': 'e30=' } };
    const facts = await look([secret], { secrets: ['push'], push: async ({ push }) => ({ canPush: false, reason: 'refused', fact: String(push?.data?.['.dockerconfigjson']) }) });
    expect(facts.push).toEqual({ canPush: false, reason: 'refused', fact: 'e30=' });
  });
});

describe('findManagedCluster', () => {
  it('recognises the cluster by the resource group of its nodes and its address, and flags win', async () => {
    const hints: object[] = [];
    const cloud = { ...createFakeCloud(), findManagedCluster: async (hint: object) => (hints.push(hint), managedCluster()) };
    const providerId = 'azure:///subscriptions/11111111-0000-0000-0000-000000000000/resourceGroups/MC_group_test_eastus/providers/Microsoft.Compute/virtualMachineScaleSets/x/virtualMachines/0';
    const nodes = [{ ...node('a'), spec: { providerID: providerId } }];
    await findManagedCluster(cloud, createFakeCluster(), nodes, {}, signal);
    await findManagedCluster(cloud, createFakeCluster(), nodes, { subscriptionId: 'flag', name: 'named' }, signal);
    await findManagedCluster(cloud, createFakeCluster(), [node('b')], {}, signal);
    expect(hints).toEqual([
      { subscriptionId: '11111111-0000-0000-0000-000000000000', nodeResourceGroup: 'MC_group_test_eastus', fqdn: 'test.example' },
      { subscriptionId: 'flag', nodeResourceGroup: 'MC_group_test_eastus', name: 'named', fqdn: 'test.example' },
      { fqdn: 'test.example' },
    ]);
  });
});
