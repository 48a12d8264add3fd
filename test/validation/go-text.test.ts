import { describe, expect, it } from 'vitest';
import { urlProblem } from '../../src/validation/rules/data-url.ts';
import { imageProblem } from '../../src/validation/rules/image-text.ts';

const digest = '0123456789abcdef'.repeat(4);

/** What Go 1.26 and distribution/reference 0.6.0 have answered, where a reader of one's own easily answers otherwise. */
describe('addresses as Go reads them', () => {
  it.each([
    ['http://:80/', undefined],
    ['http://a"b/', undefined],
    ['http://a]b/', undefined],
    ['http://192.168.1.1%80/', undefined],
    ['http://17%252.16.0.1/', undefined],
    ['https://a/%zz', 'invalid data source URL'],
    ['https://a/b?%zz', undefined],
    ['https://us er@a/', 'invalid data source URL'],
    ['https://a b/', 'invalid data source URL'],
    ['http://[fe80::1%25]/', 'invalid data source URL'],
    ['http://[ff02:]/', 'invalid data source URL'],
    ['http://[10.0.0.1]/', 'invalid data source URL'],
    ['http://h:port/', 'invalid data source URL'],
    ['ftp://:21/', 'data source URL must use HTTP or HTTPS'],
    ['http://[fe80::1%25e_0]/', 'data source URL must not target a loopback, private, or link-local address'],
    ['http://[::ffff:10.0.0.1]:80/', 'data source URL must not target a loopback, private, or link-local address'],
  ])('%s', (url, problem) => {
    expect(urlProblem(url)).toBe(problem);
  });

  it('with several colons and no brackets are refused, though older Go takes them: they would lead around the rule', () => {
    expect(urlProblem('http://::1')).toBe('invalid data source URL');
  });
});

describe('images as Go reads them', () => {
  it.each([
    [`reg.io/${'a'.repeat(255)}`, undefined],
    [`reg.io/${'a'.repeat(256)}`, 'repository name must not be more than 255 characters'],
    ['a.b__c/d', undefined],
    [`a@sha256:${digest.toUpperCase()}`, 'invalid checksum digest format'],
    [`a@sha256:${digest}0`, 'invalid checksum digest length'],
    [`a@md5:${digest}`, 'unsupported digest algorithm'],
    [`a:t@SHA256:${digest}`, 'invalid checksum digest format'],
    ['A__b/c', 'repository name must be lowercase'],
  ])('%s', (image, problem) => {
    expect(imageProblem(image)).toBe(problem);
  });
});
