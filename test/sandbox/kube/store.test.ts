import { describe, expect, it } from 'vitest';
import { StatusError } from '../../../src/sandbox/kube/errors.ts';
import { type Change, createStore } from '../../../src/sandbox/kube/store.ts';
import { configMap, deployment } from './support.ts';

const now = () => new Date('2026-01-02T03:04:05.678Z');

const refusalOf = (action: () => unknown): StatusError => {
  try {
    action();
  } catch (error) {
    if (error instanceof StatusError) return error;
    throw error;
  }
  throw new Error('It was not refused.');
};

describe('the store', () => {
  it('gives a new object a uid, a version and the time in whole seconds, and a generation when it has a spec', () => {
    const store = createStore({ now });
    const created = store.create('deployments.apps', deployment());
    expect(created.metadata).toMatchObject({ resourceVersion: '1', creationTimestamp: '2026-01-02T03:04:05Z', generation: 1 });
    expect(created.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(store.create('configmaps', configMap()).metadata).not.toHaveProperty('generation');
  });

  it('hands out objects that nobody can change', () => {
    const store = createStore({ now });
    const created = store.create('configmaps', configMap());
    expect(() => Object.assign(created.metadata, { name: 'other' })).toThrow(TypeError);
    expect(() => Object.assign(Object(store.list('configmaps')[0]).data, { key: 'other' })).toThrow(TypeError);
  });

  it('makes no new version of a change that changes nothing', () => {
    const store = createStore({ now });
    store.create('configmaps', configMap());
    const same = store.update('configmaps', 'default', 'settings', (object) => Object.assign(object, { data: { key: 'value' } }));
    expect(same.metadata.resourceVersion).toBe('1');
    expect(store.resourceVersion).toBe('1');
  });

  it('bumps the generation for a changed spec, and neither for metadata nor for the status', () => {
    const store = createStore({ now });
    store.create('deployments.apps', deployment());
    const change = (fields: object, options = {}) =>
      store.update('deployments.apps', 'default', 'web', (object) => Object.assign(object, fields), options).metadata.generation;
    expect(change({ status: { replicas: 1 } }, { subresource: 'status' })).toBe(1);
    expect(change({ spec: { replicas: 3 } })).toBe(2);
    expect(store.update('deployments.apps', 'default', 'web', ({ metadata }) => Object.assign(metadata, { labels: { a: 'b' } })).metadata.generation).toBe(2);
  });

  it('refuses a stale version in the words of the API', () => {
    const store = createStore({ now });
    store.create('deployments.apps', deployment());
    store.update('deployments.apps', 'default', 'web', (object) => Object.assign(object, { spec: { replicas: 2 } }));
    const refusal = refusalOf(() => store.update('deployments.apps', 'default', 'web', ({ metadata }) => Object.assign(metadata, { resourceVersion: '1' })));
    expect(refusal).toMatchObject({ code: 409, reason: 'Conflict', details: { name: 'web', group: 'apps', kind: 'deployments' } });
    expect(refusal.message).toBe(
      'Operation cannot be fulfilled on deployments.apps "web": the object has been modified; please apply your changes to the latest version and try again',
    );
  });

  it('refuses a second object of the same name, and an update of one that is not there', () => {
    const store = createStore({ now });
    store.create('configmaps', configMap());
    expect(refusalOf(() => store.create('configmaps', configMap())).message).toBe('configmaps "settings" already exists');
    expect(refusalOf(() => store.update('configmaps', 'default', 'none', () => {})).message).toBe('configmaps "none" not found');
  });

  it('keeps an object with finalizers, marked, until the last of them is taken away', () => {
    const store = createStore({ now });
    const told: string[] = [];
    store.subscribe(({ type }) => told.push(type));
    const object = configMap();
    store.create('configmaps', { ...object, metadata: { ...object.metadata, finalizers: ['a/b', 'c/d'] } });
    expect(store.delete('configmaps', 'default', 'settings').metadata).toMatchObject({ deletionTimestamp: '2026-01-02T03:04:05Z', deletionGracePeriodSeconds: 0 });
    expect(store.delete('configmaps', 'default', 'settings').metadata.resourceVersion).toBe('2');
    store.update('configmaps', 'default', 'settings', ({ metadata }) => Object.assign(metadata, { finalizers: ['c/d'] }));
    expect(store.get('configmaps', 'default', 'settings')).toBeDefined();
    store.update('configmaps', 'default', 'settings', ({ metadata }) => Object.assign(metadata, { finalizers: [] }));
    expect(store.get('configmaps', 'default', 'settings')).toBeUndefined();
    expect(told).toEqual(['ADDED', 'MODIFIED', 'MODIFIED', 'DELETED']);
  });

  it('leaves an object its grace period, and removes it when there is none left', () => {
    const store = createStore({ now });
    store.create('pods', { ...configMap('p'), kind: 'Pod' });
    expect(store.delete('pods', 'default', 'p', { gracePeriodSeconds: 30 }).metadata).toMatchObject({
      deletionTimestamp: '2026-01-02T03:04:35Z',
      deletionGracePeriodSeconds: 30,
    });
    expect(store.get('pods', 'default', 'p')).toBeDefined();
    store.delete('pods', 'default', 'p');
    expect(store.get('pods', 'default', 'p')).toBeUndefined();
  });

  it('tries a write without keeping it or telling anybody', () => {
    const store = createStore({ now });
    store.create('configmaps', configMap());
    const told: Change[] = [];
    store.subscribe((change) => told.push(change));
    expect(store.create('configmaps', configMap('tried'), { dryRun: true }).metadata.uid).toBeTruthy();
    store.update('configmaps', 'default', 'settings', (object) => Object.assign(object, { data: {} }), { dryRun: true });
    store.delete('configmaps', 'default', 'settings', { dryRun: true });
    expect(told).toEqual([]);
    expect(store.resourceVersion).toBe('1');
    expect(store.list('configmaps').map(({ metadata }) => metadata.name)).toEqual(['settings']);
  });

  it('tells each listener every change in order, also those that another listener makes', () => {
    const store = createStore({ now });
    const versions: string[] = [];
    store.subscribe(({ type, object }) => {
      if (type === 'ADDED') store.update('configmaps', 'default', object.metadata.name, ({ metadata }) => Object.assign(metadata, { labels: { seen: 'yes' } }));
    });
    store.subscribe(({ object }) => versions.push(object.metadata.resourceVersion));
    store.create('configmaps', configMap('a'));
    expect(versions).toEqual(['1', '2']);
  });

  it('resumes from a version, and says Expired when that is too long ago', () => {
    const store = createStore({ now, historyLength: 3 });
    for (const name of ['a', 'b', 'c', 'd']) store.create('configmaps', configMap(name));
    expect(store.changesSince('2', 'configmaps').map(({ object }) => object.metadata.name)).toEqual(['c', 'd']);
    expect(store.changesSince('1', 'configmaps')).toHaveLength(3);
    expect(refusalOf(() => store.changesSince('0', 'configmaps'))).toMatchObject({ code: 410, reason: 'Expired' });
  });

  it('can list what there was at an earlier version', () => {
    const store = createStore({ now });
    store.create('configmaps', configMap('a'));
    store.create('configmaps', configMap('b', { key: 'old' }));
    store.delete('configmaps', 'default', 'a');
    store.update('configmaps', 'default', 'b', (object) => Object.assign(object, { data: { key: 'new' } }));
    store.create('configmaps', configMap('c'));
    expect(store.listAt('2', 'configmaps').map(({ metadata, data }) => [metadata.name, Object(data).key])).toEqual([
      ['a', 'value'],
      ['b', 'old'],
    ]);
  });
});
