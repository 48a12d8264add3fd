import { expect, test } from 'vitest';
import { connectTo, createPod, failureOf, sendJson, sendStatus, startServer } from './support.ts';

const wanted = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'default' }, spec: { brandNew: true } };

test.each([
  ['created', undefined, '2', 201],
  ['configured', '1', '2', 200],
  ['unchanged', '2', '2', 200],
])('an apply says that the object is %s', async (outcome, before, after, status) => {
  const server = await startServer((seen, response) => {
    if (seen.method === 'PATCH') sendJson(response, createPod('web', after, { spec: { brandNew: true } }), status);
    else if (before === undefined) sendStatus(response, 404, 'NotFound', 'pods "web" not found', { name: 'web', kind: 'pods' });
    else sendJson(response, createPod('web', before));
  });
  const result = await (await connectTo(server)).apply(wanted);
  expect(result).toMatchObject({ outcome, object: { metadata: { resourceVersion: after } } });
  expect(server.requests[1]).toMatchObject({ method: 'PATCH', path: '/api/v1/namespaces/default/pods/web', headers: { 'content-type': 'application/apply-patch+yaml' }, query: { fieldManager: 'kaito-ts' } });
  expect(server.requests[1]?.query).not.toHaveProperty('force');
  expect(JSON.parse(server.requests[1]?.body ?? '')).toEqual(wanted);
});

test.each([
  ['unchanged', { spec: { a: 1 } }],
  ['configured', { spec: { a: 2 } }],
])('a rehearsal tells from the content that the object would be %s', async (outcome, after) => {
  const server = await startServer((seen, response) => {
    const pod = createPod('web', '1', seen.method === 'PATCH' ? after : { spec: { a: 1 } });
    sendJson(response, { ...pod, metadata: { ...pod.metadata, managedFields: [{ time: seen.method }] } });
  });
  expect(await (await connectTo(server)).apply(wanted, { dryRun: true, force: true })).toMatchObject({ outcome });
  expect(server.requests[1]?.query).toMatchObject({ dryRun: 'All', force: 'true' });
});

test('an apply does not take for its own what a controller wrote into the status meanwhile', async () => {
  const server = await startServer((seen, response) => {
    sendJson(response, seen.method === 'PATCH' ? createPod('web', '2', { spec: { a: 1 }, status: { phase: 'Running' } }) : createPod('web', '1', { spec: { a: 1 } }));
  });
  expect(await (await connectTo(server)).apply(wanted)).toMatchObject({ outcome: 'unchanged' });
});

test('an apply whose answer was lost is sent again and still tells what it did', async () => {
  const server = await startServer((seen, response, count) => {
    if (seen.method === 'GET') sendStatus(response, 404, 'NotFound', 'pods "web" not found', { name: 'web', kind: 'pods' });
    else if (count === 2) response.destroy();
    else sendJson(response, createPod('web', '2'));
  });
  expect(await (await connectTo(server)).apply(wanted)).toMatchObject({ outcome: 'created' });
});

test('a kind that is not known beforehand is looked up in the API', async () => {
  const server = await startServer((seen, response) => {
    if (seen.path === '/apis/karpenter.sh/v1') {
      sendJson(response, { kind: 'APIResourceList', groupVersion: 'karpenter.sh/v1', resources: [{ name: 'nodepools/status', kind: 'NodePool', namespaced: false }, { name: 'nodepools', kind: 'NodePool', namespaced: false }] });
    } else if (seen.method === 'GET') sendStatus(response, 404, 'NotFound', 'not found', { name: 'gpu', kind: 'nodepools' });
    else sendJson(response, JSON.parse(seen.body), 201);
  });
  const cluster = await connectTo(server);
  expect(await cluster.apply({ apiVersion: 'karpenter.sh/v1', kind: 'NodePool', metadata: { name: 'gpu' } })).toMatchObject({ outcome: 'created' });
  expect(server.requests.at(-1)?.path).toBe('/apis/karpenter.sh/v1/nodepools/gpu');
  expect(await failureOf(cluster.apply({ apiVersion: 'karpenter.sh/v1', kind: 'Nothing', metadata: { name: 'gpu' } }))).toMatchObject({ name: 'NotFoundError', reason: 'UnknownResource' });
});

test('a delete says whether there was anything, and carries its conditions', async () => {
  const server = await startServer((seen, response, count) => {
    if (count === 1) sendJson(response, { kind: 'Status', status: 'Success' });
    else if (count === 2) sendStatus(response, 404, 'NotFound', 'pods "web" not found', { name: 'web', kind: 'pods' });
    else sendStatus(response, 409, 'Conflict', 'Precondition failed: UID in precondition: a, UID in object meta: b', { name: 'web' });
  });
  const cluster = await connectTo(server);
  expect(await cluster.delete('Pod', 'web', { propagation: 'Foreground', uid: 'a' })).toBe(true);
  expect(JSON.parse(server.requests[0]?.body ?? '')).toMatchObject({ propagationPolicy: 'Foreground', preconditions: { uid: 'a' } });
  expect(await cluster.delete('Pod', 'web')).toBe(false);
  expect(await failureOf(cluster.delete('Pod', 'web', { uid: 'a' }))).toMatchObject({ name: 'ConflictError' });
});

test('a question to the API is posted and answered', async () => {
  const server = await startServer((seen, response) => sendJson(response, { ...JSON.parse(seen.body), status: { allowed: true } }, 201));
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', metadata: { name: '' }, spec: { resourceAttributes: { verb: 'get' } } };
  const answer = await (await connectTo(server)).create<typeof review & { status?: { allowed: boolean } }>(review);
  expect(answer.status).toEqual({ allowed: true });
  expect(server.requests[0]).toMatchObject({ method: 'POST', path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews' });
});

test('the version of the server is its gitVersion', async () => {
  const server = await startServer((_seen, response) => sendJson(response, { major: '1', gitVersion: 'v1.36.3' }));
  expect(await (await connectTo(server)).serverVersion()).toBe('v1.36.3');
});

test('a list over all namespaces has no namespace in its path', async () => {
  const server = await startServer((_seen, response) => sendJson(response, { kind: 'PodList', metadata: { resourceVersion: '1' }, items: [] }));
  const cluster = await connectTo(server);
  await cluster.list('Pod', { allNamespaces: true });
  await cluster.list('Node');
  await cluster.list('Pod', { namespace: 'team-a' });
  expect(server.requests.map(({ path }) => path)).toEqual(['/api/v1/pods', '/api/v1/nodes', '/api/v1/namespaces/team-a/pods']);
});
