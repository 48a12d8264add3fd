import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** The part of Swagger 2.0 that the AKS specification uses. */
export interface Schema {
  $ref?: string;
  type?: 'string' | 'boolean' | 'integer' | 'number' | 'array' | 'object';
  format?: string;
  enum?: unknown[];
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  allOf?: Schema[];
  required?: string[];
  readOnly?: boolean;
  minimum?: number;
  maximum?: number;
}

interface Parameter {
  $ref?: string;
  name: string;
  in: string;
  required?: boolean;
  pattern?: string;
  schema?: Schema;
}

interface Operation {
  operationId: string;
  parameters: Parameter[];
  responses: Record<string, { schema?: Schema; headers?: Record<string, unknown> }>;
}

interface Document {
  definitions: Record<string, Schema>;
  parameters: Record<string, Parameter>;
  paths: Record<string, Record<string, Operation>>;
}

/** A schema and the file that its references are relative to. */
interface Placed<T> {
  value: T;
  file: string;
}

export interface Exchange {
  method: string;
  url: URL;
  requestBody: unknown;
  status: number;
  responseHeaders: Record<string, string>;
  responseBody: unknown;
}

export const swaggerFolder = resolve(import.meta.dirname, '../../../../shared/data/swagger');
export const hasSwagger = existsSync(swaggerFolder);
const specification = resolve(
  swaggerFolder,
  'subset/specification/containerservice/resource-manager/Microsoft.ContainerService/aks/stable/2026-06-01/managedClusters.json',
);

