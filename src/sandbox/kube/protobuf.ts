import { badRequest } from './errors.ts';
import { notImplemented } from './limits.ts';
import type { JsonRecord } from './json.ts';
import { toTimestamp } from './store.ts';

export const protobufType = 'application/vnd.kubernetes.protobuf';

/**
 * Reads the few kinds that kubectl sends in this encoding alone. A field that is not in the tables refuses the whole
 * object, rather than get lost. The envelope:
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
 */
export const decodeProtobuf = (bytes: Buffer): JsonRecord => {
  if (bytes.subarray(0, 4).toString('latin1') !== 'k8s\0') throw badRequest('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
  const envelope = splitFields(bytes.subarray(4));
  const [apiVersion = '', kind = ''] = [1, 2].map((number) => lastText(splitFields(lastBytes(envelope, 1)), number));
  const message = messages[kind];
  if (!message) throw notImplemented(`${protobufType} of kind ${kind}`);
  return { apiVersion, kind, ...decodeMessage(lastBytes(envelope, 2), message, kind) };
};

type FieldType = keyof typeof scalars | Message | [Message];

interface Message {
  [number: number]: readonly [name: string, type: FieldType];
}

const objectMeta: Message = {
  1: ['name', 'text'],
  2: ['generateName', 'text'],
  3: ['namespace', 'text'],
  4: ['selfLink', 'text'],
  5: ['uid', 'text'],
  6: ['resourceVersion', 'text'],
  7: ['generation', 'number'],
  8: ['creationTimestamp', 'time'],
  9: ['deletionTimestamp', 'time'],
  10: ['deletionGracePeriodSeconds', 'number'],
  11: ['labels', 'textMap'],
  12: ['annotations', 'textMap'],
  13: [
    'ownerReferences',
    [{ 1: ['kind', 'text'], 3: ['name', 'text'], 4: ['uid', 'text'], 5: ['apiVersion', 'text'], 6: ['controller', 'boolean'], 7: ['blockOwnerDeletion', 'boolean'] }],
  ],
  14: ['finalizers', 'texts'],
};

const accessStatus: Message = { 1: ['allowed', 'boolean'], 2: ['reason', 'text'], 3: ['evaluationError', 'text'], 4: ['denied', 'boolean'] };

/** Numbers as in the `generated.proto` of each group in https://github.com/kubernetes/api/tree/v0.36.3 */
const messages: Record<string, Message> = {
  SelfSubjectAccessReview: {
    1: ['metadata', objectMeta],
    2: [
      'spec',
      {
        1: [
          'resourceAttributes',
          {
            1: ['namespace', 'text'],
            2: ['verb', 'text'],
            3: ['group', 'text'],
            4: ['version', 'text'],
            5: ['resource', 'text'],
            6: ['subresource', 'text'],
            7: ['name', 'text'],
          },
        ],
        2: ['nonResourceAttributes', { 1: ['path', 'text'], 2: ['verb', 'text'] }],
      },
    ],
    3: ['status', accessStatus],
  },
  SelfSubjectReview: {
    1: ['metadata', objectMeta],
    2: ['status', { 1: ['userInfo', { 1: ['username', 'text'], 2: ['uid', 'text'], 3: ['groups', 'texts'] }] }],
  },
  Namespace: {
    1: ['metadata', objectMeta],
    2: ['spec', { 1: ['finalizers', 'texts'] }],
    3: ['status', { 1: ['phase', 'text'] }],
  },
  ConfigMap: { 1: ['metadata', objectMeta], 2: ['data', 'textMap'], 3: ['binaryData', 'base64Map'], 4: ['immutable', 'boolean'] },
  Secret: {
    1: ['metadata', objectMeta],
    2: ['data', 'base64Map'],
    3: ['type', 'text'],
    4: ['stringData', 'textMap'],
    5: ['immutable', 'boolean'],
  },
  DeleteOptions: {
    1: ['gracePeriodSeconds', 'number'],
    2: ['preconditions', { 1: ['uid', 'text'], 2: ['resourceVersion', 'text'] }],
    3: ['orphanDependents', 'boolean'],
    4: ['propagationPolicy', 'text'],
    5: ['dryRun', 'texts'],
  },
};

/** What stands in so many bytes, by what it means. */
const scalars = {
  text: (bytes: Buffer): unknown => bytes.toString(),
  // Numbers and booleans are no bytes: where one is expected and bytes come, the tables are wrong.
  number: (): unknown => undefined,
  boolean: (): unknown => undefined,
  texts: (bytes: Buffer): unknown => [bytes.toString()],
  textMap: (bytes: Buffer): unknown => decodePair(bytes, 'utf8'),
  base64Map: (bytes: Buffer): unknown => decodePair(bytes, 'base64'),
  time: (bytes: Buffer): unknown => {
    const seconds = splitFields(bytes).find(({ number }) => number === 1)?.value;
    return typeof seconds === 'number' && seconds > 0 ? toTimestamp(new Date(seconds * 1000)) : undefined;
  },
};

const decodePair = (bytes: Buffer, encoding: 'utf8' | 'base64'): JsonRecord => {
  const pair = splitFields(bytes);
  return { [lastText(pair, 1)]: lastBytes(pair, 2).toString(encoding) };
};

interface RawField {
  number: number;
  value: number | Buffer;
}

const decodeMessage = (bytes: Buffer, message: Message, path: string): JsonRecord => {
  const record: JsonRecord = {};
  for (const { number, value } of splitFields(bytes)) {
    const [name, type] = message[number] ?? [];
    if (name === undefined || type === undefined) throw notImplemented(`${protobufType} with field ${number} of ${path}`);
    const decoded = decodeValue(value, type, `${path}.${name}`);
    const before = record[name];
    if (Array.isArray(before) && Array.isArray(decoded)) before.push(...decoded);
    else if (type === 'textMap' || type === 'base64Map') record[name] = { ...Object(before), ...Object(decoded) };
    // The encoding writes empty fields too, which in JSON are left out.
    else if (decoded !== '' && decoded !== undefined && !isEmptyRecord(decoded)) record[name] = decoded;
  }
  return record;
};

const decodeValue = (value: number | Buffer, type: FieldType, path: string): unknown => {
  if (typeof value === 'number') return type === 'boolean' ? value !== 0 : value;
  if (Array.isArray(type)) return [decodeMessage(value, type[0], path)];
  if (typeof type === 'object') return decodeMessage(value, type, path);
  return scalars[type](value);
};

const isEmptyRecord = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;

const lastBytes = (fields: readonly RawField[], wanted: number): Buffer => {
  const value = fields.findLast(({ number }) => number === wanted)?.value;
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
};

const lastText = (fields: readonly RawField[], wanted: number): string => lastBytes(fields, wanted).toString();

/** https://protobuf.dev/programming-guides/encoding/: here only numbers and lengths occur. */
const splitFields = (bytes: Buffer): RawField[] => {
  const fields: RawField[] = [];
  let offset = 0;
  const readNumber = (): number => {
    let result = 0;
    for (let factor = 1; offset < bytes.length; factor *= 128) {
      const byte = bytes.readUInt8(offset);
      offset += 1;
      result += (byte & 127) * factor;
      if (byte < 128) return result;
    }
    throw badRequest('unexpected EOF');
  };
  while (offset < bytes.length) {
    const tag = readNumber();
    const number = Math.floor(tag / 8);
    if (tag % 8 === 0) {
      fields.push({ number, value: readNumber() });
    } else if (tag % 8 === 2) {
      const length = readNumber();
      if (offset + length > bytes.length) throw badRequest('unexpected EOF');
      fields.push({ number, value: bytes.subarray(offset, offset + length) });
      offset += length;
    } else {
      throw badRequest(`proto: illegal wireType ${tag % 8}`);
    }
  }
  return fields;
};
