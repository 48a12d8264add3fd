import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OwnerReference } from '../../../src/domain/kubernetes.ts';
import type { StoredObject } from '../../../src/sandbox/kube/store.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';

describe('garbage collection', () => {
  let cluster: TestCluster;
  beforeEach(() => {
    cluster = startCluster({ withKubelet: false });
  });
  afterEach(() => cluster.stop());

  const configMap = (name: string, owners: OwnerReference[] = [], finalizers: string[] = []) =>
    cluster.create('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', ownerReferences: owners, finalizers } });

  const ownedBy = ({ apiVersion, kind, metadata: { name, uid } }: StoredObject, blockOwnerDeletion = false): OwnerReference => ({ apiVersion, kind, name, uid, blockOwnerDeletion });

  it('deletes in the background what has lost its owner, and what that owned', async () => {
    const owner = configMap('owner');
    const child = configMap('child', [ownedBy(owner)]);
    configMap('grandchild', [ownedBy(child)]);
    configMap('stranger');
    cluster.store.delete('configmaps', 'default', 'owner');
    await cluster.until('all gone', () => cluster.list('configmaps').length === 1);
    expect(cluster.list('configmaps').map(({ metadata }) => metadata.name)).toEqual(['stranger']);
  });

  it('keeps what still has another owner, and takes the lost one off it', async () => {
    const [first, second] = [configMap('first'), configMap('second')];
    configMap('child', [ownedBy(first), ownedBy(second)]);
    cluster.store.delete('configmaps', 'default', 'first');
    await cluster.until('one owner', () => cluster.get('configmaps', 'child')?.metadata.ownerReferences?.length === 1);
    expect(cluster.get('configmaps', 'child')?.metadata.ownerReferences?.[0]?.name).toBe('second');
  });

  it('holds an owner that is deleted in the foreground until the dependents that block it are gone', async () => {
    const owner = configMap('owner', [], ['foregroundDeletion']);
    configMap('child', [ownedBy(owner, true)], ['example.com/hold']);
    cluster.store.delete('configmaps', 'default', 'owner');
    await cluster.until('child marked', () => cluster.get('configmaps', 'child')?.metadata.deletionTimestamp);
    expect(cluster.get('configmaps', 'owner')?.metadata.finalizers).toEqual(['foregroundDeletion']);
    cluster.store.update('configmaps', 'default', 'child', ({ metadata }) => void delete metadata.finalizers);
    await cluster.until('owner gone', () => cluster.get('configmaps', 'owner') === undefined);
  });

  it('deletes dependents that do not block in the foreground too, without waiting for them', async () => {
    const owner = configMap('owner', [], ['foregroundDeletion']);
    configMap('child', [ownedBy(owner)], ['example.com/hold']);
    cluster.store.delete('configmaps', 'default', 'owner');
    await cluster.until('owner gone', () => cluster.get('configmaps', 'owner') === undefined);
    expect(cluster.get('configmaps', 'child')?.metadata.deletionTimestamp).toBeDefined();
  });

  it('leaves the dependents of an orphaning deletion behind, without an owner', async () => {
    const owner = configMap('owner', [], ['orphan']);
    configMap('child', [ownedBy(owner)]);
    cluster.store.delete('configmaps', 'default', 'owner');
    await cluster.until('owner gone', () => cluster.get('configmaps', 'owner') === undefined);
    expect(cluster.get('configmaps', 'child')?.metadata.ownerReferences).toBeUndefined();
  });

  it('collects what names an owner that never was', async () => {
    configMap('child', [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'ghost', uid: '9b9f8b6e-0000-4000-8000-000000000000' }]);
    await cluster.until('child gone', () => cluster.list('configmaps').length === 0);
  });
});

describe('a namespace that is deleted', () => {
  it('empties itself first and then goes', async () => {
    const cluster = startCluster({ withKubelet: false });
    cluster.create('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'held', namespace: 'default', finalizers: ['example.com/hold'] } });
    cluster.create('secrets', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'plain', namespace: 'default' } });
    cluster.store.delete('namespaces', undefined, 'default');
    await cluster.until('phase', () => cluster.get('namespaces', 'default')?.status?.phase === 'Terminating');
    await cluster.until('secret gone', () => cluster.list('secrets').length === 0);
    expect(cluster.get('namespaces', 'default')).toBeDefined();
    cluster.store.update('configmaps', 'default', 'held', ({ metadata }) => void delete metadata.finalizers);
    await cluster.until('namespace gone', () => cluster.get('namespaces', 'default') === undefined);
    await cluster.stop();
  });
});
