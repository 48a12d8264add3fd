import { describe, expect, it } from 'vitest';
import { findServedWorkspace, findServerPod, whenSilent } from '../../src/flow/find-server.ts';
import { createFakeCluster } from '../support/fakes.ts';
import { container, pod } from './support.ts';

const { signal } = new AbortController();
const serverOf = (workspace: string, changes: Parameters<typeof pod>[0] = {}) => pod({ name: workspace, ...changes, labels: { 'kaito.sh/workspace': workspace, ...changes.labels } });
const tuning = pod({ name: 'tuned-1', labels: { 'kaito.sh/workspace': 'tuned', 'batch.kubernetes.io/job-name': 'tuned' } });

describe('findServedWorkspace', () => {
  it('takes the only one when none is named, and no tuning for one', async () => {
    expect(await findServedWorkspace(createFakeCluster([serverOf('served'), tuning]), undefined, signal)).toBe('served');
  });

  it('takes the one that is named', async () => {
    expect(await findServedWorkspace(createFakeCluster([serverOf('a'), serverOf('b')]), 'b', signal)).toBe('b');
  });

  it('counts the pods of one workspace once', async () => {
    expect(await findServedWorkspace(createFakeCluster([serverOf('a', { name: 'a-0' }), serverOf('a', { name: 'a-1' })]), undefined, signal)).toBe('a');
  });

  it('lists them when there are several', async () => {
    await expect(findServedWorkspace(createFakeCluster([serverOf('b'), serverOf('a')]), undefined, signal)).rejects.toMatchObject({ name: 'UsageError', reason: 'SeveralServers', hints: ['kaito-ts chat a', 'kaito-ts chat b'] });
  });

  it('names those that are served when another is asked for, as a word to say may be taken for a name', async () => {
    await expect(findServedWorkspace(createFakeCluster([serverOf('a'), tuning]), 'hello', signal)).rejects.toMatchObject({ reason: 'ServerNotFound', hints: ['kaito-ts chat a'] });
  });

  it.each([[undefined, 'No model is served in namespace default of test.'], ['tuned', 'No model is served as tuned in namespace default of test.']])('says when there is none: %s', async (name, message) => {
    await expect(findServedWorkspace(createFakeCluster([tuning]), name, signal)).rejects.toMatchObject({ name: 'NotFoundError', message });
  });
});

describe('findServerPod', () => {
  it('takes the newest that runs, and of several nodes the leader', async () => {
    const cluster = createFakeCluster([
      serverOf('a', { name: 'old', createdAt: '2026-01-01T00:00:00Z' }),
      serverOf('a', { name: 'new', createdAt: '2026-01-02T00:00:00Z' }),
      serverOf('a', { name: 'newest-and-pending', phase: 'Pending', createdAt: '2026-01-03T00:00:00Z' }),
      serverOf('a', { name: 'worker', createdAt: '2026-01-04T00:00:00Z', labels: { 'apps.kubernetes.io/pod-index': '1' } }),
    ]);
    expect(await findServerPod(cluster, 'a', signal)).toEqual({ name: 'new', namespace: 'default' });
  });

  it('says when none runs', async () => {
    await expect(findServerPod(createFakeCluster([serverOf('a', { phase: 'Pending' })]), 'a', signal)).rejects.toMatchObject({ name: 'NotFoundError', reason: 'PodNotFound' });
  });
});

describe('whenSilent', () => {
  it.each([
    ['a pod that does not run yet', [serverOf('a', { phase: 'Pending' })], 'its pod does not run yet'],
    ['a pod that is being deleted, before the next one is there', [{ ...serverOf('a'), metadata: { ...serverOf('a').metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }], 'its pod does not run yet'],
    ['a pod that runs, of which the server itself must tell', [serverOf('a')], undefined],
  ])('explains %s', async (_, pods, expected) => {
    expect(await whenSilent(createFakeCluster(pods), 'a').explain(signal)).toBe(expected);
  });

  const crashed = (state: Parameters<typeof container>[1]) => createFakeCluster([serverOf('a', { restartPolicy: 'Always', containers: [container('a', state, { ready: false, restartCount: 3, lastState: { terminated: { exitCode: 1 } } })] })]);

  it('waits for a server that loads after it has crashed', async () => {
    expect(await whenSilent(crashed({ running: {} }), 'a').explain(signal)).toBe('container "a" runs again after 3 restarts; last termination: exit code 1');
  });

  it('does not wait for one that crashes on', async () => {
    await expect(whenSilent(crashed({ waiting: { reason: 'CrashLoopBackOff' } }), 'a').explain(signal)).rejects.toMatchObject({ name: 'WorkloadError', reason: 'ContainerCrashLoopBackOff' });
  });
});
