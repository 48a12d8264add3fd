import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listAt, recordAt, textAt, valueAt } from '../../../src/sandbox/kube/json.ts';
import { startTestApi, type TestApi } from './support.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';

describe('discovery', () => {
  it('tells groups, versions and resources one by one', async () => {
    expect((await api.send('GET', '/api')).body).toMatchObject({ kind: 'APIVersions', versions: ['v1'] });
    const groups = listAt((await api.send('GET', '/apis')).body, 'groups').map((group) => textAt(group, 'preferredVersion', 'groupVersion'));
    expect(groups).toEqual(expect.arrayContaining(['apps/v1', 'batch/v1', 'storage.k8s.io/v1', 'discovery.k8s.io/v1']));
    expect((await api.send('GET', '/apis/apps')).body).toMatchObject({ kind: 'APIGroup', name: 'apps' });
    const { body } = await api.send('GET', '/apis/apps/v1');
    expect(body).toMatchObject({ kind: 'APIResourceList', groupVersion: 'apps/v1' });
    expect(listAt(body, 'resources')).toContainEqual(expect.objectContaining({ name: 'deployments', kind: 'Deployment', namespaced: true, shortNames: ['deploy'] }));
    expect(listAt(body, 'resources')).toContainEqual(expect.objectContaining({ name: 'deployments/scale', group: 'autoscaling', kind: 'Scale' }));
    expect((await api.send('GET', '/apis/apps/v2')).code).toBe(404);
  });

  it('tells it all at once to clients that can read it', async () => {
    const core = await api.send('GET', '/api', { accept: aggregated });
    expect(core.headers['content-type']).toBe('application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList');
    const pods = listAt(core.body, 'items').flatMap((item) => listAt(listAt(item, 'versions')[0], 'resources')).find((resource) => textAt(resource, 'resource') === 'pods');
    expect(pods).toMatchObject({ scope: 'Namespaced', responseKind: { kind: 'Pod' }, subresources: [{ subresource: 'log' }, { subresource: 'portforward' }, { subresource: 'status' }] });
    const named = await api.send('GET', '/apis', { accept: aggregated });
    expect(listAt(named.body, 'items').map((item) => textAt(item, 'metadata', 'name'))).toContain('apps');
  });

  it('says which operations check fields here, so that kubectl need not', async () => {
    const index = recordAt((await api.send('GET', '/openapi/v3')).body, 'paths');
    const { body } = await api.send('GET', textAt(index, 'apis/apps/v1', 'serverRelativeURL') ?? '');
    const operation = valueAt(body, 'paths', '/apis/apps/v1/namespaces/{namespace}/deployments/{name}', 'patch');
    expect(operation).toMatchObject({ 'x-kubernetes-group-version-kind': { group: 'apps', version: 'v1', kind: 'Deployment' } });
    expect(listAt(operation, 'parameters').map((parameter) => textAt(parameter, 'name'))).toContain('fieldValidation');
  });

  it('tells its version', async () => {
    expect((await api.send('GET', '/version')).body).toMatchObject({ major: '1', minor: '36', gitVersion: 'v1.36.3' });
  });
});
