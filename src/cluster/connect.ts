import type { IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { RawData, WebSocket } from 'ws';
import { FailedError } from '../domain/errors.ts';
import { onAbort } from './abort.ts';
import type { Call } from './cluster.ts';
import { toConnectionError } from './connection-errors.ts';
import type { Access, Endpoint } from './endpoint.ts';
import type { Server } from './errors.ts';
import { askPatiently, RefusedAnswer } from './patience.ts';
import { type Question, toPath } from './question.ts';
import { parseRefusal } from './refusal.ts';
import { codedError } from './transport.ts';

/** One WebSocket carries one connection; each frame begins with its channel. */
const protocol = 'v4.channel.k8s.io';
const channels = { data: 0, error: 1 } as const;

/**
 * A connection to a port of a pod as a stream. Half-close: after the last write the other side may go on, which the protocol
 * cannot tell it, so silence bounds that time. The signal bounds the opening and the whole life after it.
 */
export const connectToPort = async (endpoint: Endpoint, question: Question, port: number, { signal, timeoutMs }: Call): Promise<Duplex> => {
  const patience = { question, isRepeatable: true, ...(signal === undefined ? {} : { signal }), ...(timeoutMs === undefined ? {} : { timeoutMs }) };
  const socket = await askPatiently(endpoint, patience, (access, timeLeftMs) => upgrade(endpoint, access, { question, port, timeLeftMs, ...(signal === undefined ? {} : { signal }) }));
  const stream = new PortStream(socket, endpoint);
  const stops = [onAbort(signal, () => stream.destroy()), onAbort(endpoint.closed, () => stream.destroy())];
  stream.once('close', () => {
    for (const stop of stops) stop();
  });
  return stream;
};

interface Upgrade {
  question: Question;
  port: number;
  timeLeftMs: number;
  signal?: AbortSignal;
}

/** Resolves when the server has agreed; a refusal keeps the Status that says why. */
const upgrade = async ({ target, basePath, timing }: Endpoint, access: Access, { question, port, timeLeftMs, signal }: Upgrade): Promise<WebSocket> => {
  const { WebSocket } = await import('ws');
  return await new Promise((resolve, reject) => {
    const scheme = target.protocol === 'https:' ? 'wss' : 'ws';
    const host = String(target.host).includes(':') ? `[${target.host}]` : target.host;
    const socket = new WebSocket(`${scheme}://${host}:${target.port}${basePath}${toPath(question)}?ports=${port}`, protocol, {
      agent: access.agent,
      headers: access.headers,
      handshakeTimeout: Math.min(timeLeftMs, timing.connectMs + timing.callMs),
      perMessageDeflate: false,
      followRedirects: false,
    });
    const stop = onAbort(signal, () => socket.terminate());
    const settle = (): void => stop();
    socket.once('open', () => {
      settle();
      resolve(socket);
    });
    socket.once('unexpected-response', (_request, response: IncomingMessage) => {
      text(response)
        .then((body) => reject(new RefusedAnswer(parseRefusal(response.statusCode ?? 0, body), response.headers['retry-after'])))
        .catch(reject)
        .finally(() => {
          settle();
          socket.terminate();
        });
    });
    // Stays for the life of the socket: an error after the opening is told by `close` as well.
    socket.on('error', (error) => {
      settle();
      reject(error.message.includes('handshake has timed out') ? codedError('CONNECT_TIMEOUT', error.message) : error);
    });
  });
};

class PortStream extends Duplex {
  readonly #socket: WebSocket;
  readonly #server: Server;
  readonly #halfCloseMs: number;
  readonly #ping: NodeJS.Timeout;
  readonly #greeted = new Set<number>();
  #missedPings = 0;
  #silence: NodeJS.Timeout | undefined;

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
  }

  override _read(): void {
    if (this.#socket.isPaused) this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    // Called back when the frame has left: that is what holds a fast writer.
    this.#socket.send(Buffer.concat([Buffer.of(channels.data), chunk]), { binary: true }, (error) => callback(error));
  }

  override _final(callback: (error?: Error | null) => void): void {
    // Closing the WebSocket would cut off the answer that is still to come.
    this.#armSilence();
    callback();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearInterval(this.#ping);
    clearTimeout(this.#silence);
    if (this.#socket.readyState === this.#socket.OPEN && error === null) this.#socket.close(1000);
    // A server that does not answer the closing handshake must not keep the process.
    setTimeout(() => this.#socket.terminate(), error === null ? 1000 : 0).unref();
    callback(error);
  }

  #receive(data: RawData): void {
    const frame = Buffer.isBuffer(data) ? data : Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
    this.#missedPings = 0;
    const channel = frame[0];
    if (channel === undefined) return;
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
      this.push(null);
      // Nobody listens any more.
      if (!this.writableEnded) this.end();
    } else {
      this.destroy(toConnectionError(codedError('ECONNRESET', `the WebSocket was closed with code ${code}`), this.#server));
    }
  }

  #armSilence(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.push(null), this.#halfCloseMs).unref();
  }

  /** A paused socket reads no pongs either, so only a reading one can be found dead. */
  #checkLife(): void {
    if (this.#socket.readyState !== this.#socket.OPEN || this.#socket.isPaused) return;
    if (this.#missedPings >= 3) this.destroy(toConnectionError(codedError('ECONNRESET', 'no sign of life on the WebSocket'), this.#server));
    this.#missedPings += 1;
    this.#socket.ping();
  }
}

const toPortError = (words: string): FailedError =>
  new FailedError(
    /connection refused/i.test(words) ? 'Nothing listens on that port of the pod.' : 'The connection to the pod broke.',
    { reason: /connection refused/i.test(words) ? 'PortRefused' : 'PortForward', fact: words.trim() },
  );
