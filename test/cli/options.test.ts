import { describe, expect, it } from 'vitest';
import { choice, count, decimal, duration, environmentVariable, longFlag, text, texts, toggle, type Option } from '../../src/cli/options.ts';
import { formatDuration, parseDurationMs } from '../../src/domain/duration.ts';

describe('durations', () => {
  it.each([
    ['90s', 90_000],
    ['45m', 2_700_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['500ms', 500],
    ['2d', 172_800_000],
    ['0s', 0],
  ])('are read as kubectl and Go write them: %s', (value, durationMs) => {
    expect(parseDurationMs(value)).toBe(durationMs);
  });

  it.each(['', '5', 'm', '-5m', '5 m', '5min', '1h 30m', '5M', '5m!'])('are not made up from %j', (value) => {
    expect(parseDurationMs(value)).toBeUndefined();
  });

  it.each([
    [0, '0s'],
    [12_400, '12s'],
    [59_999, '1m'],
    [90_000, '1m30s'],
    [600_000, '10m'],
    [2_730_000, '45m'],
    [3_600_000, '1h'],
    [5_400_000, '1h30m'],
    [-5, '0s'],
  ])('of %d ms are shown as %s', (durationMs, shown) => {
    expect(formatDuration(durationMs)).toBe(shown);
  });
});

describe('an option', () => {
  it.each<[string, Option<unknown>, string[], unknown]>([
    ['a text', text('--name <x>', ''), ['a', 'b'], 'b'],
    ['no text', text('--name <x>', ''), [], undefined],
    ['texts, repeated and with commas', texts('--adapter <x>', ''), ['a,b', 'c', ''], ['a', 'b', 'c']],
    ['texts that may hold a comma', texts('--stop <x>', '', { keepsCommas: true }), [',', 'a,b'], [',', 'a,b']],
    ['no texts', texts('--adapter <x>', ''), [], []],
    ['a switch', toggle('--spot', ''), ['true'], true],
    ['a switch that was not given', toggle('--spot', ''), [], false],
    ['a switch in words', toggle('--spot', ''), ['Off'], false],
    ['the last of two', toggle('--spot', ''), ['yes', 'no'], false],
    ['a choice', choice('--method <x>', '', ['lora', 'qlora']), ['QLoRA'], 'qlora'],
    ['no choice', choice('--method <x>', '', ['lora', 'qlora']), [], undefined],
    ['a choice that was not made', choice('-o, --output <x>', '', ['text', 'json'], 'text'), [], 'text'],
    ['a count', count('--tail <x>', '', { minimum: 0 }), ['0'], 0],
    ['a number', decimal('--temperature <x>', ''), ['0.5'], 0.5],
    ['a duration', duration('--timeout <x>', '', 1_000), ['2m'], 120_000],
    ['a duration that was not given', duration('--timeout <x>', '', 1_000), [], 1_000],
    ['no duration', duration('--timeout <x>', ''), [], undefined],
  ])('is read as its kind: %s', (_, option, given, value) => {
    expect(option.parse(given)).toEqual(value);
  });

  it.each<[Option<unknown>, string, string]>([
    [toggle('--spot', ''), 'maybe', '--spot is on or off, and was given "maybe".'],
    [choice('--method <x>', '', ['lora', 'qlora']), 'full', '--method does not know "full".'],
    [count('--rank <x>', ''), '0', '--rank is a whole number of at least 1, and was given "0".'],
    [count('--rank <x>', ''), '1.5', '--rank is a whole number of at least 1, and was given "1.5".'],
    [count('--rank <x>', ''), '99999999999999999999', '--rank is a whole number of at least 1, and was given "99999999999999999999".'],
    [decimal('--temperature <x>', ''), ' ', '--temperature is a number, and was given " ".'],
    [decimal('--temperature <x>', ''), 'Infinity', '--temperature is a number, and was given "Infinity".'],
    [duration('-t, --timeout <x>', ''), '5', '--timeout is a duration such as 90s, 45m or 1h30m, and was given "5".'],
    [duration('-t, --timeout <x>', ''), '0s', '--timeout is longer than no time at all, and was given "0s".'],
  ])('answers a wrong value with what would be right: %#', (option, value, message) => {
    expect(() => option.parse([value])).toThrow(expect.objectContaining({ name: 'UsageError', message }));
  });

  it.each([
    ['-n, --namespace <name>', '--namespace', 'KAITO_NAMESPACE'],
    ['--instance-type <sizes>', '--instance-type', 'KAITO_INSTANCE_TYPE'],
    ['--no-wait', '--no-wait', 'KAITO_NO_WAIT'],
  ])('has its long flag and its variable: %s', (flags, long, variable) => {
    expect([longFlag(flags), environmentVariable(flags)]).toEqual([long, variable]);
  });
});
