import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { listAt, textAt } from '../../../src/sandbox/kube/json.ts';
import { configMap, deployment, pod, startTestApi, type TestApi } from './support.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const configMaps = '/api/v1/namespaces/default/configmaps';
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const pods = '/api/v1/namespaces/default/pods';

let count = 0;
let name = '';
beforeEach(() => {
  count += 1;
  name = `thing-${count}`;
});

describe('deleting', () => {
  it('answers with a Status that says what is gone', async () => {
    const created = (await api.send('POST', deployments, { body: deployment(name) })).body;
    const { code, body } = await api.send('DELETE', `${deployments}/${name}`);
    expect(code).toBe(200);
    expect(body).toMatchObject({ kind: 'Status', status: 'Success', details: { name, group: 'apps', kind: 'deployments', uid: textAt(created, 'metadata', 'uid') } });
    expect((await api.send('DELETE', `${deployments}/${name}`)).body).toMatchObject({ code: 404, message: `deployments.apps "${name}" not found` });
  });

  it.each([
    ['Foreground', 'foregroundDeletion'],
    ['Orphan', 'orphan'],
  ])('with %s leaves the object to the garbage collector', async (policy, finalizer) => {
    await api.send('POST', deployments, { body: deployment(name) });
    const { body } = await api.send('DELETE', `${deployments}/${name}`, { body: { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: policy } });
    expect(body).toMatchObject({ kind: 'Deployment', metadata: { finalizers: [finalizer], deletionTimestamp: expect.any(String) } });
    expect((await api.send('GET', `${deployments}/${name}`)).code).toBe(200);
  });

  it('gives a pod that a node runs its grace period, and ends it at once by force', async () => {
    await api.send('POST', pods, { body: pod(name, { nodeName: 'node-1' }) });
    expect((await api.send('DELETE', `${pods}/${name}`)).body).toMatchObject({ kind: 'Pod', metadata: { deletionGracePeriodSeconds: 30 } });
    expect((await api.send('GET', `${pods}/${name}`)).code).toBe(200);
    await api.send('DELETE', `${pods}/${name}?gracePeriodSeconds=0`);
    expect((await api.send('GET', `${pods}/${name}`)).code).toBe(404);
  });

  it('removes a pod that no node has at once', async () => {
    await api.send('POST', pods, { body: pod(name) });
    expect((await api.send('DELETE', `${pods}/${name}`)).body['kind']).toBe('Pod');
    expect((await api.send('GET', `${pods}/${name}`)).code).toBe(404);
  });

  it('refuses another incarnation than the one that was meant', async () => {
    const created = (await api.send('POST', configMaps, { body: configMap(name) })).body;
    const { body } = await api.send('DELETE', `${configMaps}/${name}`, { body: { preconditions: { uid: 'other' } } });
    expect(body).toMatchObject({
      code: 409,
      message: `Operation cannot be fulfilled on ConfigMap "${name}": the UID in the precondition (other) does not match the UID in record (${textAt(created, 'metadata', 'uid')}). The object might have been deleted and then recreated`,
    });
  });

  it('deletes nothing when it is only tried', async () => {
    await api.send('POST', configMaps, { body: configMap(name) });
    expect((await api.send('DELETE', `${configMaps}/${name}`, { body: { dryRun: ['All'] } })).code).toBe(200);
    expect((await api.send('GET', `${configMaps}/${name}`)).code).toBe(200);
  });

  it('deletes what a selector matches', async () => {
    for (const [suffix, group] of [['a', 'x'], ['b', 'x'], ['c', 'y']]) {
      await api.send('POST', configMaps, { body: { ...configMap(), metadata: { name: `${name}-${suffix}`, labels: { group: `${name}-${group}` } } } });
    }
    const { body } = await api.send('DELETE', `${configMaps}?labelSelector=group%3D${name}-x`);
    expect(listAt(body, 'items').map((item) => textAt(item, 'metadata', 'name'))).toEqual([`${name}-a`, `${name}-b`]);
    expect((await api.send('GET', `${configMaps}/${name}-c`)).code).toBe(200);
  });

  it('lets a namespace take nothing new while it goes', async () => {
    await api.send('POST', '/api/v1/namespaces', { body: { metadata: { name } } });
    expect((await api.send('DELETE', `/api/v1/namespaces/${name}`)).body).toMatchObject({ kind: 'Namespace', status: { phase: 'Terminating' } });
    const { body } = await api.send('POST', `/api/v1/namespaces/${name}/configmaps`, { body: { metadata: { name: 'late' } } });
    expect(body).toMatchObject({
      code: 403,
      reason: 'Forbidden',
      message: `configmaps "late" is forbidden: unable to create new content in namespace ${name} because it is being terminated`,
      details: { causes: [{ reason: 'NamespaceTerminating' }] },
    });
  });
});
