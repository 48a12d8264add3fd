import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import type { Fault } from '../../../src/sandbox/faults.ts';
import { digestOf } from '../../../src/sandbox/registry/content.ts';
import { startRegistry, type SandboxRegistry } from '../../../src/sandbox/registry/registry.ts';
import { createCertificateAuthority } from '../../../src/sandbox/tls.ts';
import { createClient, errorOf, jsonOf, type Client } from './client.ts';

const authority = createCertificateAuthority();
const tls = authority.issue();
let registry: SandboxRegistry;
let client: Client;
let now = new Date();
let pushing: { authorization: string };
const faults = new Set<Fault>();

const imageType = 'application/vnd.oci.image.manifest.v1+json';
const users = [
  { name: 'alice', password: 'secret' },
  { name: 'reader', password: 'readonly', isReadOnly: true },
];

const start = async (options: { anonymousPull?: boolean } = {}) => {
  const clock = { now: () => now, sleep: () => Promise.resolve() };
  registry = await startRegistry({ tls, users, clock, faults: { has: (name) => faults.has(name) }, ...options });
  client = createClient(registry.url, authority.certificatePem);
  pushing = await client.authorize('repository:team/adapter:pull,push,delete', 'alice:secret');
};

beforeEach(async () => {
  now = new Date();
  faults.clear();
  await start();
});

afterEach(() => registry.close());

/** Pushes one blob in one request. */
const pushBlob = async (content: string, name = 'team/adapter'): Promise<string> => {
  const digest = digestOf(Buffer.from(content));
  const answer = await client.ask(`/v2/${name}/blobs/uploads/?digest=${digest}`, { method: 'POST', headers: pushing, body: content });
  expect(answer.status).toBe(201);
  return digest;
};

const descriptor = (digest: string, size: number) => ({ mediaType: 'application/octet-stream', digest, size });

const pushManifest = async (tag: string, fields: Record<string, unknown> = {}) => {
  const config = await pushBlob('{}');
  const layer = await pushBlob('layer');
  const body = JSON.stringify({ schemaVersion: 2, mediaType: imageType, config: descriptor(config, 2), layers: [descriptor(layer, 5)], ...fields });
  const answer = await client.ask(`/v2/team/adapter/manifests/${tag}`, { method: 'PUT', headers: { ...pushing, 'content-type': imageType }, body });
  return { answer, body, digest: digestOf(Buffer.from(body)) };
};

describe('access', () => {
  it('challenges a request without a token with the realm, service and scope to ask for', async () => {
    const answer = await client.ask('/v2/team/adapter/blobs/uploads/', { method: 'POST' });
    expect([answer.status, errorOf(answer)]).toEqual([401, 'UNAUTHORIZED']);
    expect(answer.headers['www-authenticate']).toBe(
      `Bearer realm="https://${registry.host}/token",service="${registry.host}",scope="repository:team/adapter:pull,push"`,
    );
  });

  it('answers /v2/ once a token is there, whatever it is good for', async () => {
    expect((await client.ask('/v2/')).status).toBe(401);
    expect((await client.ask('/v2/', { headers: pushing })).status).toBe(200);
  });

  it('refuses wrong credentials and unknown users alike', async () => {
    for (const credentials of ['alice:wrong', 'mallory:secret', 'alice']) {
      const authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
      expect((await client.ask('/token', { headers: { authorization } })).status).toBe(401);
    }
  });

  it('refuses a token that has expired', async () => {
    now = new Date(now.getTime() + 301_000);
    const answer = await client.ask('/v2/', { headers: pushing });
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toContain('error="invalid_token"');
  });

  it('does not let a token for one repository, or for pulling, push to another', async () => {
    expect((await client.ask('/v2/other/blobs/uploads/', { method: 'POST', headers: pushing })).status).toBe(401);
    const pulling = await client.authorize('repository:team/adapter:pull', 'alice:secret');
    expect((await client.ask('/v2/team/adapter/blobs/uploads/', { method: 'POST', headers: pulling })).status).toBe(401);
  });

  it('denies a user who may only pull, after a token that was asked for more', async () => {
    const headers = await client.authorize('repository:team/adapter:pull,push', 'reader:readonly');
    const answer = await client.ask('/v2/team/adapter/blobs/uploads/', { method: 'POST', headers });
    expect([answer.status, errorOf(answer)]).toEqual([403, 'DENIED']);
  });

  it('lets anyone pull, unless told otherwise', async () => {
    const digest = await pushBlob('public');
    const scope = 'repository:team/adapter:pull';
    expect((await client.ask(`/v2/team/adapter/blobs/${digest}`, { headers: await client.authorize(scope) })).status).toBe(200);
    await registry.close();
    await start({ anonymousPull: false });
    await pushBlob('private');
    const answer = await client.ask('/v2/team/adapter/tags/list', { headers: await client.authorize(scope) });
    expect(answer.headers['www-authenticate']).toContain('error="insufficient_scope"');
  });

  it('has a token endpoint for GET only, which is where containerd falls back to', async () => {
    expect((await client.ask('/token', { method: 'POST' })).status).toBe(405);
  });
});

