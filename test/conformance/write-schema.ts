import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type JsonRecord, listAt, recordAt, textAt, valueAt } from '../../src/sandbox/kube/json.ts';
import { groupPath, groupVersions, resources } from '../../src/sandbox/kube/resources.ts';
import { projectFolder } from '../support/project.ts';
import { openApi, readCredentials } from './api.ts';

/**
 * Writes down the shapes of the kinds that the sandbox serves, as a real server publishes them:
 * `KAITO_TEST_KUBECONFIG=... node test/conformance/write-schema.ts`. How a type is written is said in `schema.ts`.
 */
const writeSchema = async (kubeconfig: string): Promise<void> => {
  const api = openApi(readCredentials(kubeconfig));
  const definitions: JsonRecord = {};
  for (const group of [...groupVersions, { group: 'autoscaling', version: 'v1' }]) Object.assign(definitions, recordAt((await api.send('GET', `/openapi/v3${groupPath(group)}`)).body, 'components', 'schemas'));
  api.close();

  const kinds: Record<string, string> = {};
  for (const [name, definition] of Object.entries(definitions)) {
    for (const meant of listAt(definition, 'x-kubernetes-group-version-kind')) {
      const { group, version, kind } = recordAt(meant);
      const isServed = resources.some((known) => known.group === group && known.version === version && known.kind === kind && kind !== 'CustomResourceDefinition');
      if (isServed || (kind === 'Scale' && group === 'autoscaling' && version === 'v1') || (kind === 'DeleteOptions' && group === '' && version === 'v1')) kinds[String(kind)] = shortName(name);
    }
  }
  const types: Record<string, Record<string, string>> = {};
  const add = (name: string): void => {
    const definition = Object.entries(definitions).find(([full]) => shortName(full) === name)?.[1];
    const properties = recordAt(definition, 'properties');
    if (types[name]) return;
    const fields: Record<string, string> = {};
    types[name] = fields;
    for (const [field, property] of Object.entries(properties)) {
      fields[field] = typeOf(property, definitions);
      const inner = /[A-Z][\w.]*/.exec(fields[field])?.[0];
      if (inner) add(inner);
    }
  };
  for (const name of Object.values(kinds)) add(name);
  writeFileSync(join(projectFolder, 'src/sandbox/kube/schema.json'), `${JSON.stringify({ kinds: sorted(kinds), types: sorted(types) }, undefined, 1)}\n`);
};

const sorted = <T>(record: Record<string, T>): Record<string, T> => Object.fromEntries(Object.entries(record).sort(([left], [right]) => (left < right ? -1 : 1)));

/** `io.k8s.api.core.v1.PodSpec` is `PodSpec`; names that two groups share keep theirs. */
const shortName = (name: string): string => name.split('.').at(-1) ?? name;

const typeOf = (property: unknown, definitions: JsonRecord): string => {
  const merge = textAt(property, 'x-kubernetes-patch-strategy')?.includes('merge') ? ` merge=${textAt(property, 'x-kubernetes-patch-merge-key') ?? ''}` : '';
  const list = { map: ` map=${listAt(property, 'x-kubernetes-list-map-keys').join(',')}`, set: ' set' }[textAt(property, 'x-kubernetes-list-type') ?? ''] ?? '';
  const reference = textAt(property, '$ref') ?? textAt(listAt(property, 'allOf')[0], '$ref');
  if (reference) return referenced(reference.replace('#/components/schemas/', ''), property, definitions);
  if (textAt(property, 'type') === 'array') return `[]${typeOf(valueAt(property, 'items'), definitions)}${list}${merge}`;
  const values = valueAt(property, 'additionalProperties');
  if (textAt(property, 'type') === 'object') return values === undefined ? 'any' : `map[]${typeOf(values, definitions)}${textAt(property, 'x-kubernetes-map-type') === 'atomic' ? ' atomic' : ''}`;
  return scalars[textAt(property, 'format') ?? ''] ?? { boolean: 'bool', integer: 'int32', number: 'float64', string: 'string' }[textAt(property, 'type') ?? ''] ?? 'any';
};

const scalars: Record<string, string> = { int32: 'int32', int64: 'int64', double: 'float64', byte: 'bytes', 'date-time': 'time' };

const named: Record<string, string> = { Quantity: 'quantity', IntOrString: 'intOrString', Time: 'time', MicroTime: 'time', FieldsV1: 'any', RawExtension: 'any' };

const referenced = (name: string, property: unknown, definitions: JsonRecord): string => {
  const short = shortName(name);
  const isAtomic = [property, definitions[name]].some((place) => textAt(place, 'x-kubernetes-map-type') === 'atomic');
  return named[short] ?? `${short}${isAtomic ? ' atomic' : ''}`;
};

const kubeconfig = process.env['KAITO_TEST_KUBECONFIG'];
if (!kubeconfig) throw new Error('KAITO_TEST_KUBECONFIG names no kubeconfig of a real cluster to learn from.');
await writeSchema(kubeconfig);
