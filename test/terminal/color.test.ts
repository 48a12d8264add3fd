import { describe, expect, it } from 'vitest';
import { canAsk, estimateColorLevel } from '../../src/terminal/color.ts';

describe('estimateColorLevel', () => {
  it.each<[string, boolean, Record<string, string>, number]>([
    ['gives a pipe none', false, { TERM: 'xterm-256color' }, 0],
    ['gives a terminal what TERM says', true, { TERM: 'xterm-256color' }, 2],
    ['gives a plain terminal 16', true, { TERM: 'xterm' }, 1],
    ['gives all to a terminal that says so', true, { TERM: 'xterm', COLORTERM: 'truecolor' }, 3],
    ['gives a dumb terminal none', true, { TERM: 'dumb' }, 0],
    ['gives CI none', true, { TERM: 'xterm', CI: 'true' }, 0],
    ['honours NO_COLOR', true, { TERM: 'xterm', NO_COLOR: '1' }, 0],
    ['honours NO_COLOR over FORCE_COLOR', true, { NO_COLOR: '1', FORCE_COLOR: '3' }, 0],
    ['takes an empty NO_COLOR for unset', true, { TERM: 'xterm', NO_COLOR: '' }, 1],
    ['honours FORCE_COLOR in a pipe and in CI', false, { FORCE_COLOR: '2', CI: '1' }, 2],
    ['takes any FORCE_COLOR for yes', false, { FORCE_COLOR: '' }, 1],
    ['takes FORCE_COLOR=0 for no', true, { TERM: 'xterm', FORCE_COLOR: '0' }, 0],
  ])('%s', (_behaviour, isTty, environment, level) => {
    expect(estimateColorLevel(isTty, environment)).toBe(level);
  });
});

describe('canAsk', () => {
  it.each<[boolean, Record<string, string>, boolean]>([
    [true, {}, true],
    [false, {}, false],
    [true, { CI: 'true' }, false],
    [true, { CI: 'false' }, true],
    [true, { TERM: 'dumb' }, false],
  ])('a terminal (%s) with %j: %s', (isTty, environment, expected) => {
    expect(canAsk(isTty, environment)).toBe(expected);
  });
});
