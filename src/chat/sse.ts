/**
 * The `data` of each server-sent event. Our own parser, because the one inside the openai package reads a chunk that is
 * not JSON as a bug of its own: the transformers server reports a failure in the middle of an answer as
 * `data: {"error": "text"}` with the text unescaped, and that text is the only explanation there is.
 *
 * Rules of https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream: an event ends with
 * an empty line, and one that the end of the stream cuts off does not count.
 */
export async function* readEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  // Keeps the bytes of a character that is split over two chunks.
  const decoder = new TextDecoder();
  let rest = '';
  let data: string[] = [];
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(lineEnd);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '' && data.length > 0) {
        yield data.join('\n');
        data = [];
      } else if (line.startsWith('data:')) {
        data.push(line.slice(line.startsWith('data: ') ? 6 : 5));
      } else if (line !== '' && data.length > 0 && !isField(line)) {
        // Not in the rules: the second line of an unescaped error text, which would otherwise be lost.
        data.push(line);
      }
    }
  }
}

/** A `\r` at the end of a chunk may be the first half of `\r\n`, so it waits for what follows. */
const lineEnd = /\r\n|\n|\r(?=[^\n])/;

const isField = (line: string): boolean => /^(event|id|retry)?:/.test(line);

/**
 * The bytes of a response, with an end: the signal, or a silence longer than `idleTimeoutMs`, rejects with its reason,
 * and leaving the loop early lets go of the connection.
 */
export async function* readBytes(body: ReadableStream<Uint8Array>, options: { signal: AbortSignal; idleTimeoutMs: number; idleReason: () => Error }): AsyncGenerator<Uint8Array> {
  const { signal, idleTimeoutMs, idleReason } = options;
  const reader = body.getReader();
  const stopped = Promise.withResolvers<never>();
  // Nobody waits for it while a chunk is being looked at.
  stopped.promise.catch(() => {});
  const onAbort = () => stopped.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    for (;;) {
      const timer = setTimeout(() => stopped.reject(idleReason()), idleTimeoutMs);
      const { done, value } = await Promise.race([reader.read(), stopped.promise]).finally(() => clearTimeout(timer));
      if (done) return;
      yield value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    await reader.cancel().catch(() => {});
  }
}
