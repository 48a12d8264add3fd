import { describe, expect, it } from 'vitest';
import { fullImageReference, parseImageReference } from '../../src/domain/image-reference.ts';

const digest = `sha256:${'a'.repeat(64)}`;

/** https://github.com/distribution/reference/blob/v0.6.0/reference_test.go */
describe('parseImageReference', () => {
  it.each<[string, object]>([
    ['ubuntu', { registry: 'docker.io', repository: 'library/ubuntu', tag: 'latest' }],
    ['docker.io/ubuntu:24.04', { registry: 'docker.io', repository: 'library/ubuntu', tag: '24.04' }],
    ['team/app:1', { registry: 'docker.io', repository: 'team/app', tag: '1' }],
    ['index.docker.io/app', { registry: 'docker.io', repository: 'library/app', tag: 'latest' }],
    ['LOCAL/app', { registry: 'LOCAL', repository: 'app', tag: 'latest' }],
    ['docker.io/team/app', { registry: 'docker.io', repository: 'team/app', tag: 'latest' }],
    ['my.azurecr.io/adapters/mine:1.0', { registry: 'my.azurecr.io', repository: 'adapters/mine', tag: '1.0' }],
    ['localhost/mine', { registry: 'localhost', repository: 'mine', tag: 'latest' }],
    ['127.0.0.1:5000/mine', { registry: '127.0.0.1:5000', repository: 'mine', tag: 'latest' }],
    ['[::1]:5000/mine', { registry: '[::1]:5000', repository: 'mine', tag: 'latest' }],
    ['Registry.Example/mine', { registry: 'Registry.Example', repository: 'mine', tag: 'latest' }],
    [`my.azurecr.io/mine@${digest}`, { registry: 'my.azurecr.io', repository: 'mine', digest }],
    [`my.azurecr.io/mine:1@${digest}`, { registry: 'my.azurecr.io', repository: 'mine', tag: '1', digest }],
    ['my.azurecr.io/a_b/c__d/e-f/g.h', { registry: 'my.azurecr.io', repository: 'a_b/c__d/e-f/g.h', tag: 'latest' }],
  ])('reads %s as Docker does', (text, expected) => {
    expect(parseImageReference(text)).toEqual(expected);
  });

  it.each(['', ' ', 'UPPER', 'my.azurecr.io/UPPER', 'a b', 'my host.io/mine', 'https://my.azurecr.io/mine', 'my.azurecr.io/', 'my.azurecr.io/mine:', 'my.azurecr.io/mine:-1', 'my.azurecr.io/mine@sha256:short', 'my.azurecr.io//mine', 'my.azurecr.io/mine/', '-.example/mine', `mine:${'t'.repeat(129)}`, 'a.io:port/mine'])('reads nothing into %j', (text) => {
    expect(parseImageReference(text)).toBeUndefined();
  });
});

describe('fullImageReference', () => {
  it.each([
    ['mine', 'docker.io/library/mine:latest'],
    ['team/mine:1', 'docker.io/team/mine:1'],
    ['my.azurecr.io/mine', 'my.azurecr.io/mine:latest'],
    [`my.azurecr.io/mine:1@${digest}`, `my.azurecr.io/mine@${digest}`],
    ['UPPER', 'UPPER'],
  ])('writes %s in full', (text, expected) => {
    expect(fullImageReference(text)).toBe(expected);
  });
});
