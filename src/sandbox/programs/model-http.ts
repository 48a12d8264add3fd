import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

export interface ModelRequest {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  /** The whole body as text; empty where there is none. */
  body: string;
}

export type ModelHandler = (request: ModelRequest, response: ServerResponse) => void | Promise<void>;

/** An HTTP server without a socket: connections are handed to it as the container's network brings them. */
export interface ModelHttp {
  accept(connection: Duplex): void;
  /** Cuts every connection and each that still comes, as the end of a process does. */
  close(): void;
}

/** A prompt of a million tokens is some megabytes. */
const maximumBodyBytes = 64 * 1024 * 1024;

export const createModelHttp = (handle: ModelHandler): ModelHttp => {
  const connections = new Set<Duplex>();
  let isClosed = false;
  const server = createServer((request, response) => {
    response.sendDate = false;
    // uvicorn says nothing about connections that stay open.
    if (request.headers.connection !== 'close') response.removeHeader('connection');
    readBody(request)
      .then((body) => {
        const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
        return handle({ method: request.method ?? 'GET', path, headers: request.headers, body }, response);
      })
      // The container is over, or its client is: there is nobody left to tell.
      .catch(() => {
        response.destroy();
      });
  });
  return {
    accept: (connection) => {
      if (isClosed) {
        connection.destroy();
        return;
      }
      connections.add(connection);
      connection.once('close', () => connections.delete(connection));
      // An unread error of a connection that was cut would end the whole sandbox.
      connection.on('error', () => {
        connection.destroy();
      });
      server.emit('connection', connection);
    },
    close: () => {
      isClosed = true;
      for (const connection of connections) connection.destroy();
    },
  };
};

const readBody = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue;
    sizeBytes += chunk.length;
    if (sizeBytes > maximumBodyBytes) throw new RangeError('The request is larger than any prompt.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
};

/** Headers in uvicorn's order and spelling. */
const uvicornHeaders = (): Record<string, string> => ({ date: new Date().toUTCString(), server: 'uvicorn' });

export const writeAnswer = (
  response: ServerResponse,
  answer: { status: number; contentType?: string; body?: string; headers?: Readonly<Record<string, string>> },
): void => {
  const { status, contentType, body = '', headers = {} } = answer;
  response.writeHead(status, {
    ...uvicornHeaders(),
    ...headers,
    'content-length': Buffer.byteLength(body),
    ...(contentType === undefined ? {} : { 'content-type': contentType }),
  });
  response.end(body);
};

export const writeJson = (response: ServerResponse, status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void => {
  writeAnswer(response, { status, contentType: 'application/json', body: JSON.stringify(body), headers });
};

/** Opens a stream of server-sent events; what is written after the client has gone is dropped. */
export const openEvents = (response: ServerResponse): { send(data: unknown): void; end(): void } => {
  response.writeHead(200, { ...uvicornHeaders(), 'content-type': 'text/event-stream; charset=utf-8' });
  response.flushHeaders();
  const isOpen = () => !response.destroyed && !response.writableEnded;
  return {
    send: (data) => {
      if (isOpen()) response.write(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`);
    },
    end: () => {
      if (isOpen()) response.end();
    },
  };
};

/** FastAPI's answer for a path it does not know, or knows for other methods: there is no HEAD unless it is declared. */
export const writeUnrouted = (response: ServerResponse, allowed: readonly string[]): void => {
  if (allowed.length === 0) writeJson(response, 404, { detail: 'Not Found' });
  else writeJson(response, 405, { detail: 'Method Not Allowed' }, { allow: allowed.join(', ') });
};
