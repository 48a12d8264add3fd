import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { SandboxClock } from '../clock.ts';
import { generate, toGeneration, type Generation } from './model-generation.ts';
import { openEvents, writeAnswer, writeJson, writeUnrouted, type ModelHandler } from './model-http.ts';
import { speak } from './model-voice.ts';
import { createQueue } from './model-waiting.ts';
import { readRequest, type TransformersRequest } from './transformers-request.ts';

export interface TransformersEngine {
  /** `<path or id>@<revision>`: the model's name in answers. */
  pinned: string;
  served: string;
  /** Merged into the model, so that every answer comes through all of them. */
  adapters: readonly string[];
  clock: SandboxClock;
  ended: AbortSignal;
  /** The server's log, without line feeds: accesses on stdout, everything else on stderr. */
  logAccess(line: string): void;
  logError(line: string): void;
}

const chatPath = '/v1/chat/completions';

const methods: Readonly<Record<string, 'GET' | 'POST'>> = {
  '/health': 'GET',
  '/metrics': 'GET',
  '/v1/models': 'GET',
  [chatPath]: 'POST',
};

/** KAITO's transformers server, once its model is loaded: chat alone, one generation at a time. */
export const createTransformersApi = (engine: TransformersEngine): ModelHandler => {
  const inTurn = createQueue();
  const created = Math.floor(engine.clock.now().getTime() / 1000);
  const chat: ModelHandler = async (request, response) => {
    const read = readRequest(request, engine);
    if (read.kind === 'detail') return writeJson(response, read.status, { detail: read.detail });
    if (read.kind === 'exception') {
      engine.logError(`ERROR:    Exception in ASGI application\n${read.error}`);
      return writeAnswer(response, { status: 500, contentType: 'text/plain; charset=utf-8', body: 'Internal Server Error' });
    }
    engine.logError(`[transformers] [Request received] Model: ${engine.pinned}, CB: False`);
    const answering = prepare(engine, read.request);
    return read.request.stream ? stream(engine, answering, inTurn, response) : complete(engine, answering, inTurn, response);
  };
  return (request, response) => {
    const { method, path } = request;
    response.once('finish', () => {
      engine.logAccess(`INFO:     127.0.0.1:40000 - "${method} ${path} HTTP/1.1" ${response.statusCode} ${response.statusMessage}`);
    });
    const allowed = methods[path];
    if (allowed !== method) return writeUnrouted(response, allowed === undefined ? [] : [allowed]);
    switch (path) {
      case '/health':
        return writeJson(response, 200, { status: 'Healthy' });
      case '/metrics':
        return writeJson(response, 200, machineMetrics());
      case '/v1/models':
        return writeJson(response, 200, { object: 'list', data: [{ id: engine.served, object: 'model', created, owned_by: 'kaito' }] });
      default:
        return chat(request, response);
    }
  };
};

/** KAITO's own JSON, not Prometheus; its GPU memory is near zero because it divides MiB by the bytes of a GiB. */
export const machineMetrics = (): unknown => ({
  gpu_info: [{ id: 'GPU-sandbox-0', name: 'NVIDIA A100 80GB PCIe', load: '25.00%', temperature: '55 C', memory: { used: '0.00 GB', total: '0.00 GB' } }],
  cpu_info: null,
});

interface Answering {
  id: string;
  generation: Generation;
  usage: { completion_tokens: number; prompt_tokens: number; total_tokens: number };
}

const prepare = ({ served, adapters }: TransformersEngine, request: TransformersRequest): Answering => {
  const text = speak(request.messages, { model: served, adapters });
  const generation = toGeneration(text, request.sampling, { keepStop: true });
  const { promptTokens } = request;
  const { completionTokens } = generation;
  return {
    id: randomUUID(),
    generation,
    usage: { completion_tokens: completionTokens, prompt_tokens: promptTokens, total_tokens: promptTokens + completionTokens },
  };
};

type InTurn = ReturnType<typeof createQueue>;

const seconds = (clock: SandboxClock): number => Math.floor(clock.now().getTime() / 1000);

const complete = async (engine: TransformersEngine, { id, generation, usage }: Answering, inTurn: InTurn, response: ServerResponse) => {
  await inTurn(() => generate(generation, { ...engine, onToken: () => {} }));
  const message = { content: generation.tokens.join(''), role: 'assistant' };
  writeJson(response, 200, {
    id,
    choices: [{ finish_reason: generation.finishReason, index: 0, message }],
    created: seconds(engine.clock),
    model: engine.pinned,
    object: 'chat.completion',
    usage,
  });
};

/** The role comes at once, tokens when it is this request's turn; usage rides on the last chunk and no `[DONE]` follows. */
const stream = async (engine: TransformersEngine, { id, generation, usage }: Answering, inTurn: InTurn, response: ServerResponse) => {
  const events = openEvents(response);
  const send = (choice: object, extra: object = {}) => {
    events.send({
      id,
      choices: [{ ...choice, index: 0 }],
      created: seconds(engine.clock),
      model: engine.pinned,
      object: 'chat.completion.chunk',
      system_fingerprint: '',
      ...extra,
    });
  };
  send({ delta: { role: 'assistant' } });
  await inTurn(() => generate(generation, { ...engine, onToken: (content) => send({ delta: { content } }) }));
  send({ delta: {}, finish_reason: generation.finishReason }, { usage });
  events.end();
};
