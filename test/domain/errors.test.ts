import { describe, expect, it } from 'vitest';
import * as errors from '../../src/domain/errors.ts';
import { exitCodeMeanings, exitCodes, InterruptedError, KaitoError } from '../../src/domain/errors.ts';
import { toKaitoError } from '../../src/domain/unexpected.ts';

const { InterruptedError: _, KaitoError: __, exitCodes: ___, exitCodeMeanings: ____, UnseenError: _____, ...rest } = errors;
const classes = Object.entries(rest);

describe('the error classes', () => {
  it('each have an exit code of their own', () => {
    const codes = classes.map(([, Class]) => new Class('x').exitCode);
    expect(new Set(codes).size).toBe(classes.length);
    expect(classes.length).toBeGreaterThan(9);
  });

  it('leave no exit code but those of success and interruption without a class', () => {
    const ascending = (left: number, right: number): number => left - right;
    const codes = new Set<number>([exitCodes.done, exitCodes.interrupted, exitCodes.terminated, ...classes.map(([, Class]) => new Class('x').exitCode)]);
    expect([...codes].sort(ascending)).toEqual(Object.values(exitCodes).sort(ascending));
  });

  it.each(classes)('%s is known by its name, and its reason is the name until one is given', (name, Class) => {
    const error = new Class('What happened.', { fact: 'what shows it', hints: ['what helps'], cause: 'why' });
    expect(error).toBeInstanceOf(KaitoError);
    expect(error).toMatchObject({ name, reason: name.replace(/Error$/, ''), message: 'What happened.', fact: 'what shows it', hints: ['what helps'], cause: 'why' });
    expect(new Class('x', { reason: 'Given' }).reason).toBe('Given');
    expect(new Class('x')).toMatchObject({ fact: undefined, hints: [] });
    expect(new Class('x')).not.toHaveProperty('cause');
  });

  it.each([new errors.FailedError('The network is away.', { reason: 'ETIMEDOUT' }), new errors.AccessError('The login has expired.', { reason: 'AADSTS70008' })])('what cannot be looked at ends as its hindrance would: $name', (cause) => {
    expect(new errors.UnseenError('Nobody knows.', { cause })).toMatchObject({ name: 'UnseenError', exitCode: cause.exitCode, reason: cause.reason, cause });
  });

  it.each([
    ['SIGINT', 130, 'Interrupted.'],
    ['SIGTERM', 143, 'Terminated.'],
  ] as const)('an interruption by %s ends as a shell expects', (signal, exitCode, message) => {
    expect(new InterruptedError(signal)).toMatchObject({ exitCode, message, reason: 'Interrupted' });
  });
});

describe('exit codes', () => {
  it('are all different, and each has a meaning of its own', () => {
    expect(new Set(Object.values(exitCodes)).size).toBe(Object.keys(exitCodes).length);
    expect(Object.keys(exitCodeMeanings)).toEqual(Object.keys(exitCodes));
    expect(new Set(Object.values(exitCodeMeanings)).size).toBe(Object.keys(exitCodes).length);
  });
});

describe('toKaitoError', () => {
  it('leaves what was foreseen as it is', () => {
    const error = new errors.QuotaError('No quota.');
    expect(toKaitoError(error, '1.2.3')).toBe(error);
  });

  it('calls what nobody foresaw a defect, with all that is needed to report it', () => {
    const error = toKaitoError(new TypeError('x is not a function'), '1.2.3');
    expect(error).toMatchObject({ name: 'BugError', exitCode: 70, message: 'This is a defect in kaito-ts, not yours: x is not a function', fact: expect.stringMatching(/TypeError: x is not a function\n\s+at /), hints: [expect.stringMatching(/kaito-ts 1\.2\.3/)] });
  });

  it('tells even of what is no error', () => {
    expect(toKaitoError('oops', '1.2.3').message).toBe('This is a defect in kaito-ts, not yours: oops');
  });
});
