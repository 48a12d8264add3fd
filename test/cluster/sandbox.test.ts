import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import type { Cluster } from '../../src/cluster/cluster.ts';
import type { KubernetesObject } from '../../src/domain/kubernetes.ts';
import { configMap, createTestLog, deployment, pod, startTestApi, type TestApi, type TestApiOptions, token } from '../sandbox/kube/support.ts';
import { connectTo, failureOf, portOf, until } from './support.ts';

/** The same client against the sandbox's API server, which was written by the protocol and not for this client. */
const start = async (options: TestApiOptions = {}): Promise<{ api: TestApi; cluster: Cluster }> => {
  const api = await startTestApi(options);
  onTestFinished(async () => await api.close());
  return { api, cluster: await connectTo(api, { user: { token } }) };
};

const toManifest = ({ kind, apiVersion, metadata: { name, namespace = '' }, ...rest }: KubernetesObject): KubernetesObject => ({ kind, apiVersion, metadata: { name, namespace }, ...rest });

test('an object is created, left alone, changed, read and deleted', async () => {
  const { cluster } = await start();
  const wanted = toManifest(configMap());
  expect(await cluster.apply(wanted)).toMatchObject({ outcome: 'created' });
  expect(await cluster.apply(wanted)).toMatchObject({ outcome: 'unchanged' });
  const changed = { ...wanted, data: { key: 'other' } };
  expect(await cluster.apply(changed, { dryRun: true })).toMatchObject({ outcome: 'configured' });
  expect((await cluster.get('ConfigMap', 'settings'))?.data).toEqual({ key: 'value' });
  expect(await cluster.apply(changed)).toMatchObject({ outcome: 'configured' });
  expect(await cluster.apply(changed, { dryRun: true })).toMatchObject({ outcome: 'unchanged' });
  expect((await cluster.list('ConfigMap')).map(({ kind, data }) => ({ kind, data }))).toEqual([{ kind: 'ConfigMap', data: { key: 'other' } }]);
  expect(await failureOf(cluster.delete('ConfigMap', 'settings', { uid: 'another' }))).toMatchObject({ name: 'ConflictError' });
  expect(await cluster.delete('ConfigMap', 'settings')).toBe(true);
  expect(await cluster.delete('ConfigMap', 'settings')).toBe(false);
  expect(await cluster.get('ConfigMap', 'settings')).toBeUndefined();
});

test('a rehearsal creates nothing', async () => {
  const { cluster } = await start();
  expect(await cluster.apply(toManifest(deployment()), { dryRun: true })).toMatchObject({ outcome: 'created' });
  expect(await cluster.get('Deployment', 'web')).toBeUndefined();
});

test('a field of another manager is a conflict that names it, until it is taken over', async () => {
  const { api, cluster } = await start();
  await cluster.apply(toManifest(deployment('web', { replicas: 1 })));
  await api.send('PATCH', '/apis/apps/v1/namespaces/default/deployments/web?fieldManager=somebody&force=true', { contentType: 'application/apply-patch+yaml', body: deployment('web', { replicas: 3 }) });
  const failure = await failureOf(cluster.apply(toManifest(deployment('web', { replicas: 1 }))));
  expect(failure).toMatchObject({ name: 'ConflictError', reason: 'FieldManagerConflict', message: 'Deployment/web has fields that are managed by somebody (.spec.replicas).' });
  expect(await cluster.apply(toManifest(deployment('web', { replicas: 1 })), { force: true })).toMatchObject({ outcome: 'configured', object: { spec: { replicas: 1 } } });
});

test('an object that is invalid, and a namespace that is not there, are told', async () => {
  const { cluster } = await start();
  expect(await failureOf(cluster.apply({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec: {} }))).toMatchObject({ name: 'UsageError', reason: 'Invalid' });
  expect(await failureOf(cluster.apply({ ...configMap(), metadata: { name: 'x', namespace: 'nowhere' } }))).toMatchObject({ name: 'NotFoundError', reason: 'NamespaceNotFound' });
});

test('a permission that is missing is told with the words of the server', async () => {
  const { cluster } = await start({ authorize: ({ verb }) => verb !== 'list' });
  expect(await failureOf(cluster.list('Pod'))).toMatchObject({ name: 'AccessError', reason: 'Forbidden', fact: expect.stringContaining('User "ada" cannot list resource "pods"') });
});

test('a token that nobody knows is a login that failed', async () => {
  const { api } = await start();
  const cluster = await connectTo(api, { user: { token: 'unknown' } });
  expect(await failureOf(cluster.list('Pod'))).toMatchObject({ name: 'AccessError', reason: 'Unauthorized' });
});

const toObject = (count: number): KubernetesObject => configMap(`c${String(count).padStart(3, '0')}`);

