import type { IncomingMessage } from 'node:http';
import { parse } from 'yaml';
import type { KubernetesObject } from '../../domain/kubernetes.ts';
import { badRequest, invalid, tooLarge, unsupportedMediaType } from './errors.ts';
import { isKubernetesObject, isRecord, textAt, withoutNulls } from './json.ts';
import { decodeProtobuf, protobufType } from './protobuf.ts';
import { apiVersionOf } from './resources.ts';
import type { Target } from './target.ts';

/** What the API server itself accepts at most. */
const limitBytes = 3 * 1024 * 1024;

/** The whole body. Throws 413 as soon as it is too long. */
const readBody = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > limitBytes) throw tooLarge(limitBytes);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
};

/** `application/json` of `application/json; charset=utf-8`. */
export const mediaTypeOf = (request: IncomingMessage): string =>
  (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';

/** The body as a value, undefined when there is none; patches by apply may be YAML or JSON, which is YAML too. Throws 400 and 415. */
export const readValue = async (request: IncomingMessage): Promise<unknown> => {
  const mediaType = mediaTypeOf(request);
  if (mediaType.includes('cbor')) throw unsupportedMediaType(mediaType, ['application/json', 'application/yaml', protobufType]);
  const bytes = await readBody(request);
  if (bytes.length === 0) return undefined;
  if (mediaType === protobufType) return decodeProtobuf(bytes);
  try {
    return mediaType.includes('yaml') ? parse(bytes.toString('utf8')) : JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw badRequest(`error decoding the request body: ${error instanceof Error ? error.message : String(error)}`);
  }
};

/** The body as an object for that path, its kind and namespace filled in. Throws 400 when it is another's. */
export const readObject = async (request: IncomingMessage, target: Target): Promise<KubernetesObject> =>
  asTargetObject(await readValue(request), target);

export const asTargetObject = (value: unknown, { resource, namespace, name, subresource }: Target): KubernetesObject => {
  if (!isRecord(value)) throw badRequest(`the object provided is unrecognized (must be of type ${resource.kind})`);
  const expected = subresource === 'scale' ? { apiVersion: 'autoscaling/v1', kind: 'Scale' } : { apiVersion: apiVersionOf(resource), kind: resource.kind };
  const given: unknown = { ...expected, metadata: {}, ...Object(withoutNulls(value)) };
  if (!isKubernetesObject(given)) throw badRequest(`the object provided is unrecognized (must be of type ${resource.kind})`);
  if (given.apiVersion !== expected.apiVersion) {
    throw badRequest(`the API version in the data (${given.apiVersion}) does not match the expected API version (${expected.apiVersion})`);
  }
  if (given.kind !== expected.kind) {
    throw badRequest(`${given.kind} in version "${given.apiVersion}" cannot be handled as a ${expected.kind}: the kinds differ`);
  }
  if (namespace !== undefined && (given.metadata.namespace ?? namespace) !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  const givenName = textAt(given, 'metadata', 'name');
  if (name !== undefined && (givenName ?? name) !== name) {
    throw badRequest(`the name of the object (${givenName}) does not match the name on the URL (${name})`);
  }
  const metadata = { ...given.metadata, ...(namespace === undefined ? {} : { namespace }), ...(name === undefined ? {} : { name }) };
  if (!resource.namespaced) Reflect.deleteProperty(metadata, 'namespace');
  return { ...given, metadata };
};

/** `dryRun=All` is the only value there is. */
export const isDryRun = (values: readonly string[], optionsKind: string): boolean => {
  const unknown = values.find((value) => value !== 'All');
  if (unknown !== undefined) {
    throw invalid('meta.k8s.io', optionsKind, '', [
      { type: 'NotSupported', field: 'dryRun', value: unknown, detail: 'supported values: "All"' },
    ]);
  }
  return values.length > 0;
};

/** Who writes: the query says so, or else the client's name, as in `kubectl/v1.32.0 (linux/amd64)`. */
export const fieldManagerOf = (request: IncomingMessage, query: URLSearchParams): string =>
  query.get('fieldManager') || (request.headers['user-agent'] ?? '').split('/')[0] || 'unknown';
