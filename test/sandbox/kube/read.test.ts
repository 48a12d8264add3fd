import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listAt, textAt, valueAt } from '../../../src/sandbox/kube/json.ts';
import { configMap, deployment, pod, startTestApi, type TestApi } from './support.ts';

let api: TestApi;
const now = new Date('2026-01-02T03:04:05Z');
beforeAll(async () => {
  api = await startTestApi({ historyLength: 50, now: () => now });
  for (const [name, app, tier] of [['a', 'web', 'front'], ['b', 'web', 'back'], ['c', 'db', 'back']] as const) {
    api.store.create('configmaps', { ...configMap(name), metadata: { name, namespace: 'default', labels: { app, tier } } });
  }
  api.store.create('configmaps', { ...configMap('plain'), metadata: { name: 'plain', namespace: 'default' } });
  api.store.create('pods', { ...pod('running', { nodeName: 'node-1' }), status: { phase: 'Running' } });
  api.store.create('pods', { ...pod('failed', { nodeName: 'node-2' }), status: { phase: 'Failed' } });
});
afterAll(() => api.close());

const configMaps = '/api/v1/namespaces/default/configmaps';
const namesOf = (body: unknown): (string | undefined)[] => listAt(body, 'items').map((item) => textAt(item, 'metadata', 'name'));

describe('listing', () => {
  it('answers with the kind of the list and the version it was read at', async () => {
    const { body } = await api.send('GET', configMaps);
    expect(body).toMatchObject({ kind: 'ConfigMapList', apiVersion: 'v1', metadata: { resourceVersion: api.store.resourceVersion } });
    expect(namesOf(body)).toEqual(['a', 'b', 'c', 'plain']);
    expect(listAt(body, 'items')[0]).not.toHaveProperty('kind');
  });

  it('waits for a version that is about to come', async () => {
    const next = String(Number(api.store.resourceVersion) + 1);
    const asked = api.send('GET', `${configMaps}?resourceVersion=${next}&labelSelector=app=late`);
    await api.send('GET', configMaps);
    api.store.create('configmaps', { ...configMap('late'), metadata: { name: 'late', namespace: 'default', labels: { app: 'late' } } });
    expect(namesOf((await asked).body)).toEqual(['late']);
    api.store.delete('configmaps', 'default', 'late');
  });

  it.each([
    ['app=web', ['a', 'b']],
    ['app==web,tier=back', ['b']],
    ['app!=web', ['c', 'plain']],
    ['app in (web, db),tier notin (front)', ['b', 'c']],
    ['app', ['a', 'b', 'c']],
    ['!app', ['plain']],
    ['tier notin (back)', ['a', 'plain']],
  ])('selects by labels: %s', async (selector, names) => {
    expect(namesOf((await api.send('GET', `${configMaps}?labelSelector=${encodeURIComponent(selector)}`)).body)).toEqual(names);
  });

  it.each([
    ['spec.nodeName=node-1', ['running']],
    ['status.phase!=Failed', ['running']],
    ['metadata.name=failed,spec.nodeName=node-2', ['failed']],
    ['metadata.namespace==default', ['failed', 'running']],
  ])('selects pods by fields: %s', async (selector, names) => {
    expect(namesOf((await api.send('GET', `/api/v1/pods?fieldSelector=${encodeURIComponent(selector)}`)).body)).toEqual(names);
  });

  it.each([
    [`${configMaps}?labelSelector=${encodeURIComponent('a in b')}`, 'unable to parse requirement'],
    [`${configMaps}?fieldSelector=data.key%3Dvalue`, '"data.key" is not a known field selector'],
    [`${configMaps}?continue=nonsense`, 'continue key is not valid'],
    [`${configMaps}?resourceVersion=abc`, 'resourceVersion: Invalid value: "abc"'],
  ])('refuses %s', async (path, message) => {
    const { code, body } = await api.send('GET', path);
    expect([code, body['reason'], textAt(body, 'message')]).toEqual([400, 'BadRequest', expect.stringContaining(message)]);
  });

  it('comes in pages of one moment, whatever happens in between', async () => {
    const first = await api.send('GET', `${configMaps}?limit=2`);
    expect(namesOf(first.body)).toEqual(['a', 'b']);
    expect(valueAt(first.body, 'metadata', 'remainingItemCount')).toBe(2);
    api.store.create('configmaps', configMap('bb'));
    const token = textAt(first.body, 'metadata', 'continue') ?? '';
    const second = await api.send('GET', `${configMaps}?limit=2&continue=${token}`);
    expect(namesOf(second.body)).toEqual(['c', 'plain']);
    expect(valueAt(second.body, 'metadata', 'resourceVersion')).toBe(valueAt(first.body, 'metadata', 'resourceVersion'));
    expect(valueAt(second.body, 'metadata', 'continue')).toBeUndefined();
    api.store.delete('configmaps', 'default', 'bb');
  });

  it('says Expired for a page of a moment that is forgotten', async () => {
    const token = textAt((await api.send('GET', `${configMaps}?limit=1`)).body, 'metadata', 'continue') ?? '';
    for (let round = 0; round < 30; round += 1) {
      api.store.create('configmaps', configMap('busy'));
      api.store.delete('configmaps', 'default', 'busy');
    }
    expect((await api.send('GET', `${configMaps}?limit=1&continue=${token}`)).body).toMatchObject({ code: 410, reason: 'Expired' });
  });
});

