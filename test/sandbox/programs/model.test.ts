import { describe, expect, it } from 'vitest';
import { createSandboxClock } from '../../../src/sandbox/clock.ts';
import { commandWords, scriptArguments } from '../../../src/sandbox/programs/model-command.ts';
import { generate, toGeneration, type Sampling } from '../../../src/sandbox/programs/model-generation.ts';
import { fourDigits, fromJson, reprOf } from '../../../src/sandbox/programs/model-python.ts';
import { toTokens } from '../../../src/sandbox/programs/model-text.ts';
import { speak } from '../../../src/sandbox/programs/model-voice.ts';
import { createQueue } from '../../../src/sandbox/programs/model-waiting.ts';
import { parsePythonYaml } from '../../../src/sandbox/programs/trainer-yaml.ts';

describe('tokens', () => {
  it.each(['', 'Hello, world!', 'naïve 👋🏽 café\n\n  two  spaces\t', 'ein überlanges Donaudampfschifffahrtswort', '日本語 text'])('of %j join to the text', (text) => {
    expect(toTokens(text).join('')).toBe(text);
  });
});

describe('a command', () => {
  it.each<[command: string[], args: string[], expected: string[]]>([
    [['python3', 'x.py'], ['--a=b c'], ['python3', 'x.py', '--a=b c']],
    [['/bin/sh', '-c', 'python3 x.py --a="b c" --d=\'{"e":1}\' --f=g\\ h'], [], ['python3', 'x.py', '--a=b c', '--d={"e":1}', '--f=g h']],
    [['/bin/bash', '-ec', 'cd /w && x.py'], [], ['cd', '/w', '&&', 'x.py']],
    [['/bin/sh'], ['-c', "x.py ''"], ['x.py', '']],
  ])('%j %j is read as words', (command, args, expected) => {
    expect(commandWords({ image: '', command, args })).toEqual(expected);
  });

  it('gives a script what follows it, up to the end of its shell command', () => {
    expect(scriptArguments(['if', 'a;', 'then', 'x.py', '--b=1', '--c', '2;', 'else', 'y'], 'x.py').slice(0, 3)).toEqual(['--b=1', '--c', '2']);
    expect(scriptArguments(['x.py', '--b', '&&', 'y'], 'x.py')).toEqual(['--b']);
  });
});

describe('Python', () => {
  it.each([
    [null, 'None'],
    [true, 'True'],
    [1n, '1'],
    [1, '1.0'],
    [0.00005, '5e-05'],
    [1e16, '1e+16'],
    [2.5, '2.5'],
    ["it's", '"it\'s"'],
    ['both \' and "', String.raw`'both \' and "'`],
    ['a\nb\\', String.raw`'a\nb\\'`],
    [[1n, 'a'], "[1, 'a']"],
    [new Map([['k', false]]), "{'k': False}"],
  ])('writes %s as %s', (value, expected) => {
    expect(reprOf(value)).toBe(expected);
  });

  it.each([
    [0, '0'],
    [2e-5, '2e-05'],
    [1.6666e-5, '1.667e-05'],
    [3, '3'],
    [3.7656, '3.766'],
    [0.06597, '0.06597'],
    [1428, '1428'],
    [123456, '1.235e+05'],
    [0.99996, '1'],
    [9999.6, '1e+04'],
  ])('logs %d with four digits as %s', (value, expected) => {
    expect(fourDigits(value)).toBe(expected);
  });

  it.each([
    ['yes', true],
    ['Off', false],
    ['y', 'y'],
    ['1e-4', '1e-4'],
    ['1.0e-4', 0.0001],
    ['12', 12n],
    ['1.0', 1],
    ['~', null],
    ['"12"', '12'],
    ['[a, 1]', ['a', 1n]],
  ])('reads %s as PyYAML does', (text, expected) => {
    expect(parsePythonYaml(text)).toEqual(expected);
  });

  it('follows YAML anchors, and refuses what is no YAML', () => {
    expect(parsePythonYaml('a: &x [1]\nb: *x')).toEqual(fromJson({ a: [1], b: [1] }));
    expect(() => parsePythonYaml('a: [')).toThrow();
  });
});

const user = (content: string) => ({ role: 'user', content });

describe('what the model says', () => {
  const voice = { model: 'phi', adapters: [] };

  it('is always the same, and labelled as the sandbox’s', () => {
    const answer = speak([user('What is a KV cache?')], voice);
    expect(answer).toBe(speak([user('What is a KV cache?')], voice));
    expect(answer).toMatch(/^\[sandbox\] No model is running here; this is a stand-in for phi\. The KV cache holds/);
  });

  it('is another through an adapter', () => {
    expect(speak([user('hi')], { model: 'phi', adapters: ['marv'] })).toContain('answering through the adapter marv');
  });

  it('comes from the messages and nothing else', () => {
    expect(speak([user('What did I say before?')], voice)).toContain('This is the first thing you said to me.');
    expect(speak([user('one'), user('two'), user('What did I ask you earlier?')], voice)).toContain('Before this you said: "one", then "two".');
    expect(speak([{ role: 'system', content: 'Be brief.' }, user('hi')], voice)).toContain('(My instructions: "Be brief.".)');
    expect(speak([{ role: 'system', content: 'Be brief.' }], voice)).toContain('You said nothing.');
  });

  it('repeats only so much of a long question', () => {
    expect(speak([user('x'.repeat(10_000))], voice).length).toBeLessThan(500);
  });
});

describe('a generation', () => {
  const sampling: Sampling = { maxTokens: 100, minTokens: 0, ignoreEnd: false, stop: [] };
  const cut = (changes: Partial<Sampling>, keepStop = false) => toGeneration('one two three', { ...sampling, ...changes }, { keepStop });

  it('ends by itself, and counts its end as a token', () => {
    expect(cut({})).toEqual({ tokens: ['one', ' two', ' three'], completionTokens: 4, finishReason: 'stop', stopReason: null });
  });

  it('is cut at its bound, and goes on past its end when told', () => {
    expect(cut({ maxTokens: 2 })).toMatchObject({ tokens: ['one', ' two'], finishReason: 'length' });
    expect(cut({ ignoreEnd: true, maxTokens: 50 }).tokens).toHaveLength(50);
    expect(cut({ minTokens: 6 })).toMatchObject({ completionTokens: 8, finishReason: 'stop' });
  });

  it('ends at a stop sequence, which one server leaves in and the other out', () => {
    expect(cut({ stop: ['wo t'] }).tokens.join('')).toBe('one t');
    expect(cut({ stop: ['wo t'] }, true).tokens.join('')).toBe('one two t');
    expect(cut({ stop: ['zzz', ''] }).finishReason).toBe('stop');
  });

  it('ends early with the container alone', async () => {
    const ended = new AbortController();
    const seen: string[] = [];
    const running = generate(cut({ ignoreEnd: true, maxTokens: 10_000 }), {
      clock: createSandboxClock(1000),
      ended: ended.signal,
      onToken: (token) => {
        if (seen.push(token) === 3) ended.abort();
      },
    });
    await expect(running).rejects.toThrow();
    expect(seen).toHaveLength(3);
  });
});

describe('a queue', () => {
  it('goes on after a task that failed', async () => {
    const inTurn = createQueue();
    const failed = inTurn(() => Promise.reject(new Error('one')));
    const second = inTurn(() => Promise.resolve('two'));
    await expect(failed).rejects.toThrow('one');
    expect(await second).toBe('two');
  });
});
