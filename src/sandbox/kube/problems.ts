import type { FieldProblem } from './errors.ts';
import { type NameRule, portName } from './names.ts';

/** The ways in which a field can be wrong, as the validations of all kinds say them. */
export const problemAt = (field: string, value: unknown, detail: string): FieldProblem => ({ type: 'Invalid', field, value, detail });

export const required = (field: string, detail = ''): FieldProblem => ({ type: 'Required', field, detail });

export const forbidden = (field: string, detail: string): FieldProblem => ({ type: 'Forbidden', field, detail });

export const duplicate = (field: string, value: unknown): FieldProblem => ({ type: 'Duplicate', field, value, detail: '' });

/** Nothing for what is not given: other rules say what must be. */
export const oneOf = (field: string, value: unknown, supported: readonly string[]): FieldProblem[] =>
  value === undefined || supported.some((known) => known === value)
    ? []
    : [{ type: 'NotSupported', field, value, detail: `supported values: ${supported.map((known) => JSON.stringify(known)).join(', ')}` }];

export const notNegative = (field: string, value: unknown): FieldProblem[] =>
  typeof value === 'number' && value < 0 ? [problemAt(field, value, 'must be greater than or equal to 0')] : [];

export const byRule = (field: string, value: unknown, rule: NameRule): FieldProblem[] =>
  typeof value === 'string' ? rule(value).map((detail) => problemAt(field, value, detail)) : [];

/** A number that a connection can be made to. */
export const portNumber = (field: string, port: unknown): FieldProblem[] =>
  typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65_536 ? [] : [problemAt(field, port ?? 0, 'must be between 1 and 65535, inclusive')];

/** A port's number, or the name that a container gives it. */
export const portReference = (field: string, port: unknown): FieldProblem[] => (typeof port === 'string' ? byRule(field, port, portName) : portNumber(field, port));

/** Later ones of the same name; nameless ones have another problem. */
export const repeatedNames = (names: readonly (string | undefined)[], fieldAt: (index: number) => string): FieldProblem[] =>
  names.flatMap((name, index) => (name && names.indexOf(name) < index ? [duplicate(fieldAt(index), name)] : []));
