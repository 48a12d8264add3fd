import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createSanitiser, sanitise } from '../../src/terminal/sanitise.ts';

const inPieces = (text: string, size: number): string => {
  const sanitiser = createSanitiser();
  let output = '';
  for (let index = 0; index < text.length; index += size) output += sanitiser.push(text.slice(index, index + size));
  return output + sanitiser.end();
};

describe('sanitise', () => {
  it.each([
    ['leaves text alone', 'Grüße, 世界 🏽\n\tα', 'Grüße, 世界 🏽\n\tα'],
    ['removes colours', 'a\u001b[31;1mb\u001b[0mc', 'abc'],
    ['removes cursor moves and the clearing of the screen', 'a\u001b[2J\u001b[Hb', 'ab'],
    ['removes a window title ended by BEL', 'a\u001b]0;title\u0007b', 'ab'],
    ['removes a link but keeps its text', '\u001b]8;;https://evil.example\u001b\\text\u001b]8;;\u001b\\', 'text'],
    ['removes a write to the clipboard', '\u001b]52;c;cm0gLXJm\u0007ok', 'ok'],
    ['removes the 8-bit forms', 'a\u009b31mb\u009d0;t\u009cc', 'abc'],
    ['removes device control strings', 'a\u001bP1$r0m\u001b\\b', 'ab'],
    ['removes two-character sequences and charset switches', 'a\u001bcb\u001b(0c', 'abc'],
    ['removes carriage returns, backspaces, bells and DEL', 'a\rb\bc\u0007d\u007fe\u0000f', 'abcdef'],
    ['turns \\r\\n into \\n', 'a\r\nb', 'a\nb'],
    ['keeps the text of a string that was never closed', 'a\u001b]0;not a title\nb', 'a0;not a title\nb'],
    ['starts again at a new escape inside a sequence', 'a\u001b[3\u001b[31mb', 'ab'],
    ['drops a sequence that the end cuts off', 'a\u001b[3', 'a'],
    ['leaves harmless text of a nested opening', '\u001b\u001b[[31m31mx', '31m31mx'],
  ])('%s', (_behaviour, dirty, clean) => {
    expect(sanitise(dirty)).toBe(clean);
  });

  it('lets nothing through that a terminal acts on, however a stream is cut', () => {
    const dirty = 'one\u001b[31mtwo\u001b]0;title\u0007three\u009b2Jfour\u001b]8;;http://x\u001b\\five\u001b]8;;\u001b\\\u001bPq\u001b\\six🏽\r\nseven';
    for (const size of [1, 2, 3, 5, 8, 13, 200]) expect(inPieces(dirty, size)).toBe('onetwothreefourfivesix🏽\nseven');
  });

  it('removes at least what Node itself would', () => {
    const parts = ['\u001b[0m', '\u001b[38;5;12m', '\u001b]0;x\u0007', '\u009b1A', 'text', '\u001b[?25l', '\u001b7', '\n'];
    for (const first of parts) {
      for (const second of parts) {
        const clean = sanitise(first + second);
        expect(clean).toBe(stripVTControlCharacters(clean));
        expect(clean).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
      }
    }
  });

  it('gives text back once an opening turns out to be a stray byte', () => {
    const sanitiser = createSanitiser();
    const long = 'x'.repeat(5000);
    expect((sanitiser.push('\u001b]') + sanitiser.push(long) + sanitiser.push('y')).endsWith('xy')).toBe(true);
  });

  it('does not tear a surrogate pair that comes in two pieces', () => {
    const sanitiser = createSanitiser();
    expect([sanitiser.push('\ud83d'), sanitiser.push('\ude00'), sanitiser.end()]).toEqual(['', '😀', '']);
  });
});
