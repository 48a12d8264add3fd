/** Turns callbacks into a stream: what is pushed comes out in order, until it is closed. */
export interface Channel<T> extends AsyncIterable<T> {
  push(item: T): void;
  close(): void;
}

export const createChannel = <T>(): Channel<T> => {
  const items: T[] = [];
  let isClosed = false;
  let wake: (() => void) | undefined;
  const changed = (): void => {
    wake?.();
    wake = undefined;
  };
  return {
    push(item) {
      items.push(item);
      changed();
    },
    close() {
      isClosed = true;
      changed();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        while (items.length > 0) {
          const [item] = items.splice(0, 1);
          if (item !== undefined) yield item;
        }
        if (isClosed) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
};
