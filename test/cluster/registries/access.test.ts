import { expect, test } from 'vitest';
import { createAccess } from './front/access.ts';
import { createFaults } from './front/faults.ts';

const host = 'example.azurecr.io';
const users = [
  { name: 'writer', password: 'w', canPush: true },
  { name: 'reader', password: 'r', canPush: false },
];
const access = createAccess(host, users);
const tokenFor = (name: string, password: string, scope: string): string => {
  const { body } = access.issue({ scopes: [scope], credentials: { name, password } });
  return `Bearer ${(body as { access_token: string }).access_token}`;
};
const status = (method: string, path: string, authorization?: string): number | undefined => access.refuse({ method, path, authorization })?.status;

test('a request without a token is told where to get one, and for what', () => {
  const refused = access.refuse({ method: 'POST', path: '/v2/team/adapters/blobs/uploads/', authorization: undefined });
  expect(refused?.status).toBe(401);
  expect(refused?.headers?.['www-authenticate']).toBe(`Bearer realm="https://${host}/oauth2/token",service="${host}",scope="repository:team/adapters:pull,push"`);
});

test('nobody gets a token with a wrong password, or with none', () => {
  expect(access.issue({ scopes: [], credentials: { name: 'writer', password: 'r' } }).status).toBe(401);
  expect(access.issue({ scopes: [], credentials: undefined }).status).toBe(401);
});

test('a token is good for the repository and the actions that it was asked for', () => {
  const token = tokenFor('writer', 'w', 'repository:team/adapters:pull,push');
  expect(status('PUT', '/v2/team/adapters/manifests/1', token)).toBeUndefined();
  expect(status('GET', '/v2/team/adapters/manifests/1', token)).toBeUndefined();
  expect(status('GET', '/v2/team/other/manifests/1', token)).toBe(401);
  expect(status('DELETE', '/v2/team/adapters/manifests/1', token)).toBe(401);
  // Taking back an upload is part of pushing.
  expect(status('DELETE', '/v2/team/adapters/blobs/uploads/7', token)).toBeUndefined();
});

test('who may only pull gets a token that is good for pulling, whatever was asked for', () => {
  const token = tokenFor('reader', 'r', 'repository:adapters:pull,push');
  expect(status('GET', '/v2/adapters/blobs/sha256:0', token)).toBeUndefined();
  expect(access.refuse({ method: 'POST', path: '/v2/adapters/blobs/uploads/', authorization: token })?.headers?.['www-authenticate']).toContain('error="insufficient_scope"');
});

test('a token that was changed, or comes from elsewhere, is none', () => {
  const token = tokenFor('reader', 'r', 'repository:adapters:pull');
  const [header = '', , signature = ''] = token.split('.');
  const claims = Buffer.from(JSON.stringify({ exp: 1e12, access: [{ type: 'repository', name: 'adapters', actions: ['pull', 'push'] }] })).toString('base64url');
  expect(status('GET', '/v2/adapters/manifests/1', token)).toBeUndefined();
  expect(status('PUT', '/v2/adapters/manifests/1', `${header}.${claims}.${signature}`)).toBe(401);
  expect(createAccess(host, users).refuse({ method: 'GET', path: '/v2/', authorization: token })?.status).toBe(401);
});

test('a fault is for its host and requests, as often as it says, until it is taken away', () => {
  const faults = createFaults();
  const once = { host, request: '^PUT /v2/adapters/', times: 1, status: 429 };
  faults.add(once);
  expect(faults.take('ghcr.io', 'PUT /v2/adapters/manifests/1')).toBeUndefined();
  expect(faults.take(host, 'GET /v2/adapters/manifests/1')).toBeUndefined();
  expect(faults.take(host, 'PUT /v2/adapters/manifests/1')).toBe(once);
  expect(faults.take(host, 'PUT /v2/adapters/manifests/1')).toBeUndefined();
  const id = faults.add({ status: 500 });
  expect(faults.take(host, 'GET /v2/')).toEqual({ status: 500 });
  faults.remove(id);
  expect(faults.take(host, 'GET /v2/')).toBeUndefined();
});
