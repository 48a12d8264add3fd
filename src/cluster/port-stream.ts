import { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import { FailedError } from '../domain/errors.ts';
import { toConnectionError } from './connection-errors.ts';
import type { Endpoint } from './endpoint.ts';
import type { Server } from './errors.ts';
import { codedError } from './transport.ts';

/** The first byte of each frame. */
const channels = { data: 0, error: 1 } as const;

/** The kubelet breaks the connection over a frame of more than 32 MiB, and has to hold all of one in memory. */
const longestFrameBytes = 256 * 1024;

/** A server that does not answer the closing handshake must not keep the process. */
const farewellMs = 1000;

/** One forwarded connection over a WebSocket that speaks `v4.channel.k8s.io`, as a stream with half-close and back-pressure. */
export class PortStream extends Duplex {
  readonly #socket: WebSocket;
  readonly #server: Server;
  readonly #halfCloseMs: number;
  readonly #ping: NodeJS.Timeout;
  readonly #greeted = new Set<number>();
  #missedPings = 0;
  #hasEnded = false;
  #silence: NodeJS.Timeout | undefined;

  /** Of a socket that is open, and paused until now. */
  constructor(socket: WebSocket, { server, timing }: Endpoint) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    this.#server = server;
    this.#halfCloseMs = timing.halfCloseMs;
    this.#ping = setInterval(() => this.#checkLife(), timing.pingMs).unref();
    socket.on('message', (data) => this.#receive(data));
    socket.on('pong', () => {
      this.#missedPings = 0;
    });
    socket.on('close', (code) => this.#end(code));
    socket.resume();
  }

  override _read(): void {
    if (this.#socket.isPaused) this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    const lastAt = Math.max(0, Math.ceil(chunk.length / longestFrameBytes) - 1) * longestFrameBytes;
    for (let at = 0; at < lastAt; at += longestFrameBytes) this.#socket.send(toFrame(chunk.subarray(at, at + longestFrameBytes)));
    // Called back when the last frame has left: that is what holds a fast writer.
    this.#socket.send(toFrame(chunk.subarray(lastAt)), (error) => callback(error && toConnectionError(error, this.#server)));
  }

  override _final(callback: (error?: Error | null) => void): void {
    // Closing the WebSocket would cut off the answer that is still to come.
    this.#armSilence();
    callback();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearInterval(this.#ping);
    clearTimeout(this.#silence);
    // A socket that reads nothing does not hear the answer to its goodbye either.
    const isPolite = error === null && !this.#socket.isPaused && this.#socket.readyState === this.#socket.OPEN;
    if (isPolite) this.#socket.close(1000);
    setTimeout(() => this.#socket.terminate(), isPolite ? farewellMs : 0).unref();
    callback(error);
  }

  #receive(data: RawData): void {
    const frame = Buffer.isBuffer(data) ? data : Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
    this.#missedPings = 0;
    const channel = frame[0];
    if (channel === undefined || this.#hasEnded) return;
    // The first frame of each channel repeats the port's number.
    if (!this.#greeted.has(channel)) {
      this.#greeted.add(channel);
      return;
    }
    if (this.writableEnded) this.#armSilence();
    const payload = frame.subarray(1);
    if (channel === channels.error) this.destroy(toPortError(payload.toString()));
    else if (payload.length > 0 && !this.push(payload)) this.#socket.pause();
  }

  #end(code: number): void {
    if (this.destroyed) return;
    if (code === 1000 || code === 1001 || code === 1005) {
      this.#endReading();
      // Nobody listens any more.
      if (!this.writableEnded) this.end();
    } else {
      this.destroy(toConnectionError(codedError('ECONNRESET', `the WebSocket was closed with code ${code}`), this.#server));
    }
  }

  #endReading(): void {
    this.#hasEnded = true;
    this.push(null);
  }

  #armSilence(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#endReading(), this.#halfCloseMs).unref();
  }

  /** A paused socket reads no pongs either, so only a reading one can be found dead. */
  #checkLife(): void {
    if (this.#socket.readyState !== this.#socket.OPEN || this.#socket.isPaused) return;
    if (this.#missedPings >= 3) this.destroy(toConnectionError(codedError('ECONNRESET', 'no sign of life on the WebSocket'), this.#server));
    this.#missedPings += 1;
    this.#socket.ping();
  }
}

const toFrame = (payload: Buffer): Buffer => Buffer.concat([Buffer.of(channels.data), payload]);

const toPortError = (words: string): FailedError =>
  new FailedError(
    /connection refused/i.test(words) ? 'Nothing listens on that port of the pod.' : 'The connection to the pod broke.',
    { reason: /connection refused/i.test(words) ? 'PortRefused' : 'PortForward', fact: words.trim() },
  );
