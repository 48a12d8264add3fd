import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createChannel } from '../../src/flow/channel.ts';
import { merge } from '../../src/flow/merge.ts';
import { follow } from '../support/following.ts';
import { settled } from '../support/manual-clock.ts';

/** A stream that says when it was ended by its reader. */
const watched = <T>(items: AsyncIterable<T>): AsyncIterable<T> & { isEnded(): boolean } => {
  let isEnded = false;
  return {
    async *[Symbol.asyncIterator]() {
      try {
        yield* items;
      } finally {
        isEnded = true;
      }
    },
    isEnded: () => isEnded,
  };
};

const from = async function* <T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
};

const thenFailing = async function* (item: number, error: Error): AsyncGenerator<number> {
  yield item;
  throw error;
};

const endless = async function* (item: string): AsyncGenerator<string> {
  for (;;) yield item;
};

describe('merge', () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => {
    unhandled.push(reason);
  };
  beforeEach(() => {
    unhandled.length = 0;
    process.on('unhandledRejection', note);
  });
  afterEach(() => {
    process.off('unhandledRejection', note);
  });

  it('tells each item as soon as it comes, whichever stream it comes from', async () => {
    const [left, right] = [createChannel<string>(), createChannel<string>()];
    const merged = follow(merge([left, right]));
    right.push('r1');
    await settled();
    left.push('l1');
    await settled();
    right.push('r2');
    await settled();
    expect(merged.items).toEqual(['r1', 'l1', 'r2']);
    left.close();
    right.close();
    await merged.result;
  });

  it('ends when all streams have ended, and not before', async () => {
    const open = createChannel<number>();
    const merged = follow(merge([from(1, 2), open]));
    await settled();
    open.push(3);
    open.close();
    await merged.result;
    expect(merged.items).toEqual([1, 2, 3]);
  });

  it('ends at once without streams', async () => {
    expect(await Array.fromAsync(merge([]))).toEqual([]);
  });

  it('fails with the first failure and ends the other streams', async () => {
    const other = watched(from(1, 2, 3));
    const merged = follow(merge([other, thenFailing(0, new Error('gone'))]));
    await expect(merged.result).rejects.toThrow('gone');
    await settled();
    expect(other.isEnded()).toBe(true);
  });

  it('ends all streams when the reader leaves early', async () => {
    const streams = [watched(from(1, 2, 3)), watched(from(4, 5, 6))];
    for await (const item of merge(streams)) {
      expect(item).toBeTypeOf('number');
      break;
    }
    await settled();
    expect(streams.map((stream) => stream.isEnded())).toEqual([true, true]);
  });

  it('does not wait for a silent stream when the reader leaves', async () => {
    const silent = createChannel<number>();
    for await (const item of merge([from(1), silent])) {
      expect(item).toBe(1);
      break;
    }
  });

  it('keeps a failure that comes while the reader is busy until the reader asks', async () => {
    const merged = merge([thenFailing(1, new Error('while busy')), createChannel<number>()]);
    expect(await merged.next()).toEqual({ done: false, value: 1 });
    // A reader that writes to a slow terminal gives everybody time to complain.
    await settled();
    expect(unhandled).toEqual([]);
    await expect(merged.next()).rejects.toThrow('while busy');
  });

  it('asks a stream for its next item only when the last one has been taken', async () => {
    let produced = 0;
    const source = async function* (): AsyncGenerator<number> {
      for (;;) yield (produced += 1);
    };
    const merged = merge([source()]);
    await merged.next();
    await settled();
    expect(produced).toBe(1);
    await merged.return();
  });

  it('gives a quiet stream its turn beside one that never stops', async () => {
    const quiet = createChannel<string>();
    quiet.push('quiet');
    const seen: string[] = [];
    for await (const item of merge([endless('busy'), quiet])) {
      seen.push(item);
      if (item === 'quiet' || seen.length > 100) break;
    }
    expect(seen).toContain('quiet');
  });
});
