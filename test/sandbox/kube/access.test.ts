import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordAt } from '../../../src/sandbox/kube/json.ts';
import { configMap, startTestApi, type TestApi } from './support.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ authorize: ({ verb, resource, namespace }) => resource !== 'secrets' && !(verb === 'delete' && namespace === 'default') });
});
afterAll(() => api.close());

describe('authentication', () => {
  it.each([
    ['no token', null],
    ['an unknown token', 'other'],
  ])('refuses %s with 401', async (_what, token) => {
    const { body } = await api.send('GET', '/api/v1/namespaces', { token });
    expect(body).toEqual({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: 'Unauthorized', reason: 'Unauthorized', code: 401 });
  });

  it('lets everybody ask whether the server lives', async () => {
    for (const path of ['/livez', '/readyz', '/healthz']) {
      expect(await api.send('GET', path, { token: null })).toMatchObject({ code: 200, text: 'ok' });
    }
  });
});

describe('authorization', () => {
  it.each([
    ['GET', '/api/v1/namespaces/default/secrets', 'secrets is forbidden: User "ada" cannot list resource "secrets" in API group "" in the namespace "default"'],
    ['GET', '/api/v1/secrets', 'secrets is forbidden: User "ada" cannot list resource "secrets" in API group "" at the cluster scope'],
    ['GET', '/api/v1/namespaces/default/secrets?watch=1', 'secrets is forbidden: User "ada" cannot watch resource "secrets" in API group "" in the namespace "default"'],
    ['DELETE', '/apis/apps/v1/namespaces/default/deployments/web', 'deployments.apps "web" is forbidden: User "ada" cannot delete resource "deployments" in API group "apps" in the namespace "default"'],
  ])('refuses %s %s in the words of the API', async (method, path, message) => {
    const { body } = await api.send(method, path);
    expect(body).toMatchObject({ kind: 'Status', code: 403, reason: 'Forbidden', message });
  });

  it('names the subresource that was asked for', async () => {
    const strict = await startTestApi({ authorize: ({ subresource }) => subresource === '' });
    const { body } = await strict.send('GET', '/api/v1/namespaces/default/pods/web/log');
    await strict.close();
    expect(body['message']).toBe('pods "web" is forbidden: User "ada" cannot get resource "pods/log" in API group "" in the namespace "default"');
  });

  it('lets nobody make by an apply what may only be patched', async () => {
    const patching = await startTestApi({ authorize: ({ verb }) => verb !== 'create' });
    const { body } = await patching.send('PATCH', '/api/v1/namespaces/default/configmaps/settings?fieldManager=test', { body: configMap(), contentType: 'application/apply-patch+yaml' });
    await patching.close();
    expect(body).toMatchObject({ code: 403, message: 'configmaps "settings" is forbidden: User "ada" cannot create resource "configmaps" in API group "" in the namespace "default"' });
  });

  it('answers for itself what the user may do, and who that is', async () => {
    const review = async (resourceAttributes: object) =>
      recordAt((await api.send('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { body: { spec: { resourceAttributes } } })).body, 'status')['allowed'];
    expect(await review({ verb: 'list', resource: 'secrets' })).toBe(false);
    expect(await review({ verb: 'list', resource: 'pods' })).toBe(true);
    const { code, body } = await api.send('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { body: {} });
    expect([code, body['status']]).toEqual([201, { userInfo: { username: 'ada', groups: ['system:authenticated'] } }]);
  });
});

describe('what is not provided', () => {
  it.each([
    ['GET', '/apis/apps/v1/things', 404, 'NotFound'],
    ['GET', '/api/v1/namespaces/default/configmaps/a/status', 404, 'NotFound'],
    ['GET', '/api/v1/namespaces/default/pods/web/exec', 501, 'NotImplemented'],
    ['GET', '/apis/networking.k8s.io/v1/ingresses', 501, 'NotImplemented'],
    ['POST', '/api/v1/namespaces/default/serviceaccounts/default/token', 501, 'NotImplemented'],
    ['POST', '/api/v1/configmaps', 405, 'MethodNotAllowed'],
    ['PUT', '/api/v1/namespaces/default/configmaps', 405, 'MethodNotAllowed'],
    ['GET', '/api/v1/namespaces/default/pods/web/portforward', 400, 'BadRequest'],
    ['GET', '/openapi/v2', 501, 'NotImplemented'],
  ])('%s %s is refused with a Status', async (method, path, code, reason) => {
    expect((await api.send(method, path, method === 'POST' ? { body: configMap() } : {})).body).toMatchObject({ kind: 'Status', status: 'Failure', code, reason });
  });

  it('is a plain page where the whole group is unknown', async () => {
    for (const path of ['/apis/example.org/v1/things', '/apis/example.org/v1', '/apis/apps/v9']) expect(await api.send('GET', path)).toMatchObject({ code: 404, text: '404 page not found\n' });
  });

  it('is refused where a body is too long or no object', async () => {
    const path = '/api/v1/namespaces/default/configmaps';
    expect((await api.send('POST', path, { body: '[1]' })).body).toMatchObject({ code: 400, message: expect.stringContaining('the object provided is unrecognized (must be of type ConfigMap)') });
    expect((await api.send('POST', path, { body: '{' })).body).toMatchObject({ code: 400, reason: 'BadRequest' });
    expect((await api.send('POST', path, { body: configMap('big', { key: 'x'.repeat(3 * 1024 * 1024) }) })).body).toMatchObject({ code: 413 });
  });
});
