import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import { startConversation } from '../../src/chat/conversation.ts';
import type { Connection } from '../../src/chat/health.ts';
import type { ChatOptions } from '../../src/chat/session.ts';
import type { Clock } from '../../src/domain/clock.ts';
import type { Terminal } from '../../src/terminal/terminal.ts';

/** A request as the model server got it. */
interface Received {
  path: string;
  headers: IncomingMessage['headers'];
  body: Record<string, unknown>;
}

export type Reply = (response: ServerResponse, request: Received) => void | Promise<void>;

export interface ModelServer {
  baseUrl: string;
  connection: Connection;
  received: Received[];
  /** The bodies of the questions asked. */
  questions(): Record<string, unknown>[];
  close(): Promise<void>;
}

/** A loopback server that answers as told by path; every other path is FastAPI's 404. It ends with the test. */
export const startModelServer = async (routes: Record<string, Reply>): Promise<ModelServer> => {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const text = await readText(request);
      const entry = { path: request.url ?? '', headers: request.headers, body: text === '' ? {} : JSON.parse(text) };
      received.push(entry);
      await (routes[entry.path] ?? notFound)(response, entry);
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  const baseUrl = `http://127.0.0.1:${address.port}`;
  const close = async () => {
    if (!server.listening) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  onTestFinished(close);
  return {
    baseUrl,
    connection: { baseUrl: async () => baseUrl },
    received,
    questions: () => received.filter(({ path }) => path === '/v1/chat/completions' || path === '/chat').map(({ body }) => body),
    close,
  };
};

export const json =
  (status: number, body: unknown): Reply =>
  (response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

export const text =
  (status: number, body: string): Reply =>
  (response) =>
    void response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(body);

const notFound = json(404, { detail: 'Not Found' });

/** One reply after the other; the last one stays. */
export const inTurn = (...replies: Reply[]): Reply => {
  let index = 0;
  return (response, request) => {
    const reply = replies[Math.min(index, replies.length - 1)];
    index += 1;
    return reply?.(response, request);
  };
};

/** An event stream in exactly these network pieces, so that a test decides what is torn apart. */
export const stream =
  (pieces: readonly (string | Uint8Array)[], end: 'end' | 'reset' | 'hang' = 'end'): Reply =>
  async (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    for (const piece of pieces) {
      response.write(piece);
      // Otherwise Node may join them into one.
      await new Promise(setImmediate);
    }
    if (end === 'end') response.end();
    if (end === 'reset') response.destroy();
  };

const event = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;

/** vLLM 0.25.1, with usage as asked for by `stream_options`. */
export const vllmEvents = (tokens: readonly string[], { finish = 'stop', model = 'tiny', usage = true } = {}): string[] => {
  const chunk = (delta: unknown, rest: object = {}) =>
    event({ id: 'chatcmpl-9c19bf7eada8e259', object: 'chat.completion.chunk', created: 1, model, choices: [{ index: 0, delta, logprobs: null, finish_reason: null, ...rest }] });
  return [
    chunk({ role: 'assistant', content: '' }),
    ...tokens.map((content) => chunk({ content })),
    chunk({ content: '' }, { finish_reason: finish, stop_reason: null }),
    ...(usage ? [event({ id: 'x', model, choices: [], usage: { prompt_tokens: 17, total_tokens: 17 + tokens.length, completion_tokens: tokens.length } })] : []),
    'data: [DONE]\n\n',
  ];
};

const transformersChunk = (delta: unknown, choice: object = {}, rest: object = {}) =>
  event({ id: 'dfe5f061', choices: [{ delta, index: 0, ...choice }], created: 1, model: '/workspace/tfs/weights@main', object: 'chat.completion.chunk', system_fingerprint: '', ...rest });

/** transformers 5.14: no `[DONE]`, usage in the last chunk, then it closes. */
export const transformersEvents = (tokens: readonly string[], { finish = 'stop' } = {}): string[] => [
  transformersChunk({ role: 'assistant' }),
  ...tokens.map((content) => transformersChunk({ content })),
  transformersChunk({}, { finish_reason: finish }, { usage: { completion_tokens: tokens.length, prompt_tokens: 17, total_tokens: 17 + tokens.length } }),
];

export const vllmModels = json(200, {
  object: 'list',
  data: [
    { id: 'tiny', object: 'model', created: 1, owned_by: 'vllm', root: 'models/llama', parent: null, max_model_len: 1024 },
    { id: 'marv', object: 'model', created: 1, owned_by: 'vllm', root: '/mnt/adapter/marv', parent: 'tiny', max_model_len: null },
  ],
});

export const transformersModels = json(200, { object: 'list', data: [{ id: 'tiny', object: 'model', created: 1, owned_by: 'kaito' }] });

const healthy = text(200, '');

export const startVllm = (chat: Reply, routes: Record<string, Reply> = {}): Promise<ModelServer> =>
  startModelServer({ '/health': healthy, '/v1/models': vllmModels, '/v1/chat/completions': chat, ...routes });

export const startTransformers = (chat: Reply, routes: Record<string, Reply> = {}): Promise<ModelServer> =>
  startModelServer({ '/health': json(200, { status: 'Healthy' }), '/v1/models': transformersModels, '/v1/chat/completions': chat, ...routes });

/** Sleeping takes no time but moves the clock. */
export const createFakeClock = (): Clock & { slept: number[] } => {
  let nowMs = 1_700_000_000_000;
  const slept: number[] = [];
  return {
    slept,
    now: () => nowMs,
    sleep: async (durationMs, signal) => {
      signal?.throwIfAborted();
      slept.push(durationMs);
      nowMs += durationMs;
      await new Promise(setImmediate);
      signal?.throwIfAborted();
    },
  };
};

export const chatOptions = (server: Pick<ModelServer, 'connection'>, terminal: Terminal, given: Partial<ChatOptions> = {}): ChatOptions => ({
  terminal,
  connection: server.connection,
  clock: createFakeClock(),
  signal: new AbortController().signal,
  conversation: startConversation(),
  readyTimeoutMs: 60_000,
  isMarkdownRendered: false,
  ...given,
});
