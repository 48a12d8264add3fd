import { describe, expect, it } from 'vitest';
import { comparePlan, diffObjects } from '../../src/flow/compare-plan.ts';
import type { Cluster } from '../../src/cluster/cluster.ts';
import type { KubernetesObject } from '../../src/domain/kubernetes.ts';
import type { Plan } from '../../src/domain/plan.ts';
import { planServing } from '../../src/plan/plan-serving.ts';
import { toServingRequest } from '../../src/plan/serving-request.ts';
import { facts, catalogue, servingFlags, templates } from '../plan/support.ts';
import { createFakeCluster } from '../support/fakes.ts';

const object = (changes: object = {}, metadata: object = {}): KubernetesObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'default', ...metadata }, ...changes });

describe('the difference of an object', () => {
  it('is nothing of what the API server keeps for itself, nor the order of keys', () => {
    const before = object({ data: { a: '1', b: '2' }, status: { x: 1 } }, { uid: 'u', resourceVersion: '7', generation: 3, creationTimestamp: 'now', managedFields: [], annotations: { 'kaito-ts/content': 'x' } });
    expect(diffObjects(before, object({ data: { b: '2', a: '1' } }, { annotations: {} }))).toBe('');
  });

  it('names both sides', () => {
    expect(diffObjects(object({ data: { a: '1' } }), object({ data: { a: '2' } }))).toMatch(/^--- live\/default\/ConfigMap\/a\n\+\+\+ wanted\/default\/ConfigMap\/a\n@@ -1,6 \+1,6 @@\n[\s\S]*^- {2}a: "1"\n\+ {2}a: "2"\n/m);
    expect(diffObjects(undefined, object())).toMatch(/^--- \/dev\/null\n\+\+\+ wanted/);
  });

  it('shows which keys of a Secret change, and no value', () => {
    const text = diffObjects(object({ kind: 'Secret', data: { same: 'c2FtZQ==', other: 'b2xk' } }), object({ kind: 'Secret', data: { same: 'c2FtZQ==', other: 'bmV3', more: 'bW9yZQ==' } }));
    expect(text).toMatch(/^-.*other: "\*\*\* \(before\)"\n[\s\S]*^\+.*other: "\*\*\* \(after\)"/m);
    expect(text).not.toMatch(/c2FtZQ|b2xk|bmV3|bW9yZQ/);
  });
});

describe('comparing a plan with a cluster', () => {
  const plan = planServing(toServingRequest(servingFlags(), 'default', catalogue, undefined, {}), facts(), templates);

  it('shows each object that would be made, the record first, and only rehearses', async () => {
    const rehearsals: (boolean | undefined)[] = [];
    const cluster: Cluster = {
      ...createFakeCluster(),
      async apply(object, options) {
        rehearsals.push(options?.dryRun);
        return { object, outcome: 'created' };
      },
    };
    const found = await Array.fromAsync(comparePlan(plan, cluster, { signal: new AbortController().signal, now: '2026-01-01T00:00:00Z' }));
    expect(found.map(({ object: { kind }, change }) => `${change} ${kind}`)).toEqual(['create ConfigMap', 'create Service', 'create Deployment']);
    expect(rehearsals).toEqual([true, true, true]);
  });

  it('does not rehearse the change of an object that goes first', async () => {
    const [job] = [object({ kind: 'Job', apiVersion: 'batch/v1', spec: { old: true } })];
    const cluster: Cluster = { ...createFakeCluster([job]), apply: () => Promise.reject(new Error('The API server refuses to change a Job.')) };
    const wanted = { ...job, spec: { old: false } };
    const steps: Plan['steps'] = [
      { kind: 'delete-object', title: '', object: { kind: 'Job', name: 'a', namespace: 'default' }, timeoutMs: 1 },
      { kind: 'apply', title: '', object: wanted, owned: true },
    ];
    const found = await Array.fromAsync(comparePlan({ ...plan, steps }, cluster, { signal: new AbortController().signal, now: '' }));
    expect(found).toMatchObject([{ change: 'replace', text: expect.stringContaining('-  old: true\n+  old: false\n') }]);
  });
});