describe('tables', () => {
  const table = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

  it('lay out pods as kubectl shows them', async () => {
    api.store.create('pods', {
      ...pod('crashing', { containers: [{ name: 'a', image: 'x' }, { name: 'b', image: 'y' }] }),
      status: {
        phase: 'Running',
        podIP: '10.1.0.7',
        containerStatuses: [
          { name: 'a', ready: true, restartCount: 0, state: { running: {} } },
          {
            name: 'b',
            ready: false,
            restartCount: 3,
            state: { waiting: { reason: 'CrashLoopBackOff' } },
            lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-02T02:59:05Z' } },
          },
        ],
      },
    });
    const { body } = await api.send('GET', '/api/v1/namespaces/default/pods/crashing', { accept: table });
    expect(body).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' });
    expect(listAt(body, 'columnDefinitions').map((column) => textAt(column, 'name'))).toEqual([
      'Name', 'Ready', 'Status', 'Restarts', 'Age', 'IP', 'Node', 'Nominated Node', 'Readiness Gates',
    ]);
    expect(listAt(body, 'rows')[0]).toMatchObject({
      cells: ['crashing', '1/2', 'CrashLoopBackOff', '3 (5m ago)', '0s', '10.1.0.7', '<none>', '<none>', '<none>'],
      object: { kind: 'PartialObjectMetadata', metadata: { name: 'crashing' } },
    });
  });

  const containerStatus = (state: object, rest: object = {}) => ({ name: 'main', ready: false, restartCount: 0, state, ...rest });
  it.each([
    ['Pending', { phase: 'Pending' }],
    ['Init:0/2', { phase: 'Pending', initContainerStatuses: [containerStatus({ running: {} })], containerStatuses: [containerStatus({ waiting: { reason: 'PodInitializing' } })] }],
    ['Init:ImagePullBackOff', { phase: 'Pending', initContainerStatuses: [containerStatus({ waiting: { reason: 'ImagePullBackOff' } })] }],
    ['Init:Error', { phase: 'Failed', initContainerStatuses: [containerStatus({ terminated: { exitCode: 1, reason: 'Error' } })] }],
    ['Init:1/2', { phase: 'Pending', initContainerStatuses: [containerStatus({ terminated: { exitCode: 0 } }), containerStatus({ running: {} })] }],
    ['ContainerCreating', { phase: 'Pending', containerStatuses: [containerStatus({ waiting: { reason: 'ContainerCreating' } })] }],
    ['OOMKilled', { phase: 'Failed', containerStatuses: [containerStatus({ terminated: { exitCode: 137, reason: 'OOMKilled' } })] }],
    ['Completed', { phase: 'Succeeded', containerStatuses: [containerStatus({ terminated: { exitCode: 0, reason: 'Completed' } })] }],
    ['Evicted', { phase: 'Failed', reason: 'Evicted' }],
  ])('say %s of a pod', async (expected, status) => {
    api.store.create('pods', { ...pod('told', { initContainers: [{ name: 'i' }, { name: 'j' }], containers: [{ name: 'main' }] }), status });
    const { body } = await api.send('GET', '/api/v1/namespaces/default/pods/told', { accept: table });
    api.store.delete('pods', 'default', 'told');
    expect(listAt(listAt(body, 'rows')[0], 'cells')[2]).toBe(expected);
  });

  it('show name and age of whatever has no columns of its own', async () => {
    api.store.create('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'robot', namespace: 'default' } });
    const { body } = await api.send('GET', '/api/v1/serviceaccounts', { accept: table });
    expect(listAt(listAt(body, 'rows')[0], 'cells')).toEqual(['robot', '0s']);
  });

  it('count what is ready of a Deployment and say how far a Job is', async () => {
    api.store.create('deployments.apps', { ...deployment('d', { replicas: 3 }), status: { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 1 } });
    api.store.create('jobs.batch', {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'j', namespace: 'default' },
      spec: { completions: 1 },
      status: { succeeded: 1, startTime: '2026-01-02T03:00:00Z', completionTime: '2026-01-02T03:01:30Z', conditions: [{ type: 'Complete', status: 'True' }] },
    });
    const cells = async (path: string) => listAt(listAt((await api.send('GET', path, { accept: table })).body, 'rows')[0], 'cells').slice(0, 5);
    expect(await cells('/apis/apps/v1/deployments')).toEqual(['d', '2/3', 3, 1, '0s']);
    expect(await cells('/apis/batch/v1/jobs')).toEqual(['j', 'Complete', '1/1', '90s', '0s']);
  });

  it('carry whole objects, or none, when asked to', async () => {
    const object = async (include: string) => valueAt(listAt((await api.send('GET', `${configMaps}/a?includeObject=${include}`, { accept: table })).body, 'rows')[0], 'object');
    expect(await object('Object')).toMatchObject({ kind: 'ConfigMap', data: { key: 'value' } });
    expect(await object('None')).toBeUndefined();
  });

  it('are not sent to a client that wants protobuf alone', async () => {
    expect((await api.send('GET', configMaps, { accept: 'application/vnd.kubernetes.protobuf' })).body).toMatchObject({ code: 406, reason: 'NotAcceptable' });
  });
});

describe('metadata alone', () => {
  it('is sent to a client that wants no more', async () => {
    const { body } = await api.send('GET', `${configMaps}/a`, { accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1' });
    expect(body).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'a' } });
    expect(body).not.toHaveProperty('data');
  });
});
