import { isRecord, type JsonRecord } from './json.ts';

/**
 * Which fields of an object somebody owns: paths, each of elements as `fieldsV1` writes them: `f:replicas`,
 * `k:{"name":"web"}`, `v:"kubernetes"`. A path stands for itself alone, not for what is below it.
 */
export type FieldSet = ReadonlySet<FieldPath>;

/** Elements joined with a character that no element contains: JSON escapes it. */
export type FieldPath = string;

const separator = '\u0000';

export const joinPath = (path: FieldPath, element: string): FieldPath => (path ? path + separator + element : element);

const elementsOf = (path: FieldPath): string[] => path.split(separator);

export const union = (...sets: FieldSet[]): FieldSet => new Set(sets.flatMap((set) => [...set]));

export const difference = (left: FieldSet, right: FieldSet): FieldSet => new Set([...left].filter((path) => !right.has(path)));

export const intersection = (left: FieldSet, right: FieldSet): FieldSet => new Set([...left].filter((path) => right.has(path)));

export const isEqualSet = (left: FieldSet, right: FieldSet): boolean =>
  left.size === right.size && [...left].every((path) => right.has(path));

/** Whether the set has that path or anything below it. */
export const touches = (set: FieldSet, path: FieldPath): boolean => {
  if (set.has(path)) return true;
  const prefix = path + separator;
  for (const member of set) if (member.startsWith(prefix)) return true;
  return false;
};

/** In the order in which the API prints and stores them. */
export const sortedPaths = (set: FieldSet): FieldPath[] => [...set].sort(comparePaths);

const elementRank: Record<string, number> = { f: 0, k: 1, v: 2, i: 3 };

const comparePaths = (left: FieldPath, right: FieldPath): number => {
  const [a, b] = [elementsOf(left), elementsOf(right)];
  // A set's own members come before those of its children.
  if (a.length === 1 || b.length === 1) {
    if (a.length !== b.length) return a.length === 1 ? -1 : 1;
    return compareElements(a[0] ?? '', b[0] ?? '');
  }
  return compareElements(a[0] ?? '', b[0] ?? '') || comparePaths(a.slice(1).join(separator), b.slice(1).join(separator));
};

const compareElements = (left: string, right: string): number => {
  const ranks = (elementRank[left.charAt(0)] ?? 4) - (elementRank[right.charAt(0)] ?? 4);
  if (ranks !== 0 || left === right) return ranks;
  return left < right ? -1 : 1;
};

/** `.spec.template.spec.containers[name="web"].image`, as conflicts name it. */
export const describePath = (path: FieldPath): string =>
  elementsOf(path)
    .map((element) => {
      const content = element.slice(2);
      if (element.startsWith('k:')) {
        const keys: unknown = JSON.parse(content);
        const pairs = isRecord(keys) ? Object.entries(keys) : [];
        return `[${pairs.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`;
      }
      if (element.startsWith('v:')) return `[=${content}]`;
      return element.startsWith('i:') ? `[${content}]` : `.${content}`;
    })
    .join('');

export const toFieldsV1 = (set: FieldSet): JsonRecord => {
  const root: JsonRecord = {};
  for (const path of sortedPaths(set)) {
    const node = elementsOf(path).reduce<JsonRecord>((parent, element) => {
      const child = parent[element];
      if (isRecord(child)) return child;
      const created: JsonRecord = {};
      parent[element] = created;
      return created;
    }, root);
    node['.'] = {};
  }
  dropLeafMarks(root);
  return root;
};

/** A field with nothing below it is written `{}`; only one with more below it says `"."` for itself. */
const dropLeafMarks = (node: JsonRecord): void => {
  for (const [element, child] of Object.entries(node)) {
    if (!isRecord(child) || element === '.') continue;
    if (Object.keys(child).length === 1) delete child['.'];
    dropLeafMarks(child);
  }
};

export const fromFieldsV1 = (fields: unknown, path: FieldPath = ''): FieldSet => {
  if (!isRecord(fields)) return new Set();
  const paths: FieldPath[] = path && (Object.keys(fields).length === 0 || '.' in fields) ? [path] : [];
  for (const [element, below] of Object.entries(fields)) {
    if (element !== '.') paths.push(...fromFieldsV1(below, joinPath(path, element)));
  }
  return new Set(paths);
};
