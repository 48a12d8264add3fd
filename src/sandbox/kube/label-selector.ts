import { badRequest } from './errors.ts';
import { labelKey, labelValue } from './names.ts';

/** One condition of a selector: `app in (web, db)`. */
export interface LabelRequirement {
  key: string;
  operator: '=' | '!=' | 'in' | 'notin' | 'exists' | '!' | '>' | '<';
  values: readonly string[];
}

/**
 * Reads a selector as a client writes it. Throws 400 in the words of
 * https://github.com/kubernetes/kubernetes/blob/v1.36.3/staging/src/k8s.io/apimachinery/pkg/labels/selector.go
 */
export const parseRequirements = (text: string): LabelRequirement[] => {
  const tokens = text.match(/[(),!<>]|[=]{1,2}|!=|[^(),!=<>\s]+/g)?.flatMap(joinNotEqual) ?? [];
  let at = 0;
  const peek = (): string => tokens[at] ?? '';
  const take = (): string => tokens[at++] ?? '';

  const readValues = (): string[] => {
    const open = take();
    if (open !== '(') throw unreadable(`found '${open}' expected: '('`);
    const values: string[] = [];
    for (;;) {
      const token = take();
      if (token === ')') return [...values, ...(tokens[at - 2] === '(' || tokens[at - 2] === ',' ? [''] : [])];
      if (token === ',') {
        if (tokens[at - 2] === '(' || tokens[at - 2] === ',') values.push('');
      } else if (token === '') throw unreadable("found '', expected: ',' or ')'");
      else values.push(token);
    }
  };

  const readRequirement = (): LabelRequirement => {
    const isAbsence = peek() === '!' && take() === '!';
    const key = take();
    if (!isWord(key)) throw badRequest(`found '${key}', expected: !, identifier, or 'end of string'`);
    if (isAbsence || peek() === '' || peek() === ',') return check({ key, operator: isAbsence ? '!' : 'exists', values: [] });
    const sign = take();
    if (sign === 'in' || sign === 'notin') return check({ key, operator: sign, values: readValues() });
    const operator = operators[sign];
    if (!operator) throw unreadable(`found '${sign}', expected: in, notin, =, ==, !=, gt, lt`);
    return check({ key, operator, values: [isWord(peek()) ? take() : ''] });
  };

  const found: LabelRequirement[] = [];
  while (at < tokens.length) {
    found.push(readRequirement());
    if (peek() === '') break;
    const separator = take();
    if (separator !== ',') throw badRequest(`found '${separator}', expected: ',' or 'end of string'`);
    if (!isWord(peek()) && peek() !== '!') throw badRequest(`found '${peek()}', expected: identifier after ','`);
  }
  return found;
};

const operators: Record<string, LabelRequirement['operator']> = { '=': '=', '==': '=', '!=': '!=', '>': '>', '<': '<' };

/** `!` and `=` next to each other are one sign. */
const joinNotEqual = (token: string, index: number, all: readonly string[]): string[] => {
  if (token === '!' && all[index + 1] === '=') return ['!='];
  return token === '=' && all[index - 1] === '!' ? [] : [token];
};

const isWord = (token: string): boolean => token !== '' && !/^[(),!=<>]/.test(token);

const unreadable = (why: string): Error => badRequest(`unable to parse requirement: ${why}`);

const check = (requirement: LabelRequirement): LabelRequirement => {
  const { key, values } = requirement;
  const [keyProblem] = labelKey(key);
  if (keyProblem !== undefined) throw unreadable(`<nil>: Invalid value: ${JSON.stringify(key)}: ${keyProblem}`);
  for (const [index, value] of values.entries()) {
    const [problem] = labelValue(value);
    if (problem !== undefined) throw unreadable(`values[${index}][${key}]: Invalid value: ${JSON.stringify(value)}: ${problem}`);
  }
  return requirement;
};