describe('blobs', () => {
  it('returns what was pushed, with its digest and length, to GET and HEAD', async () => {
    const digest = await pushBlob('hello');
    const answer = await client.ask(`/v2/team/adapter/blobs/${digest}`, { headers: pushing });
    expect(answer.body.toString()).toBe('hello');
    const head = await client.ask(`/v2/team/adapter/blobs/${digest}`, { method: 'HEAD', headers: pushing });
    expect([head.status, head.headers['content-length'], head.headers['docker-content-digest'], head.body.length]).toEqual([200, '5', digest, 0]);
  });

  it.each([
    ['bytes=1-3', 206, 'ell', 'bytes 1-3/5'],
    ['bytes=3-', 206, 'lo', 'bytes 3-4/5'],
    ['bytes=-2', 206, 'lo', 'bytes 3-4/5'],
    ['bytes=2-99', 206, 'llo', 'bytes 2-4/5'],
    ['bytes=5-', 416, undefined, 'bytes */5'],
  ])('answers the range %s with %d', async (range, status, text, contentRange) => {
    const digest = await pushBlob('hello');
    const answer = await client.ask(`/v2/team/adapter/blobs/${digest}`, { headers: { ...pushing, range } });
    expect([answer.status, answer.headers['content-range']]).toEqual([status, contentRange]);
    if (text !== undefined) expect(answer.body.toString()).toBe(text);
  });

  it('tells an unknown repository from an unknown blob and from a digest that is none', async () => {
    const digest = digestOf(Buffer.from('nobody has this'));
    const headers = pushing;
    expect(errorOf(await client.ask(`/v2/team/adapter/blobs/${digest}`, { headers }))).toBe('NAME_UNKNOWN');
    await pushBlob('x');
    expect(errorOf(await client.ask(`/v2/team/adapter/blobs/${digest}`, { headers }))).toBe('BLOB_UNKNOWN');
    expect(errorOf(await client.ask('/v2/team/adapter/blobs/sha256:abc', { headers }))).toBe('DIGEST_INVALID');
  });

  it('deletes a blob', async () => {
    const digest = await pushBlob('gone');
    expect((await client.ask(`/v2/team/adapter/blobs/${digest}`, { method: 'DELETE', headers: pushing })).status).toBe(202);
    expect((await client.ask(`/v2/team/adapter/blobs/${digest}`, { method: 'HEAD', headers: pushing })).status).toBe(404);
  });

  it('refuses content that is not what its digest says', async () => {
    const digest = digestOf(Buffer.from('one'));
    const answer = await client.ask(`/v2/team/adapter/blobs/uploads/?digest=${digest}`, { method: 'POST', headers: pushing, body: 'another' });
    expect([answer.status, errorOf(answer)]).toEqual([400, 'DIGEST_INVALID']);
  });

  it('takes chunks in order, tells how far it is, and refuses a chunk out of order with 416', async () => {
    const begun = await client.ask('/v2/team/adapter/blobs/uploads/', { method: 'POST', headers: pushing });
    expect(begun.status).toBe(202);
    const location = String(begun.headers['location']);
    const patch = (range: string, body: string) =>
      client.ask(location, { method: 'PATCH', headers: { ...pushing, 'content-range': range }, body });
    expect((await patch('0-4', 'hello')).headers['range']).toBe('0-4');
    const early = await patch('9-13', 'world');
    expect([early.status, early.headers['range'], early.headers['location']]).toEqual([416, '0-4', location]);
    expect((await patch('5-10', ' world')).status).toBe(202);
    const progress = await client.ask(location, { headers: pushing });
    expect([progress.status, progress.headers['range']]).toEqual([204, '0-10']);
    const digest = digestOf(Buffer.from('hello world!'));
    const done = await client.ask(`${location}?digest=${digest}`, { method: 'PUT', headers: pushing, body: '!' });
    expect([done.status, done.headers['docker-content-digest']]).toEqual([201, digest]);
    expect(errorOf(await client.ask(location, { headers: pushing }))).toBe('BLOB_UPLOAD_UNKNOWN');
  });

  it('gives up an upload on DELETE', async () => {
    const begun = await client.ask('/v2/team/adapter/blobs/uploads/', { method: 'POST', headers: pushing });
    const location = String(begun.headers['location']);
    expect((await client.ask(location, { method: 'DELETE', headers: pushing })).status).toBe(204);
    expect((await client.ask(location, { headers: pushing })).status).toBe(404);
  });

  it('mounts a blob from a repository that the token may read, and otherwise begins an upload', async () => {
    const digest = await pushBlob('shared');
    const both = await client.authorize('repository:team/copy:pull,push repository:team/adapter:pull', 'alice:secret');
    const path = `/v2/team/copy/blobs/uploads/?mount=${digest}&from=team/adapter`;
    expect((await client.ask(path, { method: 'POST', headers: both })).status).toBe(201);
    expect((await client.ask(`/v2/team/copy/blobs/${digest}`, { headers: both })).body.toString()).toBe('shared');
    const blind = await client.authorize('repository:team/copy:pull,push', 'alice:secret');
    expect((await client.ask(path, { method: 'POST', headers: blind })).status).toBe(202);
  });
});

