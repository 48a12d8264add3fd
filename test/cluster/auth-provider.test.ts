import { expect, test } from 'vitest';
import { connectTo, createPod, failureOf, sendJson, startServer } from './support.ts';

test('an old login by auth-provider still works, through the SDK', async () => {
  const server = await startServer((_seen, response) => sendJson(response, createPod('web', '1')));
  const cluster = await connectTo(server, { user: { 'auth-provider': { name: 'azure', config: { 'access-token': 'old', 'expires-on': '4102444800' } } } });
  await cluster.get('Pod', 'web');
  expect(server.requests[0]?.headers.authorization).toBe('Bearer old');
});

test('an old login that has expired says how to write it anew', async () => {
  const server = await startServer((_seen, response) => sendJson(response, createPod('web', '1')));
  const cluster = await connectTo(server, { user: { 'auth-provider': { name: 'azure', config: { 'access-token': 'old', 'expires-on': '1' } } } });
  expect(await failureOf(cluster.get('Pod', 'web'))).toMatchObject({ name: 'AccessError', reason: 'AuthProvider', hints: [expect.stringContaining('kubelogin convert-kubeconfig')] });
});
