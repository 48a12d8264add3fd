import { describe, expect, it } from 'vitest';
import { decodeProtobuf } from '../../../src/sandbox/kube/protobuf.ts';

/** A field of bytes or text, in the encoding's own terms; all lengths here fit one byte. */
const field = (number: number, content: Buffer | string): Buffer => {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes]);
};

const envelope = (kind: string, ...fields: Buffer[]): Buffer =>
  Buffer.concat([Buffer.from('k8s\0'), field(1, Buffer.concat([field(1, 'v1'), field(2, kind)])), field(2, Buffer.concat(fields))]);

describe('protobuf', () => {
  it('is read into the same object as JSON, without the empty fields that it writes', () => {
    const metadata = field(1, Buffer.concat([field(1, 'settings'), field(3, ''), field(8, ''), field(11, Buffer.concat([field(1, 'app'), field(2, 'web')]))]));
    const data = ['a', 'b'].map((key) => field(2, Buffer.concat([field(1, key), field(2, `value of ${key}`)])));
    const immutable = Buffer.from([4 * 8, 1]);
    expect(decodeProtobuf(envelope('ConfigMap', metadata, ...data, immutable))).toEqual({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'settings', labels: { app: 'web' } },
      data: { a: 'value of a', b: 'value of b' },
      immutable: true,
    });
  });

  it.each([
    ['a kind that is not known', envelope('Deployment'), 'kind Deployment'],
    ['a field that is not known, rather than lose it', envelope('ConfigMap', field(9, 'x')), 'field 9 of ConfigMap'],
    ['what is no protobuf', Buffer.from('{}'), 'does not appear to be a protobuf message'],
    ['half a message', envelope('ConfigMap', field(1, 'x')).subarray(0, -1), 'unexpected EOF'],
  ])('refuses %s', (_what, bytes, message) => {
    expect(() => decodeProtobuf(bytes)).toThrow(message);
  });
});