describe('manifests', () => {
  it('returns the bytes that were pushed, by tag and by digest', async () => {
    const { answer, body, digest } = await pushManifest('v1');
    expect([answer.status, answer.headers['docker-content-digest'], answer.headers['location']]).toEqual([
      201,
      digest,
      `/v2/team/adapter/manifests/${digest}`,
    ]);
    for (const reference of ['v1', digest]) {
      const read = await client.ask(`/v2/team/adapter/manifests/${reference}`, { headers: pushing });
      expect([read.body.toString(), read.headers['content-type'], read.headers['docker-content-digest']]).toEqual([body, imageType, digest]);
    }
    expect((await client.ask('/v2/team/adapter/manifests/v2', { method: 'HEAD', headers: pushing })).status).toBe(404);
  });

  it('refuses a manifest whose layers are not there, naming them', async () => {
    const missing = digestOf(Buffer.from('never pushed'));
    const { answer } = await pushManifest('v1', { layers: [descriptor(missing, 3)] });
    expect([answer.status, errorOf(answer)]).toEqual([400, 'MANIFEST_BLOB_UNKNOWN']);
    expect(answer.body.toString()).toContain(missing);
  });

  it.each([
    ['an unknown media type', { headers: { 'content-type': 'application/json' }, body: '{}' }, 'MANIFEST_INVALID'],
    ['something that is not JSON', { headers: { 'content-type': imageType }, body: '{' }, 'MANIFEST_INVALID'],
    ['a manifest without layers', { headers: { 'content-type': imageType }, body: '{"schemaVersion":2}' }, 'MANIFEST_INVALID'],
    ['a manifest larger than 4 MiB', { headers: { 'content-type': imageType }, body: Buffer.alloc(4 * 1024 * 1024 + 1) }, 'SIZE_INVALID'],
  ])('refuses %s', async (_, { headers, body }, code) => {
    const answer = await client.ask('/v2/team/adapter/manifests/v1', { method: 'PUT', headers: { ...pushing, ...headers }, body });
    expect(errorOf(answer)).toBe(code);
  });

  it('refuses a digest that is not the content, and a tag that is none', async () => {
    const headers = { ...pushing, 'content-type': imageType };
    const put = (reference: string) => client.ask(`/v2/team/adapter/manifests/${reference}`, { method: 'PUT', headers, body: '{}' });
    expect(errorOf(await put(digestOf(Buffer.from('x'))))).toBe('DIGEST_INVALID');
    expect(errorOf(await put('.hidden'))).toBe('TAG_INVALID');
  });

  it('deletes a tag alone, and a digest with all its tags', async () => {
    const { digest } = await pushManifest('v1');
    await pushManifest('v2');
    const remove = (reference: string) => client.ask(`/v2/team/adapter/manifests/${reference}`, { method: 'DELETE', headers: pushing });
    expect((await remove('v1')).status).toBe(202);
    expect((await client.ask(`/v2/team/adapter/manifests/v2`, { headers: pushing })).status).toBe(200);
    expect((await remove(digest)).status).toBe(202);
    expect(errorOf(await client.ask(`/v2/team/adapter/manifests/v2`, { headers: pushing }))).toBe('MANIFEST_UNKNOWN');
  });

  it('lists what refers to a manifest', async () => {
    const { digest } = await pushManifest('v1');
    const signature = await pushManifest('signature', { subject: descriptor(digest, 10), artifactType: 'application/x-signature' });
    expect(signature.answer.headers['oci-subject']).toBe(digest);
    const list = async (query = '') => {
      const answer = await client.ask(`/v2/team/adapter/referrers/${digest}${query}`, { headers: pushing });
      const { manifests } = z.object({ manifests: z.array(z.object({ digest: z.string() })) }).parse(jsonOf(answer));
      return manifests.map((manifest) => manifest.digest);
    };
    expect(await list()).toEqual([signature.digest]);
    expect(await list('?artifactType=application/x-other')).toEqual([]);
  });
});

