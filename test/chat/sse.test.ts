import { describe, expect, it } from 'vitest';
import { readEvents } from '../../src/chat/sse.ts';

async function* toChunks(pieces: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield Buffer.from(piece);
}

describe('readEvents', () => {
  it.each<[string, string[], string[]]>([
    ['joins the lines of one event', ['data: a\ndata: b\n\n'], ['a\nb']],
    ['takes \\r\\n torn apart for one line end', ['data: a\r', '\ndata: b\r', '\n\r', '\n'], ['a\nb']],
    ['takes a lone \\r for a line end', ['data: a\rdata: b\r\rdata: c\n\n'], ['a\nb', 'c']],
    ['removes one space after the colon, and only one', ['data:a\n\ndata:  b\n\n'], ['a', ' b']],
    ['ignores comments, other fields and empty events', [': ping\n\nevent: x\nid: 1\nretry: 5\n\ndata: a\n\n'], ['a']],
    ['reads several events of one chunk', ['data: a\n\ndata: b\n\ndata: c\n\n'], ['a', 'b', 'c']],
    ['drops what the end cuts off', ['data: a\n\ndata: b\n'], ['a']],
  ])('%s', async (_behaviour, pieces, events) => {
    expect(await Array.fromAsync(readEvents(toChunks(pieces)))).toEqual(events);
  });
});
