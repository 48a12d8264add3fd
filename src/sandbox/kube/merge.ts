import { type FieldPath, type FieldSet, joinPath, touches } from './field-set.ts';
import { itemElement } from './fields.ts';
import { isEqualJson, isRecord } from './json.ts';
import { listStructure, mapStructure, type Structure } from './structure.ts';

/** The live object with the configuration laid over it, list items matched by their keys. */
export const mergeApplied = (live: unknown, configuration: unknown, kind: string): unknown => {
  const merge = (before: unknown, given: unknown, names: readonly string[], isItem: boolean): unknown => {
    if (isRecord(given)) {
      if (!isRecord(before) || mapStructure(names, isItem, kind) === 'atomic') return structuredClone(given);
      const merged = { ...before };
      for (const [name, value] of Object.entries(given)) merged[name] = merge(before[name], value, [...names, name], false);
      return merged;
    }
    const structure = Array.isArray(given) ? listStructure(names, kind) : 'atomic';
    if (!Array.isArray(given) || !Array.isArray(before) || structure === 'atomic') return structuredClone(given);
    return mergeLists(before, given, structure, (old, item) => merge(old, item, names, true));
  };
  return merge(live, configuration, [], false);
};

/** The order is the configuration's; items that only the live list has stay behind those they stood behind. */
const mergeLists = (
  before: readonly unknown[],
  given: readonly unknown[],
  structure: Exclude<Structure, 'atomic' | 'granular'>,
  merge: (before: unknown, given: unknown) => unknown,
): unknown[] => {
  const elementOf = (item: unknown, index: number): string => itemElement(item, structure, index);
  const old = new Map(before.map((item, index) => [elementOf(item, index), item]));
  const wanted = new Set(given.map(elementOf));
  const followers = Map.groupBy([...old.keys()].filter((element) => !wanted.has(element)), (element) => {
    const above = [...old.keys()].slice(0, [...old.keys()].indexOf(element));
    return above.findLast((candidate) => wanted.has(candidate)) ?? '';
  });
  const follow = (element: string): unknown[] => (followers.get(element) ?? []).map((follower) => old.get(follower));
  return [
    ...follow(''),
    ...given.flatMap((item, index) => [merge(old.get(elementOf(item, index)), item), ...follow(elementOf(item, index))]),
  ];
};

/**
 * Without the fields that were `released` by their manager and are `owned` by nobody. A list item goes as a whole, with
 * what defaulting added to it; a map that loses its last field goes too.
 */
export const prune = (object: unknown, released: FieldSet, owned: FieldSet, kind: string): unknown => {
  const visit = (value: unknown, path: FieldPath, names: readonly string[], isItem: boolean): unknown => {
    const isGone = path !== '' && released.has(path) && !touches(owned, path);
    if (isRecord(value) && mapStructure(names, isItem, kind) === 'granular' && (!isGone || !isItem)) {
      const kept: [string, unknown][] = [];
      for (const [name, child] of Object.entries(value)) {
        const visited = visit(child, joinPath(path, `f:${name}`), [...names, name], false);
        if (visited !== undefined) kept.push([name, visited]);
      }
      // A map that somebody applied as empty stays theirs.
      return isEmptied(value, kept) && !(path !== '' && owned.has(path)) ? undefined : Object.fromEntries(kept);
    }
    const structure = Array.isArray(value) ? listStructure(names, kind) : 'atomic';
    if (!Array.isArray(value) || structure === 'atomic') return isGone ? undefined : value;
    const kept = value.filter((item, index) => {
      const element = joinPath(path, itemElement(item, structure, index));
      return !released.has(element) || touches(owned, element);
    });
    if (kept.length === 0 && value.length > 0) return undefined;
    return kept.map((item, index) => visit(item, joinPath(path, itemElement(item, structure, index)), names, true) ?? {});
  };
  return visit(object, '', [], false);
};

const isEmptied = (before: object, kept: readonly unknown[]): boolean => kept.length === 0 && !isEqualJson(before, {});
