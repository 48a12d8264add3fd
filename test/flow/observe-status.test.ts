import { describe, expect, it } from 'vitest';
import { observeStatuses } from '../../src/flow/observe-status.ts';
import { renderRecord } from '../../src/flow/record.ts';
import { createFakeCluster } from '../support/fakes.ts';
import { job, node, pod, record, servingWorkspace, waiting, warningEvent } from './support.ts';

const { signal } = new AbortController();

describe('observeStatuses', () => {
  it('finds nothing in an empty cluster', async () => {
    expect(await observeStatuses(createFakeCluster(), {}, signal)).toEqual([]);
  });

  it('tells every workspace from its own objects, by name', async () => {
    const cluster = createFakeCluster([renderRecord(record()), renderRecord(record({ workspace: servingWorkspace() })), job({ active: 1 })]);
    const statuses = await observeStatuses(cluster, {}, signal);
    expect(statuses.map(({ name, state }) => [name, state])).toEqual([['served', 'Pending'], ['tuned', 'Running']]);
    expect((await observeStatuses(cluster, { name: 'tuned' }, signal)).map(({ name }) => name)).toEqual(['tuned']);
  });

  it('asks for pods, the largest of all lists, only where they say something', async () => {
    const labels = { 'kaito.sh/workspace': 'served', 'kaito.sh/workspacenamespace': 'default' };
    const served = servingWorkspace({ resource: { instanceType: 'Standard_NC24ads_A100_v4', labelSelector: { matchLabels: {} } } });
    const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'served', namespace: 'default', labels: { 'kaito.sh/workspace': 'served' } }, spec: { replicas: 1 }, status: { readyReplicas: 1 } };
    const cluster = createFakeCluster([renderRecord(record({ workspace: served })), deployment, node('ours', { labels })]);
    cluster.break('Pod', new Error('Pods were asked for.'));
    expect(await observeStatuses(cluster, {}, signal)).toMatchObject([{ name: 'served', state: 'Ready', workerNodes: ['ours'] }]);
    cluster.put(renderRecord(record()));
    await expect(observeStatuses(cluster, {}, signal)).rejects.toThrow('Pods were asked for.');
  });

  it('counts the nodes that carry the workspace\'s labels', async () => {
    const labels = { 'kaito.sh/workspace': 'served', 'kaito.sh/workspacenamespace': 'default' };
    const cluster = createFakeCluster([renderRecord(record({ workspace: servingWorkspace() })), node('ours', { labels }), node('other', { labels: { ...labels, 'kaito.sh/workspacenamespace': 'elsewhere' } })]);
    expect((await observeStatuses(cluster, {}, signal))[0]?.workerNodes).toEqual(['ours']);
  });

  it('counts existing nodes, which carry no label of ours, by the pods that run on them', async () => {
    const cluster = createFakeCluster([renderRecord(record({ workspace: servingWorkspace() })), node('gpu-1'), node('gpu-2'), pod({ nodeName: 'gpu-2', labels: { 'kaito.sh/workspace': 'served' } })]);
    const [status] = await observeStatuses(cluster, {}, signal);
    expect(status?.workerNodes).toEqual(['gpu-2']);
    expect(status?.conditions).toContainEqual(expect.objectContaining({ type: 'ResourceReady', status: 'True' }));
  });

  it('counts those existing nodes that a pod may run on while none does yet', async () => {
    const workspace = servingWorkspace({ resource: { labelSelector: { matchLabels: { accelerator: 'nvidia' } } } });
    const pending = pod({ phase: 'Pending', nodeName: '', labels: { 'kaito.sh/workspace': 'served' } });
    const cluster = createFakeCluster([renderRecord(record({ workspace })), node('gpu-1', { labels: { accelerator: 'nvidia' } }), node('other'), pending]);
    const [status] = await observeStatuses(cluster, {}, signal);
    expect(status?.workerNodes).toEqual(['gpu-1']);
    expect(status?.conditions).toContainEqual(expect.objectContaining({ type: 'ResourceReady', status: 'True' }));
  });

  it('says what helps a tuning that cannot be scheduled, which has no log yet', async () => {
    const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes are available: 1 Insufficient nvidia.com/gpu.' }];
    const pending = pod({ phase: 'Pending', nodeName: '', labels: { 'kaito.sh/workspace': 'tuned' }, conditions });
    const [status] = await observeStatuses(createFakeCluster([renderRecord(record()), job({ active: 1 }), pending]), {}, signal);
    expect(status).toMatchObject({ why: 'pod "pod" is unschedulable: 0/1 nodes are available: 1 Insufficient nvidia.com/gpu.', next: 'kubectl describe pod pod -n default' });
  });

  it('heeds the warnings about the workspace\'s own pods', async () => {
    const ours = pod({ phase: 'Pending', labels: { 'kaito.sh/workspace': 'served' }, containers: [waiting('served', 'ContainerCreating')] });
    const cluster = createFakeCluster([renderRecord(record({ workspace: servingWorkspace() })), ours, node('node-a'), warningEvent(ours, 'FailedMount', 'no such volume'), warningEvent(pod({ name: 'other' }), 'FailedMount', 'not ours')]);
    expect((await observeStatuses(cluster, {}, signal))[0]?.conditions).toContainEqual(expect.objectContaining({ type: 'InferenceReady', reason: 'VolumeError', message: 'Pod/pod: no such volume' }));
  });

  it('shows a workspace whose record is damaged, for its nodes may cost money', async () => {
    const damaged = renderRecord(record());
    const cluster = createFakeCluster([{ ...damaged, data: { ...Object(damaged['data']), 'node-pool.json': '?' } }, renderRecord(record({ workspace: servingWorkspace() }))]);
    const statuses = await observeStatuses(cluster, {}, signal);
    expect(statuses.map(({ name }) => name)).toEqual(['served', 'tuned']);
    expect(statuses[1]).toMatchObject({ state: 'NotReady', why: 'The owner record ConfigMap/tuned-kaito cannot be read. Its node-pool.json is not what kaito-ts writes.', next: expect.stringMatching(/^kubectl get configmap tuned-kaito/) });
  });
});