test.each([
  ['that is quiet', {}],
  ['whose connections are cut after a few events', { faults: ['watch-cut'] }],
  ['that forgets after a few events', { faults: ['watch-gone'] }],
  ['that remembers little', { faults: ['watch-cut'], historyLength: 3 }],
] satisfies [string, TestApiOptions][])('a watch of a server %s tells of each object once, and of its end', async (_title, options) => {
  const { api, cluster } = await start(options);
  for (let count = 0; count < 5; count += 1) await api.send('POST', '/api/v1/namespaces/default/configmaps', { body: toObject(count) });
  const controller = new AbortController();
  const present = new Set<string>();
  const told: string[] = [];
  const watching = (async () => {
    for await (const event of cluster.watch('ConfigMap', { signal: controller.signal })) {
      if (event.type === 'synced') told.push('synced');
      else {
        const { name } = event.object.metadata;
        told.push(`${event.type} ${name}`);
        if (event.type === 'deleted') present.delete(name);
        else present.add(name);
      }
      if (told.includes('deleted c000') && present.size === 24) controller.abort();
    }
  })();
  await until(() => told.includes('synced'), 'the first list');
  for (let count = 5; count < 25; count += 1) {
    await api.send('POST', '/api/v1/namespaces/default/configmaps', { body: toObject(count) });
    await until(() => present.has(toObject(count).metadata.name), `the news of object ${count}`);
  }
  await api.send('DELETE', '/api/v1/namespaces/default/configmaps/c000');
  const timer = setTimeout(() => controller.abort(), 60_000);
  await watching;
  clearTimeout(timer);
  expect([...present].toSorted()).toEqual(Array.from({ length: 24 }, (_, count) => toObject(count + 1).metadata.name));
  expect(told.indexOf('synced')).toBe(5);
  expect(new Set(told).size).toBe(told.length);
});

test('a log is followed to its end', async () => {
  const { api, cluster } = await start();
  await startPod(api, cluster);
  const log = createTestLog();
  api.runtime.logs.set('web/main', log);
  log.write('grüße\n');
  const seen: string[] = [];
  for await (const chunk of cluster.logs('web', { follow: true })) {
    seen.push(chunk);
    if (seen.length === 1) {
      log.write('🚀\n');
      log.end();
    }
  }
  expect(seen.join('')).toBe('grüße\n🚀\n');
});

test('the log of a container that waits is a reason to wait', async () => {
  const { api, cluster } = await start();
  await startPod(api, cluster, { waiting: { reason: 'ContainerCreating' } });
  expect(await failureOf(Array.fromAsync(cluster.logs('web', {})))).toMatchObject({ name: 'FailedError', reason: 'ContainerWaiting' });
});

test('a port is forwarded, both ways and to its end, and one where nothing listens is told', async () => {
  const { api, cluster } = await start();
  await startPod(api, cluster);
  // Answers the first words it hears: the protocol has no way to say that there will be no more.
  const echo = createServer({ allowHalfOpen: true }, (socket) => socket.once('data', (words) => socket.end(`heard ${words.length}`)));
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void echo.close());
  api.runtime.ports.set(5002, portOf(echo));
  const greeter = createServer((socket) => socket.end('hello'));
  await new Promise<void>((resolve) => greeter.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void greeter.close());
  api.runtime.ports.set(5001, portOf(greeter));
  expect(await text(await cluster.connect('web', 5001, {}))).toBe('hello');
  const sum = (await cluster.connect('web', 5002, {}));
  sum.write('word');
  expect(await text(sum)).toBe('heard 4');
  expect(await failureOf(cluster.connect('web', 4000, {}).then(async (stream) => await text(stream)))).toMatchObject({ reason: 'PortRefused' });
  expect(await failureOf(cluster.connect('gone', 5000, {}))).toMatchObject({ name: 'NotFoundError', reason: 'NotFound' });
});

/** What the scheduler and the kubelet would do. */
const startPod = async (api: TestApi, cluster: Cluster, state: object = { running: { startedAt: new Date().toISOString() } }): Promise<void> => {
  await cluster.apply(toManifest(pod('web', { nodeName: 'node-1' })));
  const status = { phase: 'Running', containerStatuses: [{ name: 'main', ready: true, restartCount: 0, image: 'x', imageID: 'x', started: true, state }] };
  const { code, text: words } = await api.send('PATCH', '/api/v1/namespaces/default/pods/web/status', { contentType: 'application/merge-patch+json', body: { status } });
  if (code !== 200) throw new Error(words);
};

test('the version of the server is told', async () => {
  const { cluster } = await start();
  expect(await cluster.serverVersion()).toMatch(/^v\d+\.\d+\.\d+$/);
});
