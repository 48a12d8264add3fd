/** A stream that is read as fast as it comes, while the test goes on. */
export interface Following<T, R> {
  /** What came so far. */
  items: T[];
  /** The stream's own result, or its failure. */
  result: Promise<R>;
}

export const follow = <T, R = void>(stream: AsyncIterable<T, R>): Following<T, R> => {
  const items: T[] = [];
  const iterator = stream[Symbol.asyncIterator]();
  const read = async (): Promise<R> => {
    for (;;) {
      const next = await iterator.next();
      if (next.done) return next.value;
      items.push(next.value);
    }
  };
  const result = read();
  // A failure belongs to the test that asks for the result, whenever it does.
  result.catch(() => {});
  return { items, result };
};
