/**
 * Several streams as one, each item as soon as it comes. Ends when all have ended, fails as soon as one fails, and ends
 * all of them when the consumer stops early.
 */
export async function* merge<T>(streams: readonly AsyncIterable<T>[]): AsyncGenerator<T, void> {
  const iterators = streams.map((stream) => stream[Symbol.asyncIterator]());
  const pending = new Map(iterators.map((iterator, index) => [index, take(iterator, index)]));
  try {
    while (pending.size > 0) {
      const { index, result } = await Promise.race(pending.values());
      if (result.done) {
        pending.delete(index);
        continue;
      }
      const iterator = iterators[index];
      if (iterator) pending.set(index, take(iterator, index));
      yield result.value;
    }
  } finally {
    for (const promise of pending.values()) promise.catch(() => {});
    for (const index of pending.keys()) void iterators[index]?.return?.()?.catch(() => {});
  }
}

const take = async <T>(iterator: AsyncIterator<T>, index: number): Promise<{ index: number; result: IteratorResult<T> }> => ({
  index,
  result: await iterator.next(),
});
