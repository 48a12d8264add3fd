import { describe, expect, it } from 'vitest';
import { findCredentials } from '../../src/registry/credentials.ts';

const encoded = (text: string): string => Buffer.from(text).toString('base64');
const config = (auths: object): string => JSON.stringify({ auths });

describe('findCredentials', () => {
  it.each<[string, string, string, object | undefined]>([
    ['name and password', config({ 'registry.example': { username: 'me', password: 'secret' } }), 'registry.example', { username: 'me', password: 'secret', hasAuth: false }],
    ['both in one', config({ 'registry.example': { auth: encoded('me:secret') } }), 'registry.example', { username: 'me', password: 'secret', hasAuth: true }],
    ['a password with a colon', config({ 'registry.example': { auth: encoded('me:se:cret') } }), 'registry.example', { username: 'me', password: 'se:cret', hasAuth: true }],
    ['an address', config({ 'https://registry.example/': { auth: encoded('me:secret') } }), 'registry.example', { username: 'me', password: 'secret', hasAuth: true }],
    ['an address of the API', config({ 'https://registry.example/v2/': { auth: encoded('me:secret') } }), 'registry.example', { username: 'me', password: 'secret', hasAuth: true }],
    ['Docker Hub under its first address', config({ 'https://index.docker.io/v1/': { auth: encoded('me:secret') } }), 'docker.io', { username: 'me', password: 'secret', hasAuth: true }],
    ['another registry', config({ 'other.example': { auth: encoded('me:secret') } }), 'registry.example', undefined],
    ['a name without a password', config({ 'registry.example': { username: 'me' } }), 'registry.example', undefined],
    ['nothing', '{}', 'registry.example', undefined],
    ['no map', 'null', 'registry.example', undefined],
    ['no JSON', '{', 'registry.example', undefined],
  ])('reads what Docker writes: %s', (_, json, registry, expected) => {
    expect(findCredentials(json, registry)).toEqual(expected);
  });
});