/** Checks values and whole exchanges against the specification; every complaint is a line with the place in front. */
export const openSwagger = () => {
  const documents = new Map<string, Document>();
  const open = (file: string): Document => {
    const known = documents.get(file);
    if (known !== undefined) return known;
    const document: Document = JSON.parse(readFileSync(file, 'utf8'));
    documents.set(file, document);
    return document;
  };

  /** What a reference points at; what is no reference stays what it is. */
  const follow = ({ value, file }: Placed<Schema>): Placed<Schema> => {
    if (value.$ref === undefined) return { value, file };
    const target = targetOf(value.$ref, file);
    return follow({ value: present(open(target.file).definitions[target.name], value.$ref), file: target.file });
  };
  const followParameter = (value: Parameter): Placed<Parameter> => {
    if (value.$ref === undefined) return { value, file: specification };
    const target = targetOf(value.$ref, specification);
    return { value: present(open(target.file).parameters[target.name], value.$ref), file: target.file };
  };

  /** Properties of a schema and of all that it builds on. */
  const propertiesOf = (placed: Placed<Schema>): Map<string, Placed<Schema>> => {
    const { value, file } = follow(placed);
    return new Map([
      ...(value.allOf ?? []).flatMap((base) => [...propertiesOf({ value: base, file })]),
      ...Object.entries(value.properties ?? {}).map(([name, property]): [string, Placed<Schema>] => [name, { value: property, file }]),
    ]);
  };

  const check = (value: unknown, placed: Placed<Schema>, direction: 'request' | 'response', place: string): string[] => {
    const { value: schema, file } = follow(placed);
    if (schema.enum !== undefined && !schema.enum.includes(value)) return [`${place}: ${JSON.stringify(value)} is not one of ${schema.enum.join(', ')}`];
    const complain = (wanted: string): string[] => [`${place}: ${JSON.stringify(value)} is not ${wanted}`];
    switch (schema.type) {
      case 'string':
        return typeof value === 'string' ? [] : complain('a string');
      case 'boolean':
        return typeof value === 'boolean' ? [] : complain('a boolean');
      case 'integer':
      case 'number':
        if (typeof value !== 'number' || (schema.type === 'integer' && !Number.isInteger(value))) return complain(`a ${schema.type}`);
        return value < (schema.minimum ?? value) || value > (schema.maximum ?? value) ? complain('within its bounds') : [];
      case 'array':
        if (!Array.isArray(value)) return complain('a list');
        return value.flatMap((item, index) => check(item, { value: schema.items ?? {}, file }, direction, `${place}[${index}]`));
      case 'object':
      case undefined:
        break;
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return complain('an object');
    const properties = propertiesOf({ value: schema, file });
    const missing = (schema.required ?? []).filter((name) => !(name in value)).map((name) => `${place}: ${name} is missing`);
    return [
      ...missing,
      ...Object.entries(value).flatMap(([name, item]): string[] => {
        const property = properties.get(name);
        const at = `${place}.${name}`;
        if (property === undefined) {
          if (typeof schema.additionalProperties === 'object') return check(item, { value: schema.additionalProperties, file }, direction, at);
          return [`${at}: is not in the specification`];
        }
        if (direction === 'request' && property.value.readOnly === true) return [`${at}: is read-only`];
        return check(item, property, direction, at);
      }),
    ];
  };

  const findOperation = ({ method, url }: Exchange): { operation: Operation; params: Record<string, string> } | undefined => {
    for (const [template, verbs] of Object.entries(open(specification).paths)) {
      const wanted = template.split('/');
      const given = url.pathname.split('/');
      const operation = verbs[method.toLowerCase()];
      if (operation === undefined || wanted.length !== given.length) continue;
      if (!wanted.every((segment, index) => segment.startsWith('{') || segment === given[index])) continue;
      return { operation, params: Object.fromEntries(wanted.flatMap((segment, index) => (segment.startsWith('{') ? [[segment.slice(1, -1), given[index] ?? '']] : []))) };
    }
    return undefined;
  };

  return {
    /** The schema of that name, ready to be checked against. */
    definition: (name: string): Placed<Schema> => ({ value: { $ref: `#/definitions/${name}` }, file: specification }),
    follow,
    propertiesOf,
    check,
    /** Undefined when the specification has no such operation. */
    checkExchange(exchange: Exchange): string[] | undefined {
      const found = findOperation(exchange);
      if (found === undefined) return undefined;
      const { operation, params } = found;
      const at = `${operation.operationId} ${exchange.status}`;
      const complaints: string[] = [];
      for (const parameter of operation.parameters) {
        const { value, file } = followParameter(parameter);
        const text = value.in === 'path' ? params[value.name] : value.in === 'query' ? (exchange.url.searchParams.get(value.name) ?? undefined) : undefined;
        if (value.required === true && (value.in === 'path' || value.in === 'query') && text === undefined) complaints.push(`${at}: parameter ${value.name} is missing`);
        if (value.pattern !== undefined && text !== undefined && !new RegExp(value.pattern).test(text)) complaints.push(`${at}: parameter ${value.name} is '${text}'`);
        if (value.in === 'body' && value.schema !== undefined) complaints.push(...check(exchange.requestBody, { value: value.schema, file }, 'request', `${at} request`));
      }
      const response = operation.responses[exchange.status] ?? operation.responses['default'];
      if (response === undefined) return [...complaints, `${at}: no such answer`];
      for (const name of Object.keys(response.headers ?? {})) {
        if (exchange.responseHeaders[name.toLowerCase()] === undefined) complaints.push(`${at}: header ${name} is missing`);
      }
      if (response.schema === undefined) {
        if (exchange.responseBody !== undefined) complaints.push(`${at}: has a body`);
        return complaints;
      }
      return [...complaints, ...check(exchange.responseBody, { value: response.schema, file: specification }, 'response', `${at} response`)];
    },
  };
};

const targetOf = (reference: string, file: string): { file: string; name: string } => {
  const [path = '', pointer = ''] = reference.split('#');
  return { file: path === '' ? file : resolve(dirname(file), path), name: pointer.split('/').at(-1) ?? '' };
};

const present = <T>(value: T | undefined, reference: string): T => {
  if (value === undefined) throw new Error(`The specification has no ${reference}.`);
  return value;
};
