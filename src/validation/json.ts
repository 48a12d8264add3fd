/** What a document holds, unread: any shape at all. */
export type JsonMap = { readonly [key: string]: unknown };

export const isMap = (value: unknown): value is JsonMap => typeof value === 'object' && value !== null && !Array.isArray(value);

export const textMap = (value: unknown): Record<string, string> => (isMap(value) ? Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string')) : {});

export const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : []);

export const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Same content, whatever the order of keys. */
export const isSame = (left: unknown, right: unknown): boolean => {
  if (Array.isArray(left) && Array.isArray(right)) return left.length === right.length && left.every((item, index) => isSame(item, right[index]));
  if (!isMap(left) || !isMap(right)) return left === right;
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length && keys.every((key) => Object.hasOwn(right, key) && isSame(left[key], right[key]));
};

/** As JSON's own words for it, for sentences about types. */
export const typeName = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value === 'object' ? 'object' : typeof value === 'number' ? (isWholeNumber(value) ? 'integer' : 'number') : typeof value;

/** As the API server has it: what 64 bits cannot hold is no integer. */
export const isWholeNumber = (value: number): boolean => Number.isInteger(value) && Math.abs(value) < 2 ** 63;
