import { describe, expect, it } from 'vitest';
import { agentPoolTags } from '../../src/domain/agent-pool-tags.ts';
import type { PoolFacts } from '../../src/domain/pool-facts.ts';
import type { NodePoolRecord, OwnerRecord, TuningResult } from '../../src/domain/record.ts';
import type { Workspace } from '../../src/domain/workspace.ts';
import { findGarbage } from '../../src/plan/find-garbage.ts';
import { agentPool, managedCluster } from '../support/fakes.ts';

const now = Date.parse('2026-01-02T00:00:00Z');
const metadata = { name: 'tuned', namespace: 'team' };
const tags = agentPoolTags(metadata);

const tuning: Workspace = {
  apiVersion: 'kaito.sh/v1beta1',
  kind: 'Workspace',
  metadata,
  resource: { labelSelector: { matchLabels: {} } },
  tuning: { preset: { name: 'phi-4' }, method: 'qlora', input: {}, output: {} },
};
const { tuning: _, ...rest } = tuning;
const serving: Workspace = { ...rest, inference: { preset: { name: 'phi-4' } } };

const nodePool = (changes: Partial<NodePoolRecord> = {}): NodePoolRecord => ({
  subscriptionId: 's',
  resourceGroup: 'group',
  cluster: 'test',
  location: 'eastus',
  name: 'kpool',
  instanceType: 'Standard_NV36ads_A10_v5',
  count: 1,
  spot: false,
  requestedAt: '2026-01-01T00:00:00Z',
  ...changes,
});
const recordOf = (changes: Partial<OwnerRecord> = {}): OwnerRecord => ({ workspace: tuning, revision: 1, createdAt: '2026-01-01T00:00:00Z', nodePool: nodePool(), ...changes });
const result = (outcome: TuningResult['outcome']): TuningResult => ({ outcome, finishedAt: '2026-01-01T20:00:00Z' });

const look = (changes: Partial<PoolFacts> = {}) =>
  findGarbage({ cluster: managedCluster(), pools: [agentPool({ tags })], records: [], unread: [], jobOutcomes: {}, nodes: {}, ...changes }, now);

describe('an agent pool is left over', () => {
  it.each<[string, Partial<PoolFacts>, string, string | undefined]>([
    ['when no record is in its namespace', { nodes: { kpool: { since: '2026-01-01T12:00:00Z', pods: [] } } }, 'there is no workspace tuned in namespace team', '2026-01-01T12:00:00Z'],
    ['when the record of that name is in another namespace', { records: [recordOf({ workspace: { ...tuning, metadata: { ...metadata, namespace: 'other' } } })] }, 'there is no workspace tuned in namespace team', undefined],
    ['when its workspace has another pool', { records: [recordOf({ nodePool: nodePool({ name: 'knew' }) })] }, 'workspace tuned has agent pool knew now', undefined],
    ['when its workspace uses existing nodes', { records: [{ workspace: serving, revision: 2, createdAt: '' }] }, 'workspace tuned has no agent pool of its own', undefined],
    ['when its record says that it was given back', { records: [recordOf({ nodePool: nodePool({ releasedAt: '2026-01-01T06:00:00Z' }) })] }, 'workspace tuned has given it back', '2026-01-01T06:00:00Z'],
    ['when tuning has succeeded', { records: [recordOf({ result: result('Succeeded') })] }, 'tuning tuned has succeeded', '2026-01-01T20:00:00Z'],
    ['when tuning has failed', { records: [recordOf({ result: result('Failed') })] }, 'tuning tuned has failed', '2026-01-01T20:00:00Z'],
    ['when the Job has ended and nobody took note', { records: [recordOf()], jobOutcomes: { 'team/tuned': 'Succeeded' } }, 'tuning tuned has succeeded', '2026-01-01T00:00:00Z'],
  ])('%s', (_title, changes, why, since) => {
    const { garbage, kept } = look(changes);
    expect(kept).toEqual([]);
    expect(garbage).toMatchObject([{ pool: { name: 'kpool' }, workspace: metadata, why, perHourUsd: 3.2 }]);
    expect(garbage[0]?.since).toBe(since);
  });
});

describe('an agent pool stays', () => {
  it.each<[string, Partial<PoolFacts>, RegExp]>([
    ['while its workspace is tuned', { records: [recordOf()] }, /uses it/],
    ['while its workspace is served, whatever Jobs of that name did', { records: [recordOf({ workspace: serving })], jobOutcomes: { 'team/tuned': 'Succeeded' } }, /uses it/],
    ['while a pod runs on it, although no record is there', { nodes: { kpool: { pods: ['team/somebody'] } } }, /pod team\/somebody runs there/],
    ['while a pod runs on it, although tuning has ended', { records: [recordOf({ result: result('Failed') })], nodes: { kpool: { pods: ['team/tuned-x'] } } }, /pod team\/tuned-x runs there/],
  ])('%s', (_title, changes, why) => {
    const { garbage, kept } = look(changes);
    expect(garbage).toEqual([]);
    expect(kept).toMatchObject([{ pool: { name: 'kpool' }, isUnknown: false, why: expect.stringMatching(why) }]);
  });

  it.each<[string, PoolFacts['unread']]>([
    ['when its record is damaged', [{ namespace: 'team', name: 'tuned', fact: 'it cannot be read' }]],
    ['when the records of its namespace may not be listed', [{ namespace: 'team', fact: 'it cannot be read' }]],
  ])('%s, as nothing is known', (_title, unread) => {
    expect(look({ unread })).toMatchObject({ garbage: [], kept: [{ isUnknown: true, why: 'it cannot be read' }] });
  });

  it.each<[string, Record<string, string>]>([
    ['without tags', {}],
    ['of somebody else', { ...tags, 'managed-by': 'terraform' }],
    ['that does not say of which workspace', { 'managed-by': 'kaito-ts', 'kaito-namespace': 'team' }],
    ['that does not say of which namespace', { 'managed-by': 'kaito-ts', 'kaito-workspace': 'tuned', 'kaito-namespace': '' }],
  ])('and is not even told of when it is one %s', (_title, foreign) => {
    expect(look({ pools: [agentPool({ tags: foreign })] })).toEqual({ garbage: [], kept: [], withoutPool: [] });
  });
});

describe('the price of what is left over', () => {
  it('counts the nodes', () => expect(look({ pools: [agentPool({ tags, count: 3 })] }).garbage[0]?.perHourUsd).toBeCloseTo(9.6));
  it('is nothing for a pool without nodes', () => expect(look({ pools: [agentPool({ tags, count: 0 })] }).garbage[0]?.perHourUsd).toBe(0));
  it('is not made up', () => expect(look({ pools: [agentPool({ tags, instanceType: 'Standard_Strange' })] }).garbage[0]).not.toHaveProperty('perHourUsd'));
});

describe('a record without its pool', () => {
  const gone = { pools: [], records: [recordOf()] };
  it('is told', () => expect(look(gone).withoutPool).toEqual([{ workspace: metadata, pool: 'kpool' }]));
  it.each<[string, Partial<NodePoolRecord>]>([
    ['that is so new that its pool cannot be seen yet', { requestedAt: '2026-01-01T23:55:00Z' }],
    ['that says so itself', { releasedAt: '2026-01-01T10:00:00Z' }],
    ['of another AKS cluster', { cluster: 'another' }],
    ['of another resource group', { resourceGroup: 'another' }],
  ])('is not told when it is one %s', (_title, changes) => {
    expect(look({ ...gone, records: [recordOf({ nodePool: nodePool(changes) })] }).withoutPool).toEqual([]);
  });
});
