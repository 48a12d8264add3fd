import { quote } from './go-text.ts';
import { isMap } from './json.ts';
import { embeddingOf, fieldsOf } from './pod-fields.ts';
import type { Path } from './problem.ts';
import type { Finding } from './rule.ts';

/** Where Go's decoder is: in which structure, and by which of its fields it came there. */
interface Place {
  path: Path;
  owner: string;
  fields: readonly string[];
}

/** What Go's strict JSON decoder says of a value that should be of a type of core/v1, in its words. */
export const decode = (value: unknown, type: string, place: Place): Finding[] => {
  if (value === undefined || value === null || type === 'any') return [];
  const items = /^\[(.*)\]$/.exec(type)?.[1];
  if (items !== undefined) return Array.isArray(value) ? value.flatMap((item, index) => decode(item, items, { ...place, path: [...place.path, index] })) : [mismatch(value, type, place)];
  const values = /^\{(.*)\}$/.exec(type)?.[1];
  if (values !== undefined) return isMap(value) ? Object.entries(value).flatMap(([key, inner]) => decode(inner, values, { ...place, path: [...place.path, key] })) : [mismatch(value, type, place)];
  if (fieldsOf(type)) return isMap(value) ? decodeFields(value, type, place) : [mismatch(value, type, place)];
  return decodePlain(value, type, place);
};

const decodeFields = (map: Readonly<Record<string, unknown>>, type: string, { path, fields: above }: Place): Finding[] =>
  Object.entries(map).flatMap(([key, inner]) => {
    const field = fieldsOf(type)?.get(key.toLowerCase());
    if (!field) return [{ path: [...path, key], message: `json: unknown field ${quote(key)}`, fix: 'Correct its name: the webhook refuses what it does not know here.' }];
    const inside = embeddingOf(type, field.name);
    return decode(inner, field.type, { path: [...path, key], owner: type, fields: [...above, ...(inside === undefined ? [] : [inside]), field.name] });
  });

const decodePlain = (value: unknown, type: string, place: Place): Finding[] => {
  switch (type) {
    case 'quantity':
      return quantityProblem(value).map((message) => ({ path: place.path, message, fix: 'Write a quantity, such as 500m or 10Gi.' }));
    case 'time':
      if (typeof value !== 'string') return [mismatch(value, 'string', place)];
      return timeProblem(value).map((message) => ({ path: place.path, message, fix: 'Leave it out: Kubernetes sets it.' }));
    case 'intOrString':
      return typeof value === 'string' ? [] : decodePlain(value, 'int32', place);
    case 'int32':
    case 'int64':
      return isWhole(value, type === 'int32' ? 2 ** 31 : 2 ** 63) ? [] : [mismatch(value, type, place)];
    default:
      return typeof value === (type === 'boolean' ? 'boolean' : 'string') ? [] : [mismatch(value, type, place)];
  }
};

const isWhole = (value: unknown, limit: number): boolean => typeof value === 'number' && Number.isInteger(value) && value < limit && value >= -limit;

/** https://github.com/kubernetes/apimachinery/blob/v0.36.0/pkg/api/resource/quantity.go */
const quantityProblem = (value: unknown): string[] => {
  const text = typeof value === 'string' ? value.trim() : JSON.stringify(value);
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?$/.test(text)) return [];
  return [/^[+-]?[0-9.]+[eEinumkKMGTP]*[-+]?[0-9]*$/.test(text) ? "unable to parse quantity's suffix" : "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"];
};

/** https://pkg.go.dev/time#Parse, with the layout of RFC 3339: told is the first part that does not fit. */
const timeProblem = (value: string): string[] => {
  let rest = value;
  for (const [part, pattern] of timeParts) {
    const found = pattern.exec(rest);
    if (!found) return [`parsing time ${quote(value)} as "2006-01-02T15:04:05Z07:00": cannot parse ${quote(rest)} as "${part}"`];
    rest = rest.slice(found[0].length);
  }
  if (rest !== '') return [`parsing time ${quote(value)}: extra text: ${quote(rest)}`];
  const [month = 0, day = 0] = [value.slice(5, 7), value.slice(8, 10)].map(Number);
  if (month < 1 || month > 12) return [`parsing time ${quote(value)}: month out of range`];
  return day >= 1 && day <= new Date(Date.UTC(Number(value.slice(0, 4)), month, 0)).getUTCDate() ? [] : [`parsing time ${quote(value)}: day out of range`];
};

const timeParts: readonly [string, RegExp][] = [
  ['2006', /^\d{4}/], ['-', /^-/], ['01', /^\d\d/], ['-', /^-/], ['02', /^\d\d/], ['T', /^T/], ['15', /^\d\d/], [':', /^:/], ['04', /^\d\d/], [':', /^:/], ['05', /^\d\d(?:[.,]\d+)?/], ['Z07:00', /^(?:Z|[+-]\d\d:\d\d)/],
];

const mismatch = (value: unknown, type: string, { path, owner, fields }: Place): Finding => ({
  path,
  message: `json: cannot unmarshal ${goValue(value, type)} into Go struct field ${owner}.${fields.join('.')} of type ${goType(type)}`,
  fix: `Make it ${wanted(type)}.`,
});

/** A number of the wrong kind is told with the number. */
const goValue = (value: unknown, type: string): string => {
  if (typeof value === 'number') return type.startsWith('int') ? `number ${value}` : 'number';
  return typeof value === 'boolean' ? 'bool' : Array.isArray(value) ? 'array' : typeof value;
};

const goType = (type: string): string => {
  const [, list, map] = /^(?:\[(.*)\]|\{(.*)\})$/.exec(type) ?? [];
  if (list !== undefined) return `[]${goType(list)}`;
  if (map !== undefined) return map === 'quantity' ? 'v1.ResourceList' : `map[string]${goType(map)}`;
  if (type === 'boolean') return 'bool';
  return fieldsOf(type) ? `v1.${type}` : type;
};

const wanted = (type: string): string => {
  if (type.startsWith('[')) return 'a list';
  if (type.startsWith('{') || fieldsOf(type)) return 'a map';
  return type === 'boolean' ? 'true or false, without quotes' : type.startsWith('int') ? 'a whole number, without quotes' : 'a text, in quotes';
};
