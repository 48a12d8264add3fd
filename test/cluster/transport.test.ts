import { getEventListeners } from 'node:events';
import { createServer as createTcpServer } from 'node:net';
import { inspect } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { AccessError, FailedError } from '../../src/domain/errors.ts';
import { connectTo, createPod, failureOf, portOf, sendJson, sendStatus, startServer, untrustedCaPem } from './support.ts';

test('ten reads share one TLS connection', async () => {
  const server = await startServer((_seen, response) => sendJson(response, createPod('web', '1')));
  const cluster = await connectTo(server);
  for (let count = 0; count < 10; count += 1) await cluster.get('Pod', 'web');
  expect(server.connectionCount()).toBe(1);
});

test('a read carries the token, the name of the program and the path of the object', async () => {
  const server = await startServer((_seen, response) => sendJson(response, createPod('web', '1')));
  const cluster = await connectTo(server, { namespace: 'team-a' });
  await cluster.get('Pod', 'web');
  expect(server.requests[0]).toMatchObject({
    method: 'GET',
    path: '/api/v1/namespaces/team-a/pods/web',
    headers: { authorization: 'Bearer secret-token', 'user-agent': 'kaito-ts/test' },
  });
});

test('fields that no type knows are kept, and timestamps stay text', async () => {
  const pod = createPod('web', '1', { spec: { brandNew: { inner: [1] } } });
  const server = await startServer((_seen, response) => sendJson(response, { ...pod, metadata: { ...pod.metadata, creationTimestamp: '2026-01-01T00:00:00Z' } }));
  const cluster = await connectTo(server);
  const read = await cluster.get('Pod', 'web');
  expect(read?.spec).toEqual({ brandNew: { inner: [1] } });
  expect(read?.metadata.creationTimestamp).toBe('2026-01-01T00:00:00Z');
});

test('an object that is not there is undefined, and a namespace that is not there is an error', async () => {
  const server = await startServer((seen, response) =>
    seen.method === 'GET'
      ? sendStatus(response, 404, 'NotFound', 'pods "web" not found', { name: 'web', kind: 'pods' })
      : sendStatus(response, 404, 'NotFound', 'namespaces "nowhere" not found', { name: 'nowhere', kind: 'namespaces' }),
  );
  const cluster = await connectTo(server);
  expect(await cluster.get('Pod', 'web')).toBeUndefined();
  const failure = await failureOf(cluster.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', namespace: 'nowhere' } }));
  expect(failure).toMatchObject({ name: 'NotFoundError', reason: 'NamespaceNotFound', message: 'There is no namespace nowhere.' });
});

test('a path of the API that does not exist is not taken for a missing object', async () => {
  const server = await startServer((_seen, response) => sendStatus(response, 404, 'NotFound', 'the server could not find the requested resource', {}));
  const cluster = await connectTo(server);
  expect(await failureOf(cluster.get('Pod', 'web'))).toMatchObject({ name: 'NotFoundError', reason: 'UnknownResource' });
  expect(await failureOf(cluster.delete('Pod', 'web'))).toMatchObject({ name: 'NotFoundError', reason: 'UnknownResource' });
});

test('a name that would leave its place in the path never reaches the server', async () => {
  const server = await startServer((_seen, response) => sendJson(response, {}));
  const cluster = await connectTo(server);
  for (const name of ['..', 'a/b', '', 'a%2fb']) expect(await failureOf(cluster.get('Pod', name))).toMatchObject({ reason: 'InvalidName' });
  expect(server.requests).toHaveLength(0);
});

test('a read waits as long as Retry-After says and then asks again, for 429 and for 503', async () => {
  const askedAt: number[] = [];
  const server = await startServer((_seen, response, count) => {
    askedAt.push(Date.now());
    if (count === 1) sendStatus(response, 429, 'TooManyRequests', 'slow down', {}, { 'retry-after': '1' });
    else if (count === 2) sendStatus(response, 503, 'ServiceUnavailable', 'starting');
    else sendJson(response, createPod('web', '1'));
  });
  const cluster = await connectTo(server);
  expect(await cluster.get('Pod', 'web')).toBeDefined();
  expect(server.requests).toHaveLength(3);
  expect((askedAt[1] ?? 0) - (askedAt[0] ?? 0)).toBeGreaterThanOrEqual(990);
});

test('a Retry-After beyond all patience is a failure at once', async () => {
  const server = await startServer((_seen, response) => sendStatus(response, 429, 'TooManyRequests', 'slow down', {}, { 'retry-after': '3600' }));
  const cluster = await connectTo(server);
  expect(await failureOf(cluster.get('Pod', 'web'))).toMatchObject({ name: 'FailedError', reason: 'TooManyRequests', fact: 'slow down' });
  expect(server.requests).toHaveLength(1);
});

test('a server that stays busy is asked a bounded number of times', async () => {
  const server = await startServer((_seen, response) => sendStatus(response, 503, 'ServiceUnavailable', 'starting'));
  const cluster = await connectTo(server);
  expect(await failureOf(cluster.get('Pod', 'web'))).toMatchObject({ reason: 'ServiceUnavailable' });
  expect(server.requests).toHaveLength(5);
});

test('a read whose connection is cut is asked again, and a create is not', async () => {
  const server = await startServer((seen, response, count) => {
    if (seen.method === 'POST' || count === 1) response.destroy();
    else sendJson(response, createPod('web', '1'));
  });
  const cluster = await connectTo(server);
  expect(await cluster.get('Pod', 'web')).toBeDefined();
  const posted = server.requests.length;
  expect(await failureOf(cluster.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } }))).toMatchObject({ reason: 'ConnectionLost' });
  expect(server.requests).toHaveLength(posted + 1);
});

