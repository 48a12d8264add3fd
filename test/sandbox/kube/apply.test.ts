import { describe, expect, it } from 'vitest';
import type { KubernetesObject } from '../../../src/domain/kubernetes.ts';
import { applyConfiguration, recordUpdate, type Writer } from '../../../src/sandbox/kube/apply.ts';
import { StatusError } from '../../../src/sandbox/kube/errors.ts';
import { describePath, fromFieldsV1, sortedPaths, toFieldsV1 } from '../../../src/sandbox/kube/field-set.ts';
import { type JsonRecord, listAt, recordAt, textAt, valueAt } from '../../../src/sandbox/kube/json.ts';

const writer = (manager: string, rest: Partial<Writer> = {}): Writer & { force: boolean } => ({
  manager,
  now: new Date('2026-01-02T03:04:05Z'),
  force: false,
  ...rest,
});

const web = (spec: JsonRecord = {}, metadata: JsonRecord = {}): KubernetesObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', ...metadata },
  spec,
});

const withContainer = (container: JsonRecord): KubernetesObject => web({ template: { spec: { containers: [{ name: 'main', ...container }] } } });

const apply = (live: KubernetesObject | undefined, object: KubernetesObject, manager: string, rest: object = {}): KubernetesObject =>
  applyConfiguration(live, object, { ...writer(manager), ...rest });

const fieldsOf = (object: KubernetesObject, manager: string): unknown =>
  valueAt(listAt(object, 'metadata', 'managedFields').find((entry) => textAt(entry, 'manager') === manager), 'fieldsV1');

const containerOf = (object: KubernetesObject): JsonRecord => Object(listAt(object, 'spec', 'template', 'spec', 'containers')[0]);

const conflictOf = (action: () => unknown): StatusError => {
  try {
    action();
  } catch (error) {
    if (error instanceof StatusError) return error;
    throw error;
  }
  throw new Error('It was not refused.');
};

