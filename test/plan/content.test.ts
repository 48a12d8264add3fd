import { describe, expect, it } from 'vitest';
import type { KubernetesObject } from '../../src/domain/kubernetes.ts';
import { planApplies, toStableJson } from '../../src/plan/content.ts';

const object = (data: unknown, name = 'a'): KubernetesObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, annotations: { mine: 'yes' } }, data });
const applied = (data: unknown): KubernetesObject[] => planApplies([{ object: object(data), owned: true }], []).map((step) => step.object);

describe('planApplies', () => {
  it('creates what is not there, and keeps who owns it', () => {
    expect(planApplies([{ object: object({ a: '1' }), owned: false }], [])).toEqual([
      { kind: 'apply', title: 'Create ConfigMap/a', owned: false, object: { ...object({ a: '1' }), metadata: { name: 'a', annotations: { mine: 'yes', 'kaito-ts/content': expect.stringMatching(/^[0-9a-f]{16}$/) } } } },
    ]);
  });

  it('leaves alone what is there as it is wanted, whatever the cluster added and in whatever order its keys are', () => {
    const [there] = applied({ a: '1', b: '2' });
    const found = { ...there, metadata: { ...there?.metadata, name: 'a', uid: 'uid-1', resourceVersion: '7' }, status: {} } as KubernetesObject;
    expect(planApplies([{ object: object({ b: '2', a: '1' }), owned: true }], [found])).toEqual([]);
  });

  it('changes what is there otherwise', () => {
    expect(planApplies([{ object: object({ a: '2' }), owned: true }], applied({ a: '1' })).map(({ title }) => title)).toEqual(['Change ConfigMap/a']);
  });

  it('changes what somebody else made under the same name', () => {
    expect(planApplies([{ object: object({ a: '1' }), owned: true }], [object({ a: '1' })]).map(({ title }) => title)).toEqual(['Change ConfigMap/a']);
  });

  it('does not mix up names and kinds', () => {
    const [there] = applied({ a: '1' });
    expect(planApplies([{ object: object({ a: '1' }, 'b'), owned: true }], there ? [there] : [])).toHaveLength(1);
    expect(planApplies([{ object: { ...object({ a: '1' }), kind: 'Secret' }, owned: true }], there ? [there] : [])).toHaveLength(1);
  });
});

describe('toStableJson', () => {
  it('is the same for equal values and keeps the order of lists', () => {
    expect(toStableJson({ b: [{ d: 1, c: 2 }], a: null })).toBe('{"a":null,"b":[{"c":2,"d":1}]}');
    expect(toStableJson([1, 2])).not.toBe(toStableJson([2, 1]));
  });
});
