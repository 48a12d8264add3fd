import { quote } from './go-text.ts';
import { isMap, isWholeNumber, typeName, type JsonMap } from './json.ts';
import type { Path } from './problem.ts';

/** A structural schema, as far as KAITO's CRD needs one. */
export type Schema =
  /** Where the CRD asks for one of them twice (`allOf`), the API server says a sentence more. */
  | { type: 'string'; oneOf?: readonly string[]; isAskedTwice?: true; default?: string }
  | { type: 'integer'; minimum?: number; default?: number }
  | { type: 'object'; fields: Readonly<Record<string, Schema>>; required?: readonly string[] }
  | { type: 'map'; values: Schema }
  | { type: 'array'; items: Schema }
  /** Kept as it is. */
  | { type: 'any' };

export interface Admitted {
  /** With defaults filled in and unknown fields dropped. */
  value: unknown;
  /** Unknown fields, which the API server drops without a word. */
  pruned: Path[];
  errors: { path: Path; message: string }[];
}

/** As the API server writes it, which puts no key into brackets. */
const fieldPath = (path: Path): string => path.reduce<string>((shown, part) => (typeof part === 'number' ? `${shown}[${part}]` : shown === '' ? part : `${shown}.${part}`), '');

/** What the API server makes of a document before the webhook sees it: pruning, defaulting, and the schema's errors in its words. */
export const admit = (value: unknown, schema: Schema): Admitted => {
  const pruned: Path[] = [];
  const errors: Admitted['errors'] = [];

  const refuse = (path: Path, text: string): void => {
    errors.push({ path, message: `${fieldPath(path)}: ${text}` });
  };

  const wrongType = (inner: unknown, wanted: string, path: Path): void => {
    const found = typeName(inner);
    refuse(path, `Invalid value: "${found}": ${fieldPath(path)} in body must be of type ${wanted}: "${found}"`);
  };

  const visit = (inner: unknown, wanted: Schema, path: Path): unknown => {
    switch (wanted.type) {
      case 'any':
        return inner;
      case 'string':
        if (typeof inner !== 'string') wrongType(inner, 'string', path);
        if (wanted.oneOf && !wanted.oneOf.some((one) => one === inner)) {
          if (wanted.isAskedTwice) errors.push({ path, message: `<nil>: Invalid value: "": "${fieldPath(path)}" must validate all the schemas (allOf). None validated` });
          refuse(path, `Unsupported value: ${typeof inner === 'string' ? quote(inner) : JSON.stringify(inner)}: supported values: ${wanted.oneOf.map(quote).join(', ')}`);
        }
        return inner;
      case 'integer':
        if (typeof inner !== 'number' || !isWholeNumber(inner)) wrongType(inner, 'integer', path);
        else if (wanted.minimum !== undefined && inner < wanted.minimum) refuse(path, `Invalid value: ${inner}: ${fieldPath(path)} in body should be greater than or equal to ${wanted.minimum}`);
        return inner;
      case 'array':
        if (Array.isArray(inner)) return inner.map((item, index) => visit(item, wanted.items, [...path, index]));
        wrongType(inner, 'array', path);
        return inner;
      case 'map':
        if (isMap(inner)) return Object.fromEntries(Object.entries(inner).flatMap(([key, item]) => (item === null ? [] : [[key, visit(item, wanted.values, [...path, key])]])));
        wrongType(inner, 'object', path);
        return inner;
      case 'object':
        if (isMap(inner)) return visitFields(inner, wanted, path);
        wrongType(inner, 'object', path);
        return inner;
    }
  };

  const visitFields = (map: JsonMap, { fields, required = [] }: Extract<Schema, { type: 'object' }>, path: Path): JsonMap => {
    const kept: Record<string, unknown> = {};
    for (const [key, inner] of Object.entries(map)) {
      const wanted = Object.hasOwn(fields, key) ? fields[key] : undefined;
      if (!wanted) pruned.push([...path, key]);
      // No field of the CRD is nullable: null is the same as nothing.
      else if (inner !== null) kept[key] = visit(inner, wanted, [...path, key]);
    }
    for (const [key, wanted] of Object.entries(fields)) if (!(key in kept) && 'default' in wanted && wanted.default !== undefined) kept[key] = wanted.default;
    for (const key of required) if (!(key in kept)) refuse([...path, key], 'Required value');
    return kept;
  };

  return { value: visit(value, schema, []), pruned, errors };
};
