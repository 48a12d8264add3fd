import { describe, expect, it, vi } from 'vitest';
import { askForImages, askRegistry } from '../../src/registry/ask.ts';
import { startScriptedRegistry, trustingFetch } from './support.ts';

const { signal } = new AbortController();

describe('askRegistry', () => {
  it('refuses what is no image reference without asking anybody', async () => {
    expect(await askRegistry('Not An Image', undefined, signal)({})).toEqual({ canPush: false, reason: 'refused', fact: 'Not An Image is not an image reference.' });
  });

  it('goes on without credentials when the Secret is not there, and says that the registry cannot be reached', async () => {
    expect(await askRegistry('127.0.0.1:1/mine:1', 'push', signal)({ push: undefined })).toEqual({ canPush: false, reason: 'unreachable', fact: expect.stringMatching(/ECONNREFUSED|bad port/) });
  });

  it('stops when interrupted', async () => {
    await expect(askRegistry('127.0.0.1:1/mine:1', undefined, AbortSignal.abort(new Error('Ctrl-C')))({})).rejects.toThrow('Ctrl-C');
  });
});

describe('askForImages', () => {
  it('asks for each, and asks nobody for what is no image reference', async () => {
    expect(await askForImages([{ image: 'Not An Image', secretNames: [] }, { image: '127.0.0.1:1/mine:1', secretNames: ['pull'] }], signal)({})).toEqual({
      'Not An Image': { canPull: false, reason: 'missing', fact: 'Not An Image is not an image reference.' },
      '127.0.0.1:1/mine:1': { canPull: false, reason: 'unreachable', fact: expect.stringMatching(/ECONNREFUSED|bad port/) },
    });
  });

  it('refuses a Secret that only the kubelet could use, before a pod tries', async () => {
    const secret = (auth: object) => ({ pull: { data: { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths: { '127.0.0.1:1': { username: 'u', password: 'p', ...auth } } })).toString('base64') } } });
    const ask = askForImages([{ image: '127.0.0.1:1/mine:1', secretNames: ['pull'] }], signal);
    expect(await ask(secret({}))).toEqual({ '127.0.0.1:1/mine:1': { canPull: false, reason: 'refused', fact: expect.stringMatching(/^Secret pull has no "auth" for 127\.0\.0\.1:1/) } });
    expect(await ask(secret({ auth: Buffer.from('u:p').toString('base64') }))).toEqual({ '127.0.0.1:1/mine:1': expect.objectContaining({ reason: 'unreachable' }) });
  });

  it('asks with the first of several Secrets that has credentials for the registry', async () => {
    vi.stubGlobal('fetch', trustingFetch);
    const registry = await startScriptedRegistry((_request, response) => response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end());
    const holding = (host: string) => ({ data: { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths: { [host]: { auth: Buffer.from(`me:${host}`).toString('base64') } } })).toString('base64') } });
    await askForImages([{ image: `${registry.host}/mine:1`, secretNames: ['absent', 'other', 'right'] }], signal)({ other: holding('other.example'), right: holding(registry.host) });
    vi.unstubAllGlobals();
    expect(registry.requests.at(-1)).toContain(`Basic ${Buffer.from(`me:${registry.host}`).toString('base64')}`);
  });
});
