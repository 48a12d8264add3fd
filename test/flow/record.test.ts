import { describe, expect, it } from 'vitest';
import type { KubernetesObject } from '../../src/domain/kubernetes.ts';
import type { OwnerRecord } from '../../src/domain/record.ts';
import { parseRecord, renderRecord } from '../../src/flow/record.ts';
import { nodePool, record, servingWorkspace } from './support.ts';

const stored = (owner: OwnerRecord, data: Record<string, string | undefined> = {}): KubernetesObject => {
  const rendered = renderRecord(owner);
  return { ...rendered, metadata: { ...rendered.metadata, uid: 'uid-1' }, data: Object.fromEntries(Object.entries({ ...Object(rendered['data']), ...data }).filter(([, text]) => text !== undefined)) };
};

describe('the owner record', () => {
  it.each<[string, OwnerRecord]>([
    ['a workspace alone', record()],
    ['a pool that was asked for', record({ nodePool: nodePool({ operation: { kind: 'create', state: '{"a":1}' } }) })],
    ['a pool that was given back', record({ nodePool: nodePool({ releasedAt: '2026-01-02T00:00:00Z' }) })],
    ['a result', record({ revision: 3, result: { outcome: 'Succeeded', finishedAt: '2026-01-02T00:00:00Z', steps: 10, finalLoss: 0.5, adapter: { kind: 'claim', claimName: 'tuned-adapter', path: '' } } })],
    ['a served workspace', record({ workspace: servingWorkspace() })],
  ])('reads back what it wrote: %s', (_, owner) => {
    expect(parseRecord(stored(owner))).toEqual({ uid: 'uid-1', record: owner });
  });

  it('is found by labels, and carries the revision as the operator\'s objects do', () => {
    expect(renderRecord(record({ revision: 4 })).metadata).toEqual({
      name: 'tuned-kaito',
      namespace: 'default',
      labels: { 'app.kubernetes.io/managed-by': 'kaito-ts', 'kaito-ts/record': 'true', 'kaito.sh/workspace': 'tuned' },
      annotations: { 'workspace.kaito.io/revision': '4' },
    });
  });

  it('is not somebody else\'s ConfigMap of the same name', () => {
    expect(parseRecord({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'tuned-kaito', uid: 'uid-1' }, data: { 'workspace.json': '{}' } })).toBeUndefined();
  });

  const text = (value: unknown): string => JSON.stringify(value);
  it.each<[string, string, Record<string, string | undefined>]>([
    ['no workspace', 'workspace.json', { 'workspace.json': undefined }],
    ['a workspace that is no JSON', 'workspace.json', { 'workspace.json': '{' }],
    ['a workspace of no kind', 'workspace.json', { 'workspace.json': text({ ...servingWorkspace(), inference: undefined }) }],
    ['a workspace without a preset', 'workspace.json', { 'workspace.json': text({ ...servingWorkspace(), inference: {} }) }],
    ['a workspace of another name', 'workspace.json', { 'workspace.json': text(servingWorkspace()) }],
    ['a pool that is no JSON', 'node-pool.json', { 'node-pool.json': 'kpool' }],
    ['a pool without its place', 'node-pool.json', { 'node-pool.json': text({ name: 'kpool', instanceType: 'Standard_NV36ads_A10_v5', count: 1 }) }],
    ['a pool without a count', 'node-pool.json', { 'node-pool.json': text({ ...nodePool(), count: undefined }) }],
    ['a result of no outcome', 'result.json', { 'result.json': '{}' }],
  ])('refuses to go on with %s, and says which part is damaged', (_, key, data) => {
    expect(() => parseRecord(stored(record(), data))).toThrow(expect.objectContaining({ name: 'ConflictError', reason: 'RecordDamaged', message: 'The owner record ConfigMap/tuned-kaito cannot be read.', fact: `Its ${key} is not what kaito-ts writes.` }));
  });

  it('begins to count again where only the count is damaged', () => {
    expect(parseRecord(stored(record({ revision: 5 }), { revision: 'many' }))?.record.revision).toBe(1);
  });
});