test('an answer that is cut off in the middle is asked for again', async () => {
  const server = await startServer((_seen, response, count) => {
    if (count > 1) return sendJson(response, createPod('web', '1'));
    response.writeHead(200, { 'content-length': 1000 });
    response.write('{"kind":', () => response.destroy());
  });
  const cluster = await connectTo(server);
  expect(await cluster.get('Pod', 'web')).toBeDefined();
});

test('a server that takes the question and says nothing is given up after the bound', async () => {
  const server = await startServer(() => undefined);
  const cluster = await connectTo(server);
  const failure = await failureOf(cluster.get('Pod', 'web', { timeoutMs: 100 }));
  expect(failure).toMatchObject({ name: 'FailedError', reason: 'ServerSilent' });
  expect(failure.message).toContain(server.url);
});

test('a body that never ends is given up after the bound', async () => {
  const server = await startServer((_seen, response) => {
    response.writeHead(200, { 'content-length': 1000 });
    response.write('{"kind":');
  });
  const cluster = await connectTo(server);
  expect(await failureOf(cluster.get('Pod', 'web', { timeoutMs: 100 }))).toMatchObject({ reason: 'ServerSilent' });
});

test('a machine that accepts and never speaks TLS is given up after the bound on connecting', async () => {
  const silent = createTcpServer((socket) => socket.on('error', () => undefined));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void silent.close());
  const cluster = await connectTo({ url: `https://127.0.0.1:${portOf(silent)}`, caPem: '' }, {}, { timing: { connectMs: 100 } });
  expect(await failureOf(cluster.get('Pod', 'web'))).toMatchObject({ name: 'FailedError', reason: 'ConnectTimeout' });
});

test('an abort rejects with its own reason and leaves no listener on the signal', async () => {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const server = await startServer(() => resolve());
  const cluster = await connectTo(server);
  const controller = new AbortController();
  const reason = new FailedError('enough');
  const failure = failureOf(cluster.get('Pod', 'web', { signal: controller.signal }));
  await asked;
  controller.abort(reason);
  expect(await failure).toBe(reason);
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
});

