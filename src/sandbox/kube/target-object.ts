import type { KubernetesObject } from '../../domain/kubernetes.ts';
import { type Body, readTyped } from './body.ts';
import { decode, DecodeError } from './decode.ts';
import { badRequest, invalid } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { goText } from './go-text.ts';
import { isKubernetesObject, isRecord, recordAt, textAt, withoutNulls } from './json.ts';
import { apiVersionOf, resources } from './resources.ts';
import type { Target } from './target.ts';
import type { WriteRequest } from './write-options.ts';

type FieldValidation = WriteRequest['fieldValidation'];

/** The body as an object for that path, decoded and with its kind and namespace filled in. Throws 400 when it is another's. */
export const readObject = async ({ request, response, target }: Pick<Exchange, 'request' | 'response' | 'target'>, fieldValidation: FieldValidation): Promise<KubernetesObject> => {
  const expected = expectedOf(target);
  const { value, duplicates }: Body = await readTyped(request, expected.kind);
  const { apiVersion = expected.apiVersion, kind = expected.kind } = recordAt(value);
  const shortVersion = String(apiVersion).split('/').at(-1);
  const refuse = (why: string): Error => badRequest(`${String(kind)} in version "${shortVersion}" cannot be handled as a ${expected.kind}: ${why}`);
  if (apiVersion !== expected.apiVersion || kind !== expected.kind) throw refuse(whyNot(String(apiVersion), String(kind), expected.kind, target));
  try {
    const { value: decoded, unknownFields } = decode(value, expected.kind);
    const strict = [...duplicates.map((field) => `duplicate field "${field}"`), ...unknownFields.map((field) => `unknown field "${field}"`)];
    if (strict.length > 0 && fieldValidation === 'Strict') throw refuse(`strict decoding error: ${strict.join(', ')}`);
    if (fieldValidation === 'Warn') warn(response, strict);
    if (target.name !== undefined && textAt(decoded, 'metadata', 'name') === undefined) {
      throw badRequest(`the name of the object (${target.name} based on URL) was undeterminable: name must be provided`);
    }
    return asTargetObject(decoded, target);
  } catch (error) {
    throw error instanceof DecodeError ? refuse(error.message) : error;
  }
};

/** What a patch has made of an object, decoded anew. `patch` is shown where it is to blame. */
export const readPatched = (patched: unknown, { patch, isStrategic }: { patch: Body; isStrategic: boolean }, { response, target }: Exchange, fieldValidation: FieldValidation): KubernetesObject => {
  const shown = isStrategic ? goText(patch.value) : JSON.stringify(patched);
  const refuse = (why: string): Error => invalid('', '', '', [{ type: 'Invalid', field: 'patch', value: shown, detail: why }]);
  try {
    // Go writes what was patched with its fields in order, and reads it so.
    const { value, unknownFields } = decode(inOrder(patched), expectedOf(target).kind);
    const strict = [...patch.duplicates.map((field) => `duplicate field "${field}"`), ...unknownFields.map((field) => `unknown field "${field}"`)];
    if (strict.length > 0 && fieldValidation === 'Strict') throw refuse(`strict decoding error: ${strict.join(', ')}`);
    if (fieldValidation === 'Warn') warn(response, strict);
    return asTargetObject(value, target);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw refuse(isStrategic ? strategicWords(error.message) : error.message);
  }
};

const inOrder = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(inOrder);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([field, content]) => [field, inOrder(content)]),
  );
};

/** A strategic merge converts values without Go's JSON decoder, and says so. */
const strategicWords = (message: string): string => {
  const [, from, to] = /cannot unmarshal (\w+).* of type (\S+)$/.exec(message) ?? [];
  return from === undefined ? message : `cannot convert ${{ number: 'int64' }[from] ?? from} to ${to}`;
};

/** One header for each; clients show them as they come. */
const warn = (response: Exchange['response'], warnings: readonly string[]): void => {
  if (warnings.length > 0) response.setHeader('warning', warnings.map((warning) => `299 - ${JSON.stringify(warning)}`));
};

const expectedOf = ({ resource, subresource }: Target): { apiVersion: string; kind: string } =>
  subresource === 'scale' ? { apiVersion: 'autoscaling/v1', kind: 'Scale' } : { apiVersion: apiVersionOf(resource), kind: resource.kind };

const whyNot = (apiVersion: string, kind: string, expected: string, { resource: { group } }: Target): string => {
  const isKnown = resources.some((known) => apiVersionOf(known) === apiVersion && known.kind === kind);
  return isKnown
    ? `converting (v1.${kind}) to (${group.split('.')[0] || 'core'}.${expected}): unknown conversion`
    : `no kind "${kind}" is registered for version "${apiVersion}" in scheme "pkg/runtime/scheme.go:111"`;
};

/** What is applied says what it is. */
export const requireKind = (value: unknown, target: Target): void => {
  const [version = '', group = ''] = (textAt(value, 'apiVersion') ?? '').split('/').toReversed();
  const kind = textAt(value, 'kind') ?? '';
  const expected = expectedOf(target);
  if (textAt(value, 'apiVersion') !== expected.apiVersion || kind !== expected.kind) throw badRequest(`invalid object type: ${group}/${version}, Kind=${kind}`);
};

export const asTargetObject = (value: unknown, target: Target): KubernetesObject => {
  const { resource, namespace, name } = target;
  const given: unknown = { ...expectedOf(target), metadata: {}, ...Object(withoutNulls(value)) };
  if (!isRecord(value) || !isKubernetesObject(given)) throw badRequest(`the object provided is unrecognized (must be of type ${resource.kind})`);
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
