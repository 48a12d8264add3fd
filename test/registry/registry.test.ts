import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseImageReference } from '../../src/domain/image-reference.ts';
import { checkPull, checkPush } from '../../src/registry/registry.ts';
import { createSandboxClock } from '../../src/sandbox/clock.ts';
import { createFaults, type Fault } from '../../src/sandbox/faults.ts';
import { startRegistry, type SandboxRegistry } from '../../src/sandbox/registry/registry.ts';
import { authority, startScriptedRegistry, trustingFetch } from './support.ts';

const image = (host: string, name = 'adapters/mine:1') => {
  const reference = parseImageReference(`${host}/${name}`);
  if (!reference) throw new Error('The tests need an image reference.');
  return reference;
};
const check = (host: string, credentials?: { username: string; password: string }, signal = new AbortController().signal) => checkPush(image(host), { fetch: trustingFetch, signal, ...(credentials ? { credentials } : {}) });
const pusher = { username: 'pusher', password: 'secret' };

describe('checkPush against a registry with tokens', () => {
  const start = (faults: Fault[] = []) =>
    startRegistry({ tls: authority.issue(), users: [{ name: 'pusher', password: 'secret' }, { name: 'reader', password: 'secret', isReadOnly: true }], clock: createSandboxClock(1000), faults: createFaults(faults) });
  let registry: SandboxRegistry;
  beforeAll(async () => {
    registry = await start();
  });
  afterAll(() => registry.close());

  it('is satisfied with whoever may push, and leaves nothing behind', async () => {
    expect(await check(registry.host, pusher)).toEqual({ canPush: true });
    const { blobs, manifests, tags, uploads } = registry.content.get('adapters/mine') ?? { blobs: undefined };
    expect([blobs?.size, manifests?.size, tags?.size, uploads?.size]).toEqual([0, 0, 0, 0]);
  });

  it.each([
    ['may only pull', { username: 'reader', password: 'secret' }],
    ['has a wrong password', { username: 'pusher', password: 'wrong' }],
    ['gives no name', undefined],
  ])('is refused for one who %s, in the registry\'s words', async (_, credentials) => {
    expect(await check(registry.host, credentials)).toEqual({ canPush: false, reason: 'refused', fact: expect.stringMatching(/401|403/) });
  });

  it('does not take a registry that is down for one that refuses', async () => {
    const down = await start(['registry-down']);
    try {
      expect(await check(down.host, pusher)).toMatchObject({ canPush: false, reason: 'unreachable' });
    } finally {
      await down.close();
    }
  });
});

describe('checkPull', () => {
  const pull = (host: string, credentials?: { username: string; password: string }, name?: string) => checkPull(image(host, name), { fetch: trustingFetch, signal: new AbortController().signal, ...(credentials ? { credentials } : {}) });

  it('is satisfied when the registry has the manifest, by tag or by digest, and asks for no more than to pull', async () => {
    const { host, requests } = await startScriptedRegistry((request, response, self) => {
      if (request.url?.startsWith('/token')) response.end(JSON.stringify({ token: 'abc' }));
      else if (!request.headers.authorization) response.writeHead(401, { 'www-authenticate': `Bearer realm="https://${self}/token"` }).end();
      else response.writeHead(200).end();
    });
    const digest = `sha256:${'a'.repeat(64)}`;
    expect(await pull(host)).toEqual({ canPull: true });
    expect(await pull(host, undefined, `adapters/mine@${digest}`)).toEqual({ canPull: true });
    expect(requests.filter((request) => request.startsWith('GET /token'))[0]).toMatch(/scope=repository%3Aadapters%2Fmine%3Apull$/);
    expect(requests.filter((request) => request.startsWith('HEAD'))).toEqual(['HEAD /v2/adapters/mine/manifests/1 Bearer abc', `HEAD /v2/adapters/mine/manifests/${digest} Bearer abc`]);
  });

  it.each<[number, string]>([
    [404, 'missing'],
    [401, 'refused'],
    [403, 'refused'],
    [429, 'unreachable'],
    [503, 'unreachable'],
  ])('tells %i as %s', async (status, reason) => {
    const { host } = await startScriptedRegistry((request, response) => response.writeHead(request.method === 'HEAD' ? status : 200).end());
    expect(await pull(host)).toEqual({ canPull: false, reason, fact: expect.stringContaining(String(status)) });
  });

  it('tells a registry that wants a login as a refusal, and one that is not there as unreachable', async () => {
    const { host } = await startScriptedRegistry((_, response) => response.writeHead(401, { 'www-authenticate': 'Basic realm="here"' }).end());
    expect(await pull(host)).toMatchObject({ canPull: false, reason: 'refused' });
    expect(await pull('127.0.0.1:1')).toMatchObject({ canPull: false, reason: 'unreachable' });
  });
});

