import { isRecord } from '../../src/sandbox/kube/json.ts';

/** A place where two observations differ. */
export interface Difference {
  /** The part of the observation that it is in: its first field. */
  part: string;
  /** `body.code: 409, expected 422`. */
  text: string;
}

/** Every place where two observations differ. Empty: they are the same. */
export const compare = (actual: unknown, expected: unknown, path: readonly string[] = []): Difference[] => {
  if (Array.isArray(actual) && Array.isArray(expected)) return fieldsOf([...expected.keys(), ...actual.keys()].map(String)).flatMap((index) => compare(actual[Number(index)], expected[Number(index)], [...path, index]));
  if (isRecord(actual) && isRecord(expected)) return fieldsOf([...Object.keys(expected), ...Object.keys(actual)]).flatMap((field) => compare(actual[field], expected[field], [...path, field]));
  return Object.is(actual, expected) ? [] : [{ part: path[0] ?? '', text: `${path.join('.') || 'all of it'}: ${show(actual)}, expected ${show(expected)}` }];
};

const fieldsOf = (names: readonly string[]): string[] => [...new Set(names)];

const show = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value));
