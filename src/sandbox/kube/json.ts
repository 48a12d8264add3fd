import type { KubernetesObject } from '../../domain/kubernetes.ts';

/** What JSON can say. Objects of the API are such values; they are compared, copied and frozen, never given identity. */
export type JsonRecord = Record<string, unknown>;

export const isRecord = (value: unknown): value is JsonRecord =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The record at that field, or an empty one: reading deep into an object of unknown shape never throws. */
export const recordAt = (value: unknown, ...fields: string[]): JsonRecord => {
  const found = valueAt(value, ...fields);
  return isRecord(found) ? found : {};
};

export const listAt = (value: unknown, ...fields: string[]): unknown[] => {
  const found = valueAt(value, ...fields);
  return Array.isArray(found) ? found : [];
};

/** Undefined for anything that is not text. */
export const textAt = (value: unknown, ...fields: string[]): string | undefined => {
  const found = valueAt(value, ...fields);
  return typeof found === 'string' ? found : undefined;
};

export const numberAt = (value: unknown, ...fields: string[]): number | undefined => {
  const found = valueAt(value, ...fields);
  return typeof found === 'number' ? found : undefined;
};

export const valueAt = (value: unknown, ...fields: string[]): unknown => {
  let current = value;
  for (const field of fields) {
    if (!isRecord(current)) return undefined;
    current = Object.hasOwn(current, field) ? current[field] : undefined;
  }
  return current;
};

/** Equal as JSON: the order of fields does not matter, and a field that is undefined is not there. */
export const isEqualJson = (left: unknown, right: unknown): boolean => {
  if (left === right) return true;
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, index) => isEqualJson(item, right[index]));
  }
  if (!isRecord(left) || !isRecord(right)) return false;
  const fields = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...fields].every((field) => isEqualJson(valueAt(left, field), valueAt(right, field)));
};

/** Frozen all the way down, so that an object handed out twice cannot be changed by one of its readers. */
export const freezeDeep = <T>(value: T): T => {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freezeDeep);
  }
  return value;
};

/** Without nulls: the API's typed objects read a null as a field that was not given. */
export const withoutNulls = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== null && item !== undefined)
      .map(([field, item]) => [field, withoutNulls(item)]),
  );
};

/** The least that makes a JSON value an object of the API. */
export const isKubernetesObject = (value: unknown): value is KubernetesObject =>
  isRecord(value) && typeof value['apiVersion'] === 'string' && typeof value['kind'] === 'string' && isRecord(value['metadata']);
