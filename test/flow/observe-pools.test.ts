import { describe, expect, it } from 'vitest';
import { agentPoolTags } from '../../src/domain/agent-pool-tags.ts';
import { AccessError } from '../../src/domain/errors.ts';
import { observePools } from '../../src/flow/observe-pools.ts';
import { renderRecord } from '../../src/flow/record.ts';
import { agentPool, createFakeCloud, createFakeCluster, managedCluster, type FakeCloud, type FakeCluster } from '../support/fakes.ts';
import { job, jobCondition, node, nodePool, pod, record } from './support.ts';

const ours = agentPool({ tags: agentPoolTags({ name: 'tuned', namespace: 'default' }) });

const observe = (cluster: FakeCluster, cloud: FakeCloud = createFakeCloud([ours])) => observePools(cluster, cloud, {}, new AbortController().signal);

describe('what decides whether pools are needed', () => {
  it('is read from records, Jobs and the nodes of our pools', async () => {
    const stored = record({ nodePool: nodePool() });
    const daemon = pod({ name: 'daemon', nodeName: 'gpu' });
    const cluster = createFakeCluster([
      renderRecord(stored),
      job(jobCondition('Complete')),
      node('gpu', { labels: { agentpool: 'kpool' } }),
      node('system', { labels: { agentpool: 'system' } }),
      pod({ name: 'works', nodeName: 'gpu' }),
      pod({ name: 'has-ended', nodeName: 'gpu', phase: 'Succeeded' }),
      pod({ name: 'elsewhere', nodeName: 'system' }),
      { ...daemon, metadata: { ...daemon.metadata, ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'd', uid: 'd' }] } },
      { ...pod({ name: 'of-the-cluster', nodeName: 'gpu' }), metadata: { name: 'of-the-cluster', namespace: 'kube-system' } },
    ]);
    const { facts, stored: byName } = await observe(cluster);
    expect(facts).toMatchObject({
      pools: [{ name: 'kpool' }],
      records: [{ workspace: { metadata: { name: 'tuned' } } }],
      unread: [],
      jobOutcomes: { 'default/tuned': 'Succeeded' },
      nodes: { kpool: { since: '2026-01-01T00:00:00.000Z', pods: ['default/works'] } },
    });
    expect(Object.keys(facts.nodes)).toEqual(['kpool']);
    expect(byName.get('default/tuned')?.record).toEqual(stored);
  });

  it('lists the pools before the records, or a record written in between would be missed', async () => {
    const cluster = createFakeCluster();
    const cloud = createFakeCloud();
    const { facts } = await observe(cluster, {
      ...cloud,
      async listAgentPools() {
        // Another run writes its record and gets its pool right now.
        cluster.put(renderRecord(record({ nodePool: nodePool() })));
        return [ours];
      },
    });
    expect(facts.records).toHaveLength(1);
  });

  it('keeps apart what cannot be read', async () => {
    const damaged = renderRecord(record());
    const cluster = createFakeCluster([{ ...damaged, data: { 'workspace.json': 'no JSON' } }]);
    expect((await observe(cluster)).facts).toMatchObject({ records: [], unread: [{ namespace: 'default', name: 'tuned', fact: expect.stringContaining('cannot be read') }] });
  });

  it('keeps apart what may not be listed', async () => {
    const cluster = createFakeCluster([renderRecord(record())]);
    cluster.break('ConfigMap', new AccessError('You may not list ConfigMaps.'));
    expect((await observe(cluster)).facts).toMatchObject({ records: [], unread: [{ namespace: 'default', fact: 'You may not list ConfigMaps.' }] });
  });
});

describe('a kubeconfig that points somewhere else', () => {
  const elsewhere = managedCluster({ fqdn: 'another.example', nodeResourceGroup: 'MC_another' });
  const cloudOf = (cluster: ReturnType<typeof managedCluster>): FakeCloud => ({ ...createFakeCloud([ours]), findManagedCluster: async () => cluster });

  it('is refused: every pool of that AKS cluster would look forgotten', async () => {
    await expect(observe(createFakeCluster([node('a')]), cloudOf(elsewhere))).rejects.toMatchObject({ reason: 'ManagedClusterMismatch', fact: expect.stringContaining('MC_another') });
  });

  it('is told from a proxy by the nodes', async () => {
    const gpu = node('gpu');
    const cluster = createFakeCluster([{ ...gpu, spec: { providerID: 'azure:///subscriptions/s/resourceGroups/mc_another/providers/Microsoft.Compute/virtualMachineScaleSets/x/virtualMachines/0' } }]);
    expect((await observe(cluster, cloudOf(elsewhere))).facts.pools).toHaveLength(1);
  });
});
