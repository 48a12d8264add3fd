import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { WebSocket } from 'ws';
import { onAbort } from './abort.ts';
import type { Call } from './cluster.ts';
import type { Access, Endpoint } from './endpoint.ts';
import { askPatiently, RefusedAnswer } from './patience.ts';
import { PortStream } from './port-stream.ts';
import { type Question, toPath } from './question.ts';
import { parseRefusal } from './refusal.ts';
import { codedError } from './transport.ts';

/** One WebSocket carries one connection. */
const protocol = 'v4.channel.k8s.io';

/**
 * A connection to a port of a pod as a stream. Half-close: after the last write the other side may go on, which the protocol
 * cannot tell it, so silence bounds that time. The signal bounds the opening and the whole life after it.
 */
export const connectToPort = async (endpoint: Endpoint, question: Question, port: number, call: Call): Promise<Duplex> => {
  const socket = await askPatiently(endpoint, { question, isRepeatable: true, ...call }, (access, timeLeftMs) =>
    upgrade(endpoint, access, { question, port, timeLeftMs, ...call }),
  );
  const stream = new PortStream(socket, endpoint);
  const stops = [onAbort(call.signal, () => stream.destroy()), onAbort(endpoint.closed, () => stream.destroy())];
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
    socket.once('open', () => {
      stop();
      // The first frames may have come along with the agreement, before anybody listens.
      socket.pause();
      resolve(socket);
    });
    socket.once('unexpected-response', (_request, response: IncomingMessage) => {
      text(response)
        .then((body) => reject(new RefusedAnswer(parseRefusal(response.statusCode ?? 0, body), response.headers['retry-after'])))
        .catch(reject)
        .finally(() => {
          stop();
          socket.terminate();
        });
    });
    // Stays for the life of the socket: an error after the opening is told by `close` as well.
    socket.on('error', (error) => {
      stop();
      reject(error.message.includes('handshake has timed out') ? codedError('CONNECT_TIMEOUT', error.message) : error);
    });
  });
};