test('finished calls leave no listener on the signal', async () => {
  const server = await startServer((_seen, response) => sendJson(response, createPod('web', '1')));
  const cluster = await connectTo(server);
  const { signal } = new AbortController();
  for (let count = 0; count < 20; count += 1) await cluster.get('Pod', 'web', { signal });
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

test('a character that is split over two chunks of the answer arrives whole', async () => {
  const json = Buffer.from(JSON.stringify(createPod('web', '1', { status: { message: 'grüße 🚀' } })));
  const server = await startServer(async (_seen, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    for (const byte of json) await new Promise((resolve) => response.write(Buffer.of(byte), resolve));
    response.end();
  });
  const cluster = await connectTo(server);
  expect((await cluster.get('Pod', 'web'))?.status).toEqual({ message: 'grüße 🚀' });
});

test('the certificate of a cluster is checked even when its context has no user', async () => {
  const server = await startServer((_seen, response) => sendJson(response, createPod('web', '1')));
  const cluster = await connectTo(server, { user: null });
  expect(await cluster.get('Pod', 'web')).toBeDefined();
  const wrong = await connectTo({ ...server, caPem: untrustedCaPem }, { user: null });
  const failure = await failureOf(wrong.get('Pod', 'web'));
  expect(failure).toMatchObject({ name: 'FailedError', reason: 'CertificateUntrusted' });
  expect(failure.hints?.join()).toContain('NODE_EXTRA_CA_CERTS');
});

test('insecure-skip-tls-verify trusts anybody', async () => {
  const server = await startServer((_seen, response) => sendJson(response, createPod('web', '1')));
  const cluster = await connectTo({ ...server, caPem: '' }, { cluster: { 'insecure-skip-tls-verify': true } });
  expect(await cluster.get('Pod', 'web')).toBeDefined();
});

test('tls-server-name is the name that the certificate must have', async () => {
  const server = await startServer((_seen, response) => sendJson(response, createPod('web', '1')), { names: ['api.internal'] });
  const cluster = await connectTo(server, { cluster: { 'tls-server-name': 'api.internal' } });
  expect(await cluster.get('Pod', 'web')).toBeDefined();
  const wrong = await connectTo(server, { cluster: { 'tls-server-name': 'other.internal' } });
  expect(await failureOf(wrong.get('Pod', 'web'))).toMatchObject({ reason: 'CertificateNameMismatch' });
});

test('the path in the address of the server comes before every path', async () => {
  const server = await startServer((_seen, response) => sendJson(response, createPod('web', '1')));
  const cluster = await connectTo({ ...server, url: `${server.url}/k8s/clusters/c-1/` });
  await cluster.get('Pod', 'web');
  expect(server.requests[0]?.path).toBe('/k8s/clusters/c-1/api/v1/namespaces/default/pods/web');
});

test('several impersonated groups are one header line each', async () => {
  const server = await startServer((_seen, response) => sendJson(response, createPod('web', '1')));
  const cluster = await connectTo(server, { user: { token: 't', as: 'jane', 'as-uid': '7', 'as-groups': ['dev', 'ops'], 'as-user-extra': { 'example.com/Team': ['a'] } } });
  await cluster.get('Pod', 'web');
  const { rawHeaders = [] } = server.requests[0] ?? {};
  const lines = rawHeaders.flatMap((name, index) => (index % 2 === 0 && name.startsWith('Impersonate') ? [`${name}: ${rawHeaders[index + 1]}`] : []));
  expect(lines).toEqual(['Impersonate-User: jane', 'Impersonate-Uid: 7', 'Impersonate-Group: dev', 'Impersonate-Group: ops', 'Impersonate-Extra-example.com%2Fteam: a']);
});

test('a name and a password are sent as basic authentication', async () => {
  const server = await startServer((_seen, response) => sendJson(response, createPod('web', '1')));
  const cluster = await connectTo(server, { user: { username: 'jane', password: 'p:w' } });
  await cluster.get('Pod', 'web');
  expect(server.requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from('jane:p:w').toString('base64')}`);
});

test('credentials that the server does not accept are an AccessError that says whose and never what', async () => {
  const server = await startServer((_seen, response) => sendStatus(response, 401, 'Unauthorized', 'Unauthorized'));
  const cluster = await connectTo(server);
  const failure = await failureOf(cluster.get('Pod', 'web'));
  expect(failure).toBeInstanceOf(AccessError);
  expect(failure.message).toContain('"test-user"');
  expect(inspect(failure, { depth: 10, showHidden: true })).not.toContain('secret-token');
  expect(server.requests).toHaveLength(1);
});

test('a page of something else than Kubernetes is told as such', async () => {
  const server = await startServer((_seen, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html><title>Sign in</title></html>');
  });
  const cluster = await connectTo(server);
  expect(await failureOf(cluster.get('Pod', 'web'))).toMatchObject({ name: 'FailedError', reason: 'NotJson' });
});

test('a port where nothing listens is a sentence with the address', async () => {
  const closed = createTcpServer();
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
  const url = `https://127.0.0.1:${portOf(closed)}`;
  await new Promise((resolve) => closed.close(resolve));
  const cluster = await connectTo({ url, caPem: '' });
  expect(await failureOf(cluster.serverVersion())).toMatchObject({ reason: 'ConnectionRefused', message: `The API server ${url} refuses connections.` });
});