describe('checkPush', () => {
  it('begins an upload and takes it back', async () => {
    const { host, requests } = await startScriptedRegistry((request, response) => {
      if (request.method === 'POST') response.writeHead(202, { location: '/v2/adapters/mine/blobs/uploads/1' }).end();
      else response.writeHead(request.method === 'DELETE' ? 204 : 200).end();
    });
    expect(await check(host)).toEqual({ canPush: true });
    expect(requests).toEqual(['GET /v2/', 'POST /v2/adapters/mine/blobs/uploads/', 'DELETE /v2/adapters/mine/blobs/uploads/1']);
  });

  it('believes in the push though the upload cannot be taken back', async () => {
    const { host } = await startScriptedRegistry((request, response) => {
      if (request.method === 'DELETE') request.destroy();
      else response.writeHead(request.method === 'POST' ? 202 : 200, { location: '/upload' }).end();
    });
    expect(await check(host)).toEqual({ canPush: true });
  });

  it('shows its token to no other host', async () => {
    const other = await startScriptedRegistry((_, response) => response.end());
    const { host, requests } = await startScriptedRegistry((request, response) => {
      if (request.method === 'POST') response.writeHead(202, { location: `https://${other.host}/upload` }).end();
      else response.writeHead(request.headers.authorization ? 200 : 401, { 'www-authenticate': 'Basic realm="here"' }).end();
    });
    expect(await check(host, pusher)).toEqual({ canPush: true });
    expect(requests[1]).toMatch(/^POST .* Basic /);
    expect(other.requests).toEqual([]);
  });

  it('logs in with name and password where the registry wants that', async () => {
    const { host, requests } = await startScriptedRegistry((request, response) => {
      if (!request.headers.authorization) response.writeHead(401, { 'www-authenticate': 'Basic realm="here"' }).end();
      else response.writeHead(202).end();
    });
    expect(await check(host, pusher)).toEqual({ canPush: true });
    expect(requests[1]).toBe(`POST /v2/adapters/mine/blobs/uploads/ Basic ${Buffer.from('pusher:secret').toString('base64')}`);
    expect(await check(host)).toEqual({ canPush: false, reason: 'refused', fact: 'It wants a user and a password, and the Secret has none for it.' });
  });

  it('asks the token service for this repository, and takes the token under either name', async () => {
    const { host, requests } = await startScriptedRegistry((request, response, self) => {
      if (request.url?.startsWith('/token')) response.end(JSON.stringify({ access_token: 'abc' }));
      else if (!request.headers.authorization) response.writeHead(401, { 'www-authenticate': `Bearer realm="https://${self}/token",service="registry"` }).end();
      else response.writeHead(202).end();
    });
    expect(await check(host, pusher)).toEqual({ canPush: true });
    expect(requests[1]).toMatch(/^GET \/token\?service=registry&scope=repository%3Aadapters%2Fmine%3Apull%2Cpush Basic /);
    expect(requests[2]).toBe('POST /v2/adapters/mine/blobs/uploads/ Bearer abc');
  });

  it.each<[string, (self: string) => string, string | undefined, RegExp]>([
    ['no challenge', () => '', undefined, /^It answers 401 with a challenge that is not understood: \(none\)$/],
    ['a challenge without a place', () => 'Bearer service="registry"', undefined, /not understood: Bearer service="registry"$/],
    ['a place that is no address', () => 'Bearer realm="somewhere"', undefined, /not understood/],
    ['no token', (self) => `Bearer realm="https://${self}/token"`, '{}', /^The token service answers without a token\.$/],
  ])('says what it did not understand: %s', async (_, challenge, tokenBody, fact) => {
    const { host } = await startScriptedRegistry((request, response, self) => {
      if (request.url?.startsWith('/token')) response.end(tokenBody);
      else response.writeHead(401, { 'www-authenticate': challenge(self) }).end();
    });
    expect(await check(host, pusher)).toEqual({ canPush: false, reason: 'refused', fact: expect.stringMatching(fact) });
  });

  it.each([
    [403, '{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}', 'refused', '403: requested access to the resource is denied'],
    [404, 'not here', 'refused', '404 Not Found'],
    [429, '', 'unreachable', '429 Too Many Requests'],
    [503, '', 'unreachable', '503 Service Unavailable'],
  ])('tells %d as what it is', async (status, body, reason, fact) => {
    const { host } = await startScriptedRegistry((request, response) => response.writeHead(request.method === 'POST' ? status : 200).end(body));
    expect(await check(host)).toEqual({ canPush: false, reason, fact });
  });

  it('says what is in the way of a registry that cannot be reached from here', async () => {
    const { host } = await startScriptedRegistry((_, response) => response.end());
    const untrusting: typeof fetch = (input, init) => fetch(input, init);
    expect(await checkPush(image(host), { fetch: untrusting, signal: new AbortController().signal })).toEqual({ canPush: false, reason: 'unreachable', fact: expect.stringMatching(/certificate/i) });
    expect(await check('127.0.0.1:1')).toEqual({ canPush: false, reason: 'unreachable', fact: expect.stringMatching(/ECONNREFUSED/) });
  });

  it('stops when interrupted, and takes that for no answer', async () => {
    const interrupt = new AbortController();
    const { host } = await startScriptedRegistry(() => interrupt.abort(new Error('Ctrl-C')));
    await expect(check(host, undefined, interrupt.signal)).rejects.toThrow('Ctrl-C');
  });
});
