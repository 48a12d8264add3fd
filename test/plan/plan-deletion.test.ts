import { describe, expect, it } from 'vitest';
import type { KubernetesObject } from '../../src/domain/kubernetes.ts';
import type { OwnerRecord } from '../../src/domain/record.ts';
import { planDeletion } from '../../src/plan/plan-deletion.ts';
import { job, nodePool, record } from '../flow/support.ts';
import { facts } from './support.ts';

const claim = (owned: boolean): KubernetesObject => ({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'tuned-adapter', ...(owned ? { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'tuned-kaito', uid: 'u' }] } : {}) } });
const plan = (owner: OwnerRecord, existing: KubernetesObject[] = [], deleteAdapter = false) => planDeletion({ record: owner, deleteAdapter, timeoutMs: 60_000 }, facts({ existing }));
const titles = (...parameters: Parameters<typeof plan>) => plan(...parameters).steps.map(({ title }) => title);

describe('planDeletion', () => {
  it('removes the workload, then its nodes, and the record last, so that an interrupted deletion is found again', () => {
    expect(titles(record({ nodePool: nodePool({ count: 2 }) }), [job({ active: 1 })])).toEqual([
      'Delete Job/tuned and its pods',
      'Wait for the pods to end',
      'Remove agent pool kpool (2 x Standard_NV36ads_A10_v5)',
      'Delete ConfigMap/tuned-kaito, and what hangs on it',
    ]);
  });

  it('asks Azure for nothing when the nodes were given back, or were never ours', () => {
    for (const owner of [record(), record({ nodePool: nodePool({ releasedAt: '2026-01-01T00:00:00Z' }) })]) {
      expect(titles(owner)).toEqual(['Wait for the pods to end', 'Delete ConfigMap/tuned-kaito, and what hangs on it']);
    }
  });

  it('takes up a deletion of the nodes that was begun, and no creation', () => {
    const stepOf = (kind: 'create' | 'delete') => plan(record({ nodePool: nodePool({ operation: { kind, state: 's' } }) })).steps.find((step) => step.kind === 'delete-agent-pool');
    expect(stepOf('delete')).toMatchObject({ resume: { kind: 'delete', state: 's' } });
    expect(stepOf('create')).not.toHaveProperty('resume');
  });

  it('keeps the claim with the adapter and says so, unless it is to go too', () => {
    const kept = plan(record(), [claim(false)]);
    expect(kept.warnings).toEqual(['PersistentVolumeClaim/tuned-adapter is kept, because it holds the adapter: --delete-adapter deletes it too.']);
    expect(kept.steps.map(({ title }) => title).join()).not.toContain('PersistentVolumeClaim');
    const deleted = plan(record(), [claim(false)], true);
    expect(deleted.warnings).toEqual([]);
    expect(deleted.steps.map(({ title }) => title)).toContain('Delete PersistentVolumeClaim/tuned-adapter, which holds the adapter');
  });

  it('leaves to the record what the record owns', () => {
    expect(plan(record(), [claim(true)], true).steps.map(({ title }) => title).join()).not.toContain('PersistentVolumeClaim');
  });

  it('bounds every step', () => {
    expect(plan(record({ nodePool: nodePool() }), [job({})]).steps.every((step) => 'timeoutMs' in step && step.timeoutMs === 60_000)).toBe(true);
  });
});
