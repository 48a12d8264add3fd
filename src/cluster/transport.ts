import type { ClientRequest, IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { Socket } from 'node:net';
import { FailedError } from '../domain/errors.ts';
import { onAbort, reasonOf, toCall } from './abort.ts';
import type { Access, Endpoint } from './endpoint.ts';
import { askPatiently, type Patience, RefusedAnswer } from './patience.ts';
import { type Question, toPath } from './question.ts';
import { parseRefusal } from './refusal.ts';

export interface Transport {
  /** JSON in, JSON out. */
  ask(request: Request): Promise<Answer>;
  /** Resolves when the answer begins; from there on nothing but the signal bounds it. */
  stream(request: Request): Promise<IncomingMessage>;
}

export interface Request {
  question: Question;
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Where the question does not say it: `/version`. */
  path?: string;
  query?: Query;
  body?: unknown;
  contentType?: string;
  /** Defaults to true for GET. */
  isRepeatable?: boolean;
  signal?: AbortSignal;
  timeoutMs?: number;
}

export type Query = Record<string, string | number | boolean | undefined>;

export interface Answer {
  status: number;
  body: unknown;
}

/** Plain `node:https` with sockets that are kept: one TLS handshake for a whole command. */
export const createTransport = (endpoint: Endpoint): Transport => {
  return {
    ask: (request) =>
      askPatiently(endpoint, toPatience(request), async (access, timeLeftMs) => {
        const startedAt = Date.now();
        const response = await send(endpoint, access, request, timeLeftMs);
        const body = await readBody(response, timeLeftMs - (Date.now() - startedAt));
        return { status: response.statusCode ?? 0, body: parseJson(body, endpoint) };
      }),
    stream: (request) => askPatiently(endpoint, toPatience(request), (access, timeLeftMs) => send(endpoint, access, request, timeLeftMs)),
  };
};

const toPatience = ({ question, method, isRepeatable = method === 'GET', ...call }: Request): Patience => ({ question, isRepeatable, ...toCall(call) });

/** `?a=1&b=x`, without what is undefined or false. */
const toQuery = (query: Query = {}): string => {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== false) parameters.set(name, String(value));
  }
  return parameters.size === 0 ? '' : `?${parameters.toString()}`;
};

/** Resolves with an answer that has begun and is a success. Its errors are not translated yet. */
const send = async (endpoint: Endpoint, access: Access, request: Request, timeLeftMs: number): Promise<IncomingMessage> => {
  const response = await begin(endpoint, access, request, timeLeftMs);
  const { statusCode = 0, headers } = response;
  if (statusCode >= 200 && statusCode < 300) return response;
  throw new RefusedAnswer(parseRefusal(statusCode, await readBody(response, timeLeftMs)), headers['retry-after']);
};

const begin = ({ target, basePath, timing }: Endpoint, access: Access, request: Request, timeLeftMs: number): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const { method, question, path = toPath(question), query, body, contentType = 'application/json', signal } = request;
    const json = body === undefined ? undefined : JSON.stringify(body);
    const outgoing = access.request({
      ...target,
      method,
      path: basePath + path + toQuery(query),
      agent: access.agent,
      headers: {
        accept: 'application/json, */*',
        ...access.headers,
        ...(json === undefined ? {} : { 'content-type': contentType, 'content-length': Buffer.byteLength(json) }),
      },
    });
    const stopConnecting = boundConnecting(outgoing, timing.connectMs);
    const answerTimer = setTimeout(() => outgoing.destroy(codedError('ANSWER_TIMEOUT', 'no answer in time')), timeLeftMs);
    const stopListening = onAbort(signal, (reason) => outgoing.destroy(reason));
    const settle = (): void => {
      stopConnecting();
      clearTimeout(answerTimer);
      stopListening();
    };
    outgoing.once('response', (response) => {
      settle();
      response.once('close', onAbort(signal, (reason) => response.destroy(reason)));
      resolve(response);
    });
    outgoing.on('error', (error) => {
      settle();
      reject(signal?.aborted ? reasonOf(signal) : error);
    });
    outgoing.end(json);
  });

/** Bounds the way up to a socket that can be written to: name, TCP, proxy and TLS together. */
const boundConnecting = (outgoing: ClientRequest, connectMs: number): (() => void) => {
  const timer = setTimeout(() => outgoing.destroy(codedError('CONNECT_TIMEOUT', `no connection within ${connectMs / 1000} s`)), connectMs);
  const stop = (): void => clearTimeout(timer);
  outgoing.once('socket', (socket: Socket) => {
    if (!outgoing.reusedSocket && socket instanceof TLSSocket) socket.once('secureConnect', stop);
    else if (socket.connecting) socket.once('connect', stop);
    else stop();
  });
  outgoing.once('close', stop);
  return stop;
};

/** The whole body as text. Decoded in one go: chunk by chunk takes longer, and `toString` of a chunk breaks inside of a character. */
const readBody = async (response: IncomingMessage, timeLeftMs: number): Promise<string> => {
  const timer = setTimeout(() => response.destroy(codedError('ANSWER_TIMEOUT', 'the answer broke off in the middle')), Math.max(0, timeLeftMs));
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  } finally {
    clearTimeout(timer);
  }
};

const parseJson = (body: string, { server }: Endpoint): unknown => {
  try {
    return JSON.parse(body);
  } catch (error) {
    throw new FailedError(`${server.url} answers, but not as a Kubernetes API server.`, {
      reason: 'NotJson',
      fact: body.trim() === '' ? 'The answer is empty.' : `The answer begins with ${JSON.stringify(body.slice(0, 60))}.`,
      hints: [`Check the server's address: ${server.kubectl} cluster-info`],
      cause: error,
    });
  }
};

/** An error that `connection-errors.ts` has words for. */
export const codedError = (code: string, message: string): Error => Object.assign(new Error(message), { code });
