import { describe, expect, it } from 'vitest';
import { createBlocks } from '../../src/chat/blocks.ts';

const cut = (text: string, size = text.length): string[] => {
  const blocks = createBlocks();
  const found: string[] = [];
  for (let index = 0; index < text.length; index += size) found.push(...blocks.push(text.slice(index, index + size)));
  return [...found, ...blocks.end()];
};

describe('createBlocks', () => {
  it.each<[string, string, string[]]>([
    ['cuts at an empty line', 'one\nstill one\n\ntwo', ['one\nstill one', 'two']],
    ['gives a heading at once', '# Title\ntext', ['# Title', 'text']],
    ['keeps a code block whole over empty lines', '```ts\na\n\nb\n```\nafter', ['```ts\na\n\nb\n```', 'after']],
    ['does not end a code block at a shorter or other fence', '````\n```\n~~~~\n````\nx', ['````\n```\n~~~~\n````', 'x']],
    ['separates text and the code block that follows it', 'see:\n```\na\n```', ['see:', '```\na\n```']],
    ['keeps a list with its nested items', '- a\n  - b\n- c\n\ntext', ['- a\n  - b\n- c', 'text']],
    ['keeps a list whose items stand apart', '1. a\n\n2. b\n\n   more\n\ntext', ['1. a\n\n2. b\n\n   more', 'text']],
    ['keeps a table whole', '| a |\n| - |\n| b |\n\ntext', ['| a |\n| - |\n| b |', 'text']],
    ['gives an unfinished code block at the end', '```\na', ['```\na']],
    ['finds nothing in empty lines', '\n\n\n', []],
  ])('%s', (_behaviour, text, blocks) => {
    expect(cut(text)).toEqual(blocks);
    expect(cut(text, 1)).toEqual(blocks);
  });

  it('gives a block as soon as it is finished', () => {
    const blocks = createBlocks();
    expect(blocks.push('one\n')).toEqual([]);
    expect(blocks.push('\n')).toEqual(['one']);
  });
});
