import { StatusError } from './errors.ts';
import { goText } from './go-text.ts';
import { isRecord } from './json.ts';
import { keyDefaults } from './structure.ts';
import { type Shape, shapeOfField, shapeOfKind } from './schema.ts';

/**
 * Refuses a configuration that does not fit the kind's schema, as apply does before it looks at anything else; there
 * `fieldValidation` has no say. https://github.com/kubernetes-sigs/structured-merge-diff/blob/v6.3.2/typed/validate.go
 */
export const requireTyped = (value: unknown, { kind, apiVersion, name }: { kind: string; apiVersion: string; name: string }): void => {
  const shape = shapeOfKind(kind);
  const problems = shape ? problemsOf(value, shape, '') : [];
  if (problems.length === 0) return;
  const version = apiVersion.includes('/') ? apiVersion : `/${apiVersion}`;
  const told = problems.length === 1 ? problems[0] : `errors:\n${problems.map((problem) => `  ${problem}`).join('\n')}`;
  throw new StatusError(500, '', `failed to create typed patch object (/${name}; ${version}, Kind=${kind}): ${told}`);
};

const problemsOf = (value: unknown, shape: Shape, path: string): string[] => {
  if (value === null || value === undefined) return [];
  if (shape.kind === 'scalar') return scalarProblems(value, shape.type, path);
  if (shape.kind === 'list') {
    if (!Array.isArray(value)) return [`${path}: expected list, got ${describe(value)}`];
    const elements = value.map((item, index) => elementOf(item, shape, index));
    const repeated = elements.filter((element, index) => element !== undefined && elements.indexOf(element) < index);
    return [...repeated.map((element) => `${path}: duplicate entries for key ${element}`), ...value.flatMap((item, index) => problemsOf(item, shape.items, `${path}${elements[index] ?? `[${index}]`}`))];
  }
  if (!isRecord(value)) return [`${path}: expected map, got ${describe(value)}`];
  return Object.entries(value).flatMap(([field, content]) => {
    if (shape.kind === 'map') return problemsOf(content, shape.values, `${path}.${field}`);
    const known = shapeOfField(shape.type, field);
    return known ? problemsOf(content, known, `${path}.${field}`) : [`${path}.${field}: field not declared in schema`];
  });
};

const elementOf = (item: unknown, { keys, isSet }: { keys: readonly string[] | undefined; isSet: boolean }, index: number): string | undefined => {
  if (isSet) return `[=${JSON.stringify(item)}]`;
  if (!keys || !isRecord(item)) return keys ? `[${index}]` : undefined;
  return `[${keys.toSorted().map((key) => `${key}=${JSON.stringify(item[key] ?? keyDefaults[key])}`).join(',')}]`;
};

const words: Record<string, { isFitting: (value: unknown) => boolean; expected: string }> = {
  string: { isFitting: (value) => typeof value === 'string', expected: 'string' },
  bool: { isFitting: (value) => typeof value === 'boolean', expected: 'boolean' },
  number: { isFitting: (value) => typeof value === 'number', expected: 'numeric (int or float)' },
};

const scalarProblems = (value: unknown, type: string, path: string): string[] => {
  const word = words[{ int32: 'number', int64: 'number', float64: 'number', bytes: 'string', time: 'string' }[type] ?? type];
  return !word || word.isFitting(value) ? [] : [`${path}: expected ${word.expected}, got ${describe(value)}`];
};

const describe = (value: unknown): string => (typeof value === 'string' ? 'string' : `&value.valueUnstructured{Value:${goText(value)}}`);
