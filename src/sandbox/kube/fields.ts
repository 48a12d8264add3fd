import { difference, type FieldPath, type FieldSet, joinPath } from './field-set.ts';
import { isEqualJson, isRecord } from './json.ts';
import { keyDefaults, listStructure, mapStructure } from './structure.ts';

/** A field is a leaf (a scalar, or a list or map that is one value), an item of a keyed list, or holds further fields. */
export type Field = { kind: 'leaf'; value: unknown } | { kind: 'item' } | { kind: 'container' };

/** What changed between two states of an object, in owned paths. */
export interface Comparison {
  added: FieldSet;
  modified: FieldSet;
  removed: FieldSet;
}

/** All fields of an object, in the order in which they stand there. */
const fieldsOf = (object: unknown, kind: string): Map<FieldPath, Field> => {
  const found = new Map<FieldPath, Field>();

  const visit = (value: unknown, path: FieldPath, names: readonly string[], isItem: boolean): void => {
    if (isRecord(value)) {
      const isLeaf = mapStructure(names, isItem, kind) === 'atomic' || (Object.keys(value).length === 0 && !isItem);
      if (isLeaf && !isItem) return void found.set(path, { kind: 'leaf', value });
      if (path) found.set(path, { kind: isItem ? 'item' : 'container' });
      if (isLeaf) return;
      for (const [name, child] of Object.entries(value)) visit(child, joinPath(path, `f:${name}`), [...names, name], false);
      return;
    }
    const structure = Array.isArray(value) ? listStructure(names, kind) : 'atomic';
    if (!Array.isArray(value) || structure === 'atomic') return void found.set(path, { kind: isItem ? 'item' : 'leaf', value });
    found.set(path, { kind: 'container' });
    for (const [index, item] of value.entries()) visit(item, joinPath(path, itemElement(item, structure, index)), names, true);
  };

  visit(object, '', [], false);
  return found;
};

/** The set that an applied configuration claims: its leaves, and the items of its keyed lists. */
export const claimedBy = (configuration: unknown, kind: string): FieldSet =>
  withoutIdentity(
    new Set([...fieldsOf(configuration, kind)].filter(([, field]) => field.kind !== 'container').map(([path]) => path)),
  );

/**
 * How two states of an object differ. Containers that appear count as added, save those which the API's types always
 * have; this is what the `"."` marks in `managedFields` of an update are.
 */
export const compareFields = (before: unknown, after: unknown, kind: string): Comparison => {
  const [old, current] = [fieldsOf(before, kind), fieldsOf(after, kind)];
  const added = [...current.keys()].filter((path) => !old.has(path) && !isAlwaysThere(path, current.get(path)));
  const removed = [...old.keys()].filter((path) => !current.has(path));
  const modified = [...current].filter(([path, field]) => {
    const previous = old.get(path);
    return previous?.kind === 'leaf' && field.kind === 'leaf' && !isEqualJson(previous.value, field.value);
  });
  return {
    added: withoutIdentity(new Set(added)),
    modified: withoutIdentity(new Set(modified.map(([path]) => path))),
    removed: withoutIdentity(new Set(removed)),
  };
};

/** `k:{"name":"web"}`: the element of a list item, with its keys in order. */
export const itemElement = (item: unknown, structure: 'set' | { keys: readonly string[] }, index: number): string => {
  if (structure === 'set') return `v:${JSON.stringify(item)}`;
  const keys: [string, unknown][] = [];
  for (const key of structure.keys.toSorted()) {
    const value = isRecord(item) ? (item[key] ?? keyDefaults[key]) : undefined;
    if (value !== undefined) keys.push([key, value]);
  }
  return keys.length === 0 ? `i:${index}` : `k:${JSON.stringify(Object.fromEntries(keys))}`;
};

const identityFields = new Set(
  ['name', 'namespace', 'creationTimestamp', 'selfLink', 'uid', 'generation', 'managedFields', 'resourceVersion'].map((name) =>
    joinPath('f:metadata', `f:${name}`),
  ),
);

/** What names an object belongs to nobody. */
const withoutIdentity = (set: FieldSet): FieldSet =>
  difference(set, new Set([...identityFields, 'f:apiVersion', 'f:kind', 'f:metadata']));

const alwaysThere = new Set(['f:spec', 'f:status', 'f:template', 'f:metadata', 'f:strategy', 'f:updateStrategy', 'f:containers', 'f:resources']);

const isAlwaysThere = (path: FieldPath, field: Field | undefined): boolean =>
  field?.kind === 'container' && alwaysThere.has(path.slice(path.lastIndexOf('\u0000') + 1));
