import { createChannel } from './channel.ts';

/**
 * Several streams as one, each item as soon as it comes. Ends when all have ended, fails as soon as one fails, and ends
 * all of them when the consumer stops early. A stream is asked for its next item when its last one has been taken.
 */
export async function* merge<T>(streams: readonly AsyncIterable<T>[]): AsyncGenerator<T, void> {
  const iterators = streams.map((stream) => stream[Symbol.asyncIterator]());
  // What has come waits in order of arrival, so that a busy stream cannot keep a quiet one from being heard.
  const arrivals = createChannel<Arrival<T>>();
  const ask = (iterator: AsyncIterator<T>): void => {
    const next = iterator.next();
    const arrived = (): void => arrivals.push({ iterator, next });
    // A failure that comes while the consumer is busy is kept until it looks.
    next.then(arrived, arrived);
  };
  let openCount = iterators.length;
  try {
    for (const iterator of iterators) ask(iterator);
    if (openCount === 0) return;
    for await (const { iterator, next } of arrivals) {
      const result = await next;
      if (result.done) {
        openCount -= 1;
        if (openCount === 0) return;
        continue;
      }
      yield result.value;
      ask(iterator);
    }
  } finally {
    // Not awaited: a stream that is silent right now ends only when its own signal tells it to.
    for (const iterator of iterators) iterator.return?.().catch(() => {});
  }
}

interface Arrival<T> {
  iterator: AsyncIterator<T>;
  /** Settled. */
  next: Promise<IteratorResult<T>>;
}
