import { describe, expect, it } from 'vitest';
import { completeCommand, parseCommand } from '../../src/chat/commands.ts';
import { addLine, noInput } from '../../src/chat/input.ts';

describe('parseCommand', () => {
  it.each([
    ['/help', { name: 'help' }],
    ['  /quit  ', { name: 'quit' }],
    ['/exit', { name: 'quit' }],
    ['/clear', { name: 'clear' }],
    ['/undo', { name: 'undo' }],
    ['/retry', { name: 'retry' }],
    ['/params', { name: 'params' }],
    ['/system', { name: 'system', text: undefined }],
    ['/system You are a pirate.', { name: 'system', text: 'You are a pirate.' }],
    ['/system two\nlines', { name: 'system', text: 'two\nlines' }],
    ['/system ""', { name: 'system', text: '' }],
    ['/set temperature 0.2', { name: 'set', parameter: 'temperature', value: 0.2 }],
    ['/set max-tokens 50', { name: 'set', parameter: 'max_tokens', value: 50 }],
    ['/set stop END,STOP', { name: 'set', parameter: 'stop', value: ['END', 'STOP'] }],
    ['/set seed default', { name: 'set', parameter: 'seed', value: undefined }],
    ['/model', { name: 'model', model: undefined }],
    ['/model tiny', { name: 'model', model: 'tiny' }],
    ['/adapter', { name: 'adapter', adapter: undefined }],
    ['/adapter none', { name: 'adapter', adapter: null }],
    ['/adapter marv', { name: 'adapter', adapter: 'marv' }],
    ['/save a b.json', { name: 'save', file: 'a b.json' }],
    ['/load a.json', { name: 'load', file: 'a.json' }],
    ['/stats', { name: 'stats', isShown: undefined }],
    ['/stats on', { name: 'stats', isShown: true }],
    ['/stats off', { name: 'stats', isShown: false }],
  ])('reads %j', (line, command) => {
    expect(parseCommand(line)).toEqual(command);
  });

  it.each(['hello', 'what is /help?', '/etc/passwd holds what?', '/ alone', '1/2'])('takes %j for something to say', (line) => {
    expect(parseCommand(line)).toBeUndefined();
  });

  it.each([
    ['/nope', 'There is no command /nope.'],
    ['/constructor', 'There is no command /constructor.'],
    ['/help me', '/help takes nothing after it.'],
    ['/set', '/set needs a parameter and a value.'],
    ['/set temperature', '/set needs a parameter and a value.'],
    ['/set temperature hot', 'temperature is a number from 0 to 2, and was given "hot".'],
    ['/set temperature 3', 'temperature is a number from 0 to 2, and was given "3".'],
    ['/set max_tokens 0', 'max_tokens is a whole number of at least 1, and was given "0".'],
    ['/set seed 1.5', 'seed is a whole number, and was given "1.5".'],
    ['/set nope 1', 'There is no parameter "nope".'],
    ['/set toString default', 'There is no parameter "toString".'],
    ['/save', 'Something is missing after /save.'],
    ['/stats maybe', '/stats is on or off, and was given "maybe".'],
  ])('refuses %j and says why', (line, message) => {
    expect(() => parseCommand(line)).toThrow(expect.objectContaining({ message, exitCode: 2 }));
  });

  it('completes commands only', () => {
    expect(completeCommand('/s')).toEqual(['/system', '/set', '/save', '/stats']);
    expect(completeCommand('hello')).toEqual([]);
  });
});

const type = (...lines: string[]) => {
  const texts: string[] = [];
  let pending = noInput;
  for (const line of lines) {
    const added = addLine(pending, line);
    pending = added.pending;
    if (added.text !== undefined) texts.push(added.text);
  }
  return { texts, isWaiting: pending !== noInput };
};

describe('addLine', () => {
  it.each<[string, string[], string[]]>([
    ['takes a line at a time', ['one', 'two'], ['one', 'two']],
    ['joins what stands between """', ['"""one', '', 'three"""', 'next'], ['one\n\nthree', 'next']],
    ['takes """ alone on its lines', ['"""', 'one', 'two', '"""'], ['one\ntwo']],
    ['takes a block on one line', ['"""one"""'], ['one']],
    ['joins lines that end in a backslash', ['one\\', 'two'], ['one\ntwo']],
    ['keeps a command inside a block as text of it', ['"""', '/quit', '"""'], ['/quit']],
  ])('%s', (_behaviour, lines, texts) => {
    expect(type(...lines)).toEqual({ texts, isWaiting: false });
  });

  it('waits for the end of a block', () => {
    expect(type('"""one', 'two')).toEqual({ texts: [], isWaiting: true });
  });
});
