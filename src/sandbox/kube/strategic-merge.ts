import { StatusError } from './errors.ts';
import { goText } from './go-text.ts';
import { isEqualJson, isRecord, type JsonRecord, textAt, valueAt } from './json.ts';
import { strategicStructure } from './structure.ts';

/**
 * A merge patch that knows which lists are keyed, with the directives that kubectl sends:
 * https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
 */
export const applyStrategicMerge = (object: unknown, patch: JsonRecord): unknown => mergeRecord(object, patch, [], textAt(object, 'kind') ?? '');

const mergeRecord = (target: unknown, patch: JsonRecord, names: readonly string[], kind: string): JsonRecord => {
  const { $patch: directive, $retainKeys: retained, ...fields } = patch;
  if (directive === 'delete') return {};
  const merged: JsonRecord = isRecord(target) && directive !== 'replace' ? { ...target } : {};
  if (Array.isArray(retained)) for (const field of Object.keys(merged)) if (!retained.includes(field)) delete merged[field];

  for (const [field, value] of Object.entries(fields)) {
    if (field.startsWith('$')) continue;
    if (value === null) delete merged[field];
    else if (isRecord(value)) merged[field] = mergeRecord(merged[field], value, [...names, field], kind);
    else if (Array.isArray(value)) merged[field] = mergeList(merged[field], value, [...names, field], kind);
    else merged[field] = value;
  }
  for (const [field, value] of Object.entries(fields)) applyListDirective(merged, field, value, { names, kind, target });
  return merged;
};

const mergeList = (target: unknown, patch: readonly unknown[], names: readonly string[], kind: string): unknown[] => {
  const structure = strategicStructure(names, kind);
  if (structure === 'atomic' || !Array.isArray(target)) return patch.filter((item) => !isDirective(item)).map((item) => withoutDirectives(item, names, kind));
  if (structure === 'set') return mergeSorted(target.filter((item) => !patch.some((given) => isEqualJson(given, item))), patch, target, (item) => item);
  if (patch.some((item) => isRecord(item) && item['$patch'] === 'replace')) return patch.filter((item) => !isDirective(item));

  const { key } = structure;
  const keyOf = (item: unknown): unknown => (isRecord(item) ? item[key] : undefined);
  const given = patch.filter(isRecord);
  const nameless = given.find((item) => keyOf(item) === undefined);
  if (nameless) throw new StatusError(500, '', `map: ${goText(nameless)} does not contain declared merge key: ${key}`);
  const untouched = target.filter((old) => !given.some((item) => isEqualJson(keyOf(item), keyOf(old))));
  const merged = given
    .filter((item) => item['$patch'] !== 'delete')
    .map((item) => mergeRecord(target.find((old) => isEqualJson(keyOf(old), keyOf(item))) ?? {}, item, names, kind));
  return mergeSorted(untouched, merged, target, keyOf);
};

/**
 * The items that a patch does not name between those that it does, each in their own order: by the order in which both
 * stood before, and where one is new the patch's first.
 */
const mergeSorted = (untouched: readonly unknown[], given: readonly unknown[], before: readonly unknown[], keyOf: (item: unknown) => unknown): unknown[] => {
  const rank = (item: unknown): number => before.findIndex((old) => isEqualJson(keyOf(old), keyOf(item)));
  const rest = [...untouched];
  const merged = given.flatMap((item) => {
    const at = rank(item);
    const isBehind = (other: unknown): boolean => at < 0 || rank(other) < 0 || rank(other) > at;
    const first = rest.findIndex(isBehind);
    return [...rest.splice(0, first < 0 ? rest.length : first), item];
  });
  return [...merged, ...rest];
};

/** `$setElementOrder/containers` and `$deleteFromPrimitiveList/finalizers` stand beside the list they are about. */
const applyListDirective = (merged: JsonRecord, directive: string, value: unknown, { names, kind, target }: { names: readonly string[]; kind: string; target: unknown }): void => {
  const [name, field = ''] = directive.split('/');
  const list = merged[field];
  const before = valueAt(target, field);
  if (!Array.isArray(list) || !Array.isArray(value)) return;
  if (name === '$deleteFromPrimitiveList') merged[field] = list.filter((item) => !value.some((gone) => isEqualJson(gone, item)));
  if (name !== '$setElementOrder') return;

  const structure = strategicStructure([...names, field], kind);
  const identify = (item: unknown): unknown => (isRecord(item) && typeof structure === 'object' ? item[structure.key] : item);
  const order = value.map(identify);
  const rank = (item: unknown): number => order.findIndex((wanted) => isEqualJson(wanted, identify(item)));
  const known = list.filter((item) => rank(item) >= 0).sort((left, right) => rank(left) - rank(right));
  merged[field] = mergeSorted(list.filter((item) => rank(item) < 0), known, Array.isArray(before) ? before : [], identify);
};

const isDirective = (item: unknown): boolean => isRecord(item) && item['$patch'] !== undefined;

/** What is new in its place has nothing to be merged with, but may still carry orders for lists inside. */
const withoutDirectives = (item: unknown, names: readonly string[], kind: string): unknown => (isRecord(item) ? mergeRecord({}, item, names, kind) : item);