describe('server-side apply', () => {
  it('writes down which fields the manager applied, list items by their keys', () => {
    const applied = apply(undefined, withContainer({ image: 'a', ports: [{ containerPort: 80 }], args: ['x'] }), 'me');
    expect(fieldsOf(applied, 'me')).toEqual({
      'f:spec': {
        'f:template': {
          'f:spec': {
            'f:containers': {
              'k:{"name":"main"}': {
                '.': {},
                'f:args': {},
                'f:image': {},
                'f:name': {},
                'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } },
              },
            },
          },
        },
      },
    });
    expect(listAt(applied, 'metadata', 'managedFields')[0]).toMatchObject({
      manager: 'me',
      operation: 'Apply',
      apiVersion: 'apps/v1',
      fieldsType: 'FieldsV1',
      time: '2026-01-02T03:04:05Z',
    });
  });

  it('leaves everything as it is when the same is applied again, its time included', () => {
    const first = apply(undefined, web({ replicas: 1 }), 'me');
    expect(apply(first, web({ replicas: 1 }), 'me', { now: new Date('2027-01-01T00:00:00Z') })).toEqual(first);
  });

  it('removes a field that its manager no longer names, and keeps one that somebody else owns too', () => {
    const first = apply(undefined, web({ replicas: 1, paused: true }), 'me');
    const shared = apply(first, web({ replicas: 1 }), 'other');
    expect(apply(shared, web({ minReadySeconds: 5 }), 'me')['spec']).toEqual({ replicas: 1, minReadySeconds: 5 });
  });

  it('removes a list item with what defaulting added to it, and keeps the items of others', () => {
    const both = { template: { spec: { containers: [{ name: 'a', image: 'x' }, { name: 'b', image: 'y' }] } } };
    const applied = apply(undefined, web(both), 'me');
    const defaulted = structuredClone(applied);
    Object.assign(Object(listAt(defaulted, 'spec', 'template', 'spec', 'containers')[1]), { imagePullPolicy: 'Always' });
    const sidecar = apply(defaulted, web({ template: { spec: { containers: [{ name: 'side', image: 'z' }] } } }), 'injector');
    const after = apply(sidecar, web({ template: { spec: { containers: [{ name: 'a', image: 'x' }] } } }), 'me');
    expect(listAt(after, 'spec', 'template', 'spec', 'containers').map((container) => textAt(container, 'name'))).toEqual(['a', 'side']);
  });

  it('merges list items by key, with the order of the configuration', () => {
    const live = apply(undefined, withContainer({ env: [{ name: 'A', value: '1' }, { name: 'B', value: '2' }] }), 'me');
    const after = apply(live, withContainer({ env: [{ name: 'C', value: '3' }, { name: 'B', value: '2' }] }), 'other');
    expect(containerOf(after)['env']).toEqual([{ name: 'A', value: '1' }, { name: 'C', value: '3' }, { name: 'B', value: '2' }]);
  });

  it('replaces lists and maps that are one value', () => {
    const live = apply(undefined, web({ selector: { matchLabels: { a: '1' } }, template: { spec: { tolerations: [{ key: 'a' }] } } }), 'me');
    const after = apply(live, web({ selector: { matchLabels: { b: '2' } }, template: { spec: { tolerations: [{ key: 'b' }] } } }), 'me');
    expect(after['spec']).toEqual({ selector: { matchLabels: { b: '2' } }, template: { spec: { tolerations: [{ key: 'b' }] } } });
  });

  it('refuses to change what another manager applied, naming the field', () => {
    const live = apply(undefined, web({ replicas: 1 }), 'other');
    const refusal = conflictOf(() => apply(live, web({ replicas: 2 }), 'me'));
    expect(refusal).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message: 'Apply failed with 1 conflict: conflict with "other": .spec.replicas',
      details: { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "other"', field: '.spec.replicas' }] },
    });
  });

  it('lists all conflicts by manager, and says how an updating manager wrote', () => {
    const created = recordUpdate(undefined, withContainer({ image: 'a' }), writer('kubectl'));
    const live = apply(created, web({ replicas: 1 }), 'other');
    const wanted = web({ replicas: 2, template: { spec: { containers: [{ name: 'main', image: 'b' }] } } });
    expect(conflictOf(() => apply(live, wanted, 'me')).message).toBe(
      'Apply failed with 2 conflicts: conflicts with "kubectl" using apps/v1:\n' +
        '- .spec.template.spec.containers[name="main"].image\n' +
        'conflicts with "other":\n- .spec.replicas',
    );
  });

  it('takes fields over by force, so that the other manager no longer owns them', () => {
    const live = apply(undefined, web({ replicas: 1, paused: true }), 'other');
    const after = apply(live, web({ replicas: 2 }), 'me', { force: true });
    expect(recordAt(after, 'spec')['replicas']).toBe(2);
    expect(fieldsOf(after, 'other')).toEqual({ 'f:spec': { 'f:paused': {} } });
    expect(fieldsOf(after, 'me')).toEqual({ 'f:spec': { 'f:replicas': {} } });
  });

  it('shares a field that both give the same value', () => {
    const after = apply(apply(undefined, web({ replicas: 1 }), 'other'), web({ replicas: 1 }), 'me');
    expect(fieldsOf(after, 'other')).toEqual(fieldsOf(after, 'me'));
  });

  it('does not let the main resource write the status', () => {
    const after = apply(undefined, { ...web({ replicas: 1 }), status: { replicas: 9 } }, 'me', { ignoredFields: ['status'] });
    expect(after).not.toHaveProperty('status');
  });

  it('holds fields that were there before anybody applied for a manager of that name', () => {
    const after = apply(web({ replicas: 1, paused: true }), web({ replicas: 1 }), 'me');
    expect(fieldsOf(after, 'before-first-apply')).toEqual({ 'f:spec': { 'f:paused': {}, 'f:replicas': {} } });
  });
});

describe('other writes', () => {
  it('make the writer the owner of what it changed, and nobody else', () => {
    const live = apply(undefined, web({ replicas: 1, paused: true }), 'me');
    const after = recordUpdate(live, { ...live, spec: { replicas: 5, paused: true } }, writer('scaler', { subresource: 'scale' }));
    expect(fieldsOf(after, 'me')).toEqual({ 'f:spec': { 'f:paused': {} } });
    expect(listAt(after, 'metadata', 'managedFields').at(-1)).toMatchObject({ manager: 'scaler', operation: 'Update', subresource: 'scale' });
  });

  it('keep the managers when a client leaves them out, and drop them when it asks for none', () => {
    const live = apply(undefined, web({ replicas: 1 }), 'me');
    expect(fieldsOf(recordUpdate(live, web({ replicas: 1 }), writer('tool')), 'me')).toBeDefined();
    const reset = recordUpdate(live, web({ replicas: 1 }, { managedFields: [{}] }), writer('tool'));
    expect(reset.metadata).not.toHaveProperty('managedFields');
  });
});

describe('field sets', () => {
  it('survive being written and read', () => {
    const fields = { 'f:a': { '.': {}, 'f:b': {}, 'k:{"name":"x"}': { '.': {}, 'f:c': {} }, 'v:"y"': {} } };
    expect(toFieldsV1(fromFieldsV1(fields))).toEqual(fields);
    expect(sortedPaths(fromFieldsV1(fields)).map(describePath)).toEqual(['.a', '.a.b', '.a[name="x"]', '.a[="y"]', '.a[name="x"].c']);
  });
});
