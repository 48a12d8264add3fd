import { isEqualJson, isRecord, type JsonRecord } from './json.ts';
import { strategicStructure } from './structure.ts';

/**
 * A merge patch that knows which lists are keyed, with the directives that kubectl sends:
 * https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
 */
export const applyStrategicMerge = (object: unknown, patch: JsonRecord): unknown => mergeRecord(object, patch, []);

const mergeRecord = (target: unknown, patch: JsonRecord, names: readonly string[]): JsonRecord => {
  const { $patch: directive, $retainKeys: retained, ...fields } = patch;
  if (directive === 'delete') return {};
  const merged: JsonRecord = isRecord(target) && directive !== 'replace' ? { ...target } : {};
  if (Array.isArray(retained)) for (const field of Object.keys(merged)) if (!retained.includes(field)) delete merged[field];

  for (const [field, value] of Object.entries(fields)) {
    if (field.startsWith('$')) continue;
    if (value === null) delete merged[field];
    else if (isRecord(value)) merged[field] = mergeRecord(merged[field], value, [...names, field]);
    else if (Array.isArray(value)) merged[field] = mergeList(merged[field], value, [...names, field]);
    else merged[field] = value;
  }
  for (const [field, value] of Object.entries(fields)) applyListDirective(merged, field, value, names);
  return merged;
};

const mergeList = (target: unknown, patch: readonly unknown[], names: readonly string[]): unknown[] => {
  const structure = strategicStructure(names);
  if (structure === 'atomic' || !Array.isArray(target)) return patch.filter((item) => !isDirective(item)).map(withoutDirectives);
  if (structure === 'set') return [...target, ...patch.filter((item) => !target.some((old) => isEqualJson(old, item)))];
  if (patch.some((item) => isRecord(item) && item['$patch'] === 'replace')) return patch.filter((item) => !isDirective(item));

  const { key } = structure;
  const merged: unknown[] = [...target];
  for (const item of patch) {
    if (!isRecord(item)) continue;
    const index = merged.findIndex((old) => isRecord(old) && isEqualJson(old[key], item[key]));
    if (item['$patch'] === 'delete') {
      if (index >= 0) merged.splice(index, 1);
    } else if (index >= 0) {
      merged[index] = mergeRecord(merged[index], item, names);
    } else {
      merged.push(mergeRecord({}, item, names));
    }
  }
  return merged;
};

/** `$setElementOrder/containers` and `$deleteFromPrimitiveList/finalizers` stand beside the list they are about. */
const applyListDirective = (merged: JsonRecord, directive: string, value: unknown, names: readonly string[]): void => {
  const [name, field = ''] = directive.split('/');
  const list = merged[field];
  if (!Array.isArray(list) || !Array.isArray(value)) return;
  if (name === '$deleteFromPrimitiveList') merged[field] = list.filter((item) => !value.some((gone) => isEqualJson(gone, item)));
  if (name !== '$setElementOrder') return;

  const structure = strategicStructure([...names, field]);
  const identify = (item: unknown): unknown => (isRecord(item) && typeof structure === 'object' ? item[structure.key] : item);
  const order = value.map(identify);
  const rank = (item: unknown): number => order.findIndex((wanted) => isEqualJson(wanted, identify(item)));
  // Items that the order does not name come from somebody else, and stay where they are, at the end.
  const known = list.filter((item) => rank(item) >= 0).sort((left, right) => rank(left) - rank(right));
  merged[field] = [...known, ...list.filter((item) => rank(item) < 0)];
};

const isDirective = (item: unknown): boolean => isRecord(item) && item['$patch'] !== undefined;

/** What is new in its place has nothing to be merged with, but may still carry orders for lists inside. */
const withoutDirectives = (item: unknown): unknown => (isRecord(item) ? mergeRecord({}, item, []) : item);
