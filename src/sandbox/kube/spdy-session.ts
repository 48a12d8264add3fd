import { Duplex } from 'node:stream';
import { createReplies, dataFrame, pingFrame, readFrames, resetFrame } from './spdy-frames.ts';

/** One stream of a SPDY connection, opened by the client. Half-closing works as on a socket. */
export class SpdyStream extends Duplex {
  readonly id: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly #transport: Duplex;
  #onRead: (() => void) | undefined;

  constructor(id: number, headers: ReadonlyMap<string, string>, transport: Duplex) {
    super({ allowHalfOpen: true });
    this.id = id;
    this.headers = headers;
    this.#transport = transport;
  }

  /**
   * Hands on what came. Resolves when there is room for more; until then the whole connection waits, since the protocol
   * as Kubernetes speaks it has no windows by which one stream alone could be held back.
   */
  async receive(data: Buffer): Promise<void> {
    if (this.destroyed || this.push(data)) return;
    await new Promise<void>((resolve) => {
      this.#onRead = resolve;
      this.once('close', resolve);
    });
  }

  override _read(): void {
    this.#onRead?.();
    this.#onRead = undefined;
  }

  override _write(chunk: Buffer, _encoding: string, callback: (error?: Error | null) => void): void {
    if (this.#transport.writable) this.#transport.write(dataFrame(this.id, chunk), callback);
    else callback(new Error('The connection has gone.'));
  }

  override _final(callback: () => void): void {
    if (this.#transport.writable) this.#transport.write(dataFrame(this.id, Buffer.alloc(0), true));
    callback();
  }

  /** Ends both directions at once, and tells the client so. */
  reset(): void {
    if (this.#transport.writable && !this.destroyed) this.#transport.write(resetFrame(this.id));
    this.destroy();
  }
}

/** Serves one SPDY connection until it ends; every stream that the client opens is handed to `onStream`. */
export const serveSpdy = async (transport: Duplex, onStream: (stream: SpdyStream) => void): Promise<void> => {
  const streams = new Map<number, SpdyStream>();
  const replyTo = createReplies();
  try {
    for await (const frame of readFrames(transport)) {
      switch (frame.type) {
        case 'open': {
          const stream = new SpdyStream(frame.streamId, frame.headers, transport);
          // The client resets streams as its way of closing them: no error that anybody must hear of.
          stream.on('error', () => {});
          stream.once('close', () => streams.delete(stream.id));
          streams.set(stream.id, stream);
          transport.write(replyTo(stream.id));
          if (frame.isLast) stream.push(null);
          onStream(stream);
          break;
        }
        case 'data': {
          const stream = streams.get(frame.streamId);
          if (frame.data.length > 0) await stream?.receive(frame.data);
          if (frame.isLast && stream && !stream.destroyed) stream.push(null);
          break;
        }
        case 'reset':
          streams.get(frame.streamId)?.destroy();
          break;
        case 'ping':
          transport.write(pingFrame(frame.id));
          break;
        case 'goAway':
          return;
        case 'other':
          break;
      }
    }
  } finally {
    for (const stream of streams.values()) stream.destroy();
    transport.destroy();
  }
};
