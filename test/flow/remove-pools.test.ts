import { describe, expect, it } from 'vitest';
import { agentPoolTags } from '../../src/domain/agent-pool-tags.ts';
import { AccessError, InterruptedError } from '../../src/domain/errors.ts';
import { parseRecord, renderRecord } from '../../src/flow/record.ts';
import { removePools, type RemovalRules } from '../../src/flow/remove-pools.ts';
import { agentPool, createFakeCloud, createFakeCluster, managedCluster } from '../support/fakes.ts';
import { follow } from '../support/following.ts';
import { createManualClock, settled } from '../support/manual-clock.ts';
import { nodePool, record, shortly } from './support.ts';

const workspace = { name: 'tuned', namespace: 'default' };
const first = agentPool({ tags: agentPoolTags(workspace) });
const second = agentPool({ name: 'kother', tags: agentPoolTags({ name: 'other', namespace: 'team' }) });
const removals = [
  { pool: first, workspace },
  { pool: second, workspace: { name: 'other', namespace: 'team' } },
];

const start = (recheck: RemovalRules['recheck'] = async () => ({})) => {
  const cloud = createFakeCloud([first, second]);
  const cluster = createFakeCluster([renderRecord(record({ nodePool: nodePool() }))]);
  const interruption = new AbortController();
  const effects = { cluster, azure: { cloud, managedCluster: managedCluster() }, clock: createManualClock(), signal: interruption.signal };
  return { cloud, cluster, interruption, removing: follow(removePools(removals, effects, { timeoutMs: 60_000, recheck })) };
};

describe('agent pools that are removed', () => {
  it('go one after the other, and are awaited', async () => {
    const { cloud, removing } = start();
    await settled();
    expect(cloud.calls).toEqual(['delete kpool', 'await delete kpool (delete-operation)']);
    cloud.succeed();
    expect(await removing.result).toEqual(['kpool', 'kother']);
    expect(cloud.pools.size).toBe(0);
    expect(shortly(removing.items).filter((line) => !line.startsWith('waiting'))).toEqual(['start delete-agent-pool', 'done delete-agent-pool: removed', 'start delete-agent-pool', 'done delete-agent-pool: removed']);
  });

  it('are looked at once more, and stay when they are needed again', async () => {
    const { cloud, removing } = start(async ({ pool }) => (pool.name === 'kpool' ? { keep: 'workspace tuned uses it' } : {}));
    cloud.succeed();
    expect(await removing.result).toEqual(['kother']);
    expect(cloud.pools.has('kpool')).toBe(true);
    expect(shortly(removing.items)[0]).toBe('note: Agent pool kpool stays: workspace tuned uses it.');
  });

  it('are noted in the record that names them', async () => {
    const object = createFakeCluster([renderRecord(record({ nodePool: nodePool() }))]).find('ConfigMap', 'tuned-kaito');
    const stored = object && parseRecord(object);
    const { cloud, cluster, removing } = start(async ({ pool }) => (pool.name === 'kpool' && stored ? { stored } : {}));
    cloud.succeed();
    await removing.result;
    const after = cluster.find('ConfigMap', 'tuned-kaito');
    expect(after && parseRecord(after)?.record.nodePool?.releasedAt).toBeDefined();
    expect(cluster.writes.every((write) => write === 'apply ConfigMap/tuned-kaito')).toBe(true);
  });

  it('do not keep each other: a refusal is told, the rest goes, and the refusal is the end', async () => {
    const { cloud, removing } = start();
    cloud.refuse('delete', new AccessError('You may not delete it.'));
    cloud.succeed();
    await expect(removing.result).rejects.toThrow('You may not delete it.');
    expect([...cloud.pools.keys()]).toEqual(['kpool']);
    expect(shortly(removing.items)).toContain('warning: Agent pool kpool could not be removed: You may not delete it.');
  });

  it('never are those of somebody else, although they were asked for', async () => {
    const { cloud, removing } = start();
    cloud.pools.set('kpool', agentPool({ tags: {} }));
    cloud.succeed();
    await expect(removing.result).rejects.toMatchObject({ reason: 'AgentPoolNotOurs' });
    expect(cloud.calls).not.toContain('delete kpool');
  });

  it('are told to go on when the wait is interrupted, and the others are left alone', async () => {
    const { cloud, interruption, removing } = start();
    await settled();
    interruption.abort(new InterruptedError('SIGTERM'));
    await expect(removing.result).rejects.toMatchObject({ exitCode: 143, fact: 'Once asked, Azure goes on removing agent pool kpool by itself.' });
    expect(cloud.calls).not.toContain('delete kother');
  });
});
