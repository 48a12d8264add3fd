import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { dataFolder } from './project.ts';

interface Schema {
  type?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  required?: string[];
  enum?: unknown[];
  minimum?: number;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-int-or-string'?: boolean;
}

const file = join(dataFolder, 'crds/kaito.sh_workspaces.yaml');

export const hasWorkspaceCrd = existsSync(file);

/** KAITO's own schema of a version. */
export const workspaceCrdSchema = (version: string): Schema => {
  const crd: { spec: { versions: { name: string; schema: { openAPIV3Schema: Schema } }[] } } = parse(readFileSync(file, 'utf8'));
  const found = crd.spec.versions.find(({ name }) => name === version);
  if (!found) throw new Error(`KAITO's CRD has no version ${version}.`);
  return found.schema.openAPIV3Schema;
};

/** What the API server would refuse or drop, by its place; with the keywords that what users write there is described by. */
export const refusedBy = (schema: Schema, value: unknown, path = ''): string[] => {
  if (schema['x-kubernetes-int-or-string']) return typeof value === 'string' || Number.isInteger(value) ? [] : [`${path}: neither a number nor text`];
  if (schema.enum && !schema.enum.includes(value)) return [`${path}: ${String(value)} is none of ${schema.enum.join(', ')}`];
  switch (schema.type) {
    case 'string':
    case 'boolean':
      return typeof value === schema.type ? [] : [`${path}: no ${schema.type}`];
    case 'integer':
      return typeof value === 'number' && Number.isInteger(value) && value >= (schema.minimum ?? Number.NEGATIVE_INFINITY) ? [] : [`${path}: no integer of at least ${schema.minimum ?? 'any size'}`];
    case 'array':
      return Array.isArray(value) ? value.flatMap((item: unknown, index) => refusedBy(schema.items ?? {}, item, `${path}[${index}]`)) : [`${path}: no list`];
    case 'object':
      return refusedFields(schema, value, path);
    default:
      return schema['x-kubernetes-preserve-unknown-fields'] ? [] : [`${path}: a schema of type ${String(schema.type)}`];
  }
};

const refusedFields = (schema: Schema, value: unknown, path: string): string[] => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path}: no map`];
  const { properties = {}, additionalProperties, required = [] } = schema;
  return [
    ...required.filter((name) => !Object.hasOwn(value, name)).map((name) => `${path}.${name}: missing`),
    ...Object.entries(value).flatMap(([name, inner]: [string, unknown]) => {
      // The API server knows metadata by itself.
      if (path === '' && name === 'metadata') return [];
      const known = properties[name] ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined);
      if (known) return refusedBy(known, inner, `${path}.${name}`);
      return schema['x-kubernetes-preserve-unknown-fields'] ? [] : [`${path}.${name}: unknown`];
    }),
  ];
};
