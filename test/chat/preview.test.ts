import { describe, expect, it } from 'vitest';
import { createMarkdownText } from '../../src/chat/markdown.ts';
import { toPreview } from '../../src/chat/preview.ts';
import { createTextView } from '../../src/chat/render.ts';
import { createFakeTerminal } from '../terminal/fake-terminal.ts';

describe('toPreview', () => {
  it.each([
    ['', 10, ''],
    ['one\ntwo', 10, 'two'],
    ['one\n', 10, 'one'],
    ['abcdefghij', 10, 'bcdefghij'],
    ['世界世界', 6, '世界'],
    ['a\tb', 10, 'a b'],
  ])('shows of %j in %i columns %j', (text, columns, shown) => {
    expect(toPreview(text, columns)).toBe(shown);
  });
});

describe('a Markdown answer on a terminal', () => {
  it('is seen to grow, and its finished blocks replace what was seen', async () => {
    const terminal = createFakeTerminal();
    const view = createTextView({ terminal, isStatsShown: false, isReasoningShown: true, isMarkdownRendered: true });
    const speaker = { model: 'tiny', adapter: null };
    await view.show({ type: 'asked', speaker, prompt: 'x' });
    for (const text of ['Some **bo', 'ld** text', '\n\nMore']) await view.show({ type: 'content', speaker, text });
    await view.close();
    const erase = '\r\u001b[K';
    expect(terminal.out()).toBe(`${erase}Some **bo${erase}Some **bold** text${erase}Some bold text\n${erase}More${erase}\nMore\n`);
  });

  it('leaves the thoughts before it on the screen', async () => {
    const terminal = createFakeTerminal();
    const view = createTextView({ terminal, isStatsShown: false, isReasoningShown: true, isMarkdownRendered: true });
    const speaker = { model: 'tiny', adapter: null };
    await view.show({ type: 'asked', speaker, prompt: 'x' });
    await view.show({ type: 'reasoning', speaker, text: 'hmm' });
    await view.show({ type: 'content', speaker, text: 'Paris' });
    expect([terminal.err(), terminal.out()]).toEqual(['hmm\n', '\r\u001b[KParis']);
  });

  it('prints where a link leads, and lets no escape sequence of its own through without colour', async () => {
    const markdown = await createMarkdownText({ columns: 80, hasColor: false });
    expect(markdown.push('[bank](https://evil.example)\n\n')).toBe('bank (https://evil.example)\n');
  });

  it('keeps the numbers and the nesting of a list', async () => {
    const markdown = await createMarkdownText({ columns: 80, hasColor: false });
    expect(markdown.push('1. a\n   - b\n\n2. c\n\ntext') + markdown.end()).toMatch(/^1\. a\n +- b\n+2\. c\n\ntext\n$/);
  });
});