const listTags = async (query: string) => {
  const answer = await client.ask(`/v2/team/adapter/tags/list${query}`, { headers: pushing });
  const { tags } = z.object({ tags: z.array(z.string()) }).parse(jsonOf(answer));
  return { tags, link: answer.headers['link'] };
};

describe('tags', () => {
  it('come in order and in pages', async () => {
    for (const tag of ['b', 'c', 'a']) await pushManifest(tag);
    expect(await listTags('')).toEqual({ tags: ['a', 'b', 'c'], link: undefined });
    expect(await listTags('?n=2')).toEqual({ tags: ['a', 'b'], link: '</v2/team/adapter/tags/list?n=2&last=b>; rel="next"' });
    expect(await listTags('?n=2&last=b')).toEqual({ tags: ['c'], link: undefined });
  });

  it('of a repository that nobody pushed to are unknown', async () => {
    expect(errorOf(await client.ask('/v2/team/adapter/tags/list', { headers: pushing }))).toBe('NAME_UNKNOWN');
  });
});

describe('everything else', () => {
  it('is 404 outside the specification, 405 for other methods, and 400 for names that cannot be', async () => {
    expect((await client.ask('/v2/_catalog', { headers: pushing })).status).toBe(404);
    expect((await client.ask('/admin')).status).toBe(404);
    expect((await client.ask('/v2/team/adapter/tags/list', { method: 'POST', headers: pushing })).status).toBe(405);
    expect(errorOf(await client.ask('/v2/Team/adapter/tags/list', { headers: pushing }))).toBe('NAME_INVALID');
  });
});

describe('faults', () => {
  it('push-refused denies the upload and leaves pulling alone', async () => {
    const digest = await pushBlob('before');
    faults.add('push-refused');
    const refused = await client.ask('/v2/team/adapter/blobs/uploads/', { method: 'POST', headers: pushing });
    expect([refused.status, errorOf(refused)]).toEqual([403, 'DENIED']);
    expect((await client.ask(`/v2/team/adapter/blobs/${digest}`, { headers: pushing })).status).toBe(200);
  });

  it('registry-down answers 503 to everything, the token endpoint included', async () => {
    faults.add('registry-down');
    for (const path of ['/v2/', '/token']) expect((await client.ask(path)).status).toBe(503);
  });
});
