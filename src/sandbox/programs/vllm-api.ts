import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { SandboxClock } from '../clock.ts';
import type { FoundAdapter } from './model-adapters.ts';
import { generate, toGeneration, tokenMs, type Generation } from './model-generation.ts';
import { openEvents, writeAnswer, writeJson, writeUnrouted, type ModelHandler, type ModelRequest } from './model-http.ts';
import { toTokens } from './model-text.ts';
import { speak } from './model-voice.ts';
import { createVllmMetrics, metricsContentType, type VllmMetrics } from './vllm-metrics.ts';
import { VllmRefusal } from './vllm-refusal.ts';
import { readChatRequest, readCompletionRequest, type VllmRequest } from './vllm-request.ts';
import type { VllmSettings } from './vllm-settings.ts';

export interface VllmEngine {
  settings: VllmSettings;
  adapters: readonly FoundAdapter[];
  clock: SandboxClock;
  /** Aborts when the container ends, and takes every generation with it. */
  ended: AbortSignal;
}

type Route = Readonly<Partial<Record<'GET' | 'POST', ModelHandler>>>;

const version = '0.25.1';
const fingerprint = `vllm-${version}-sandbox`;

/** vLLM's OpenAI server, once it is ready. */
export const createVllmApi = (engine: VllmEngine): ModelHandler => {
  const { settings, adapters } = engine;
  const metrics = createVllmMetrics(settings.servedNames[0] ?? settings.model);
  const createdSeconds = toSeconds(engine.clock.now());
  const limits = {
    models: [...settings.servedNames, ...adapters.map(({ name }) => name)],
    maxModelLengthTokens: settings.maxModelLengthTokens,
  };
  const routes: Readonly<Record<string, Route>> = {
    '/health': { GET: empty },
    '/ping': { GET: empty, POST: empty },
    '/load': { GET: (_, response) => writeJson(response, 200, { server_load: 0 }) },
    '/version': { GET: (_, response) => writeJson(response, 200, { version }) },
    '/metrics': {
      GET: (_, response) => writeAnswer(response, { status: 200, contentType: metricsContentType, body: metrics.render() }),
    },
    '/v1/models': { GET: (_, response) => writeJson(response, 200, { object: 'list', data: modelList(engine, createdSeconds) }) },
    '/v1/chat/completions': {
      POST: (request, response) => respond(engine, metrics, { request: readChatRequest(request, limits), response, shape: chatShape }),
    },
    '/v1/completions': {
      POST: (request, response) => respond(engine, metrics, { request: readCompletionRequest(request, limits), response, shape: completionShape }),
    },
    '/tokenize': { POST: (request, response) => writeJson(response, 200, tokenize(request, limits.maxModelLengthTokens)) },
  };
  return async (request, response) => {
    if (isLockedOut(request, settings.apiKeys)) {
      writeJson(response, 401, { error: 'Unauthorized' });
      return;
    }
    const route = routes[request.path] ?? {};
    const answer = request.method === 'GET' || request.method === 'POST' ? route[request.method] : undefined;
    if (!answer) {
      writeUnrouted(response, Object.keys(route));
      return;
    }
    try {
      await answer(request, response);
    } catch (error) {
      if (!(error instanceof VllmRefusal)) throw error;
      writeJson(response, error.status, error.body);
    }
  };
};

const empty: ModelHandler = (_, response) => {
  writeAnswer(response, { status: 200 });
};

/** The key guards only what lies below /v1. */
const isLockedOut = ({ path, headers }: ModelRequest, apiKeys: readonly string[]): boolean =>
  apiKeys.length > 0 && path.startsWith('/v1') && !apiKeys.some((key) => headers.authorization === `Bearer ${key}`);

const modelList = ({ settings, adapters }: VllmEngine, created: number) => {
  const [base = settings.model] = settings.servedNames;
  const entry = (id: string, root: string, parent: string | null, length: number | null) => ({
    id,
    object: 'model',
    created,
    owned_by: 'vllm',
    root,
    parent,
    max_model_len: length,
    permission: [
      {
        id: `modelperm-${randomId()}`,
        object: 'model_permission',
        created,
        allow_create_engine: false,
        allow_sampling: true,
        allow_logprobs: true,
        allow_search_indices: false,
        allow_view: true,
        allow_fine_tuning: false,
        organization: '*',
        group: null,
        is_blocking: false,
      },
    ],
  });
  return [
    ...settings.servedNames.map((name) => entry(name, settings.model, null, settings.maxModelLengthTokens)),
    ...adapters.map(({ name, path }) => entry(name, path, base, null)),
  ];
};

/** What differs between the two completion endpoints: their names, and where the text stands. */
interface Shape {
  idPrefix: string;
  object: string;
  chunkObject: string;
  /** The chat stream opens with a chunk that only names the role. */
  opening: unknown;
  choice(text: string): Record<string, unknown>;
  chunkChoice(text: string): Record<string, unknown>;
  chunkExtras: Record<string, null>;
  extras: Record<string, null>;
}

const chatShape: Shape = {
  idPrefix: 'chatcmpl',
  object: 'chat.completion',
  chunkObject: 'chat.completion.chunk',
  opening: { choices: [{ index: 0, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null }], prompt_token_ids: null, prompt_text: null },
  choice: (content) => ({
    message: { role: 'assistant', content, refusal: null, annotations: null, audio: null, function_call: null, reasoning: null },
  }),
  chunkChoice: (content) => ({ delta: { content } }),
  chunkExtras: { token_ids: null },
  extras: { prompt_logprobs: null, prompt_token_ids: null, prompt_text: null, kv_transfer_params: null, metrics: null },
};

const completionShape: Shape = {
  idPrefix: 'cmpl',
  object: 'text_completion',
  chunkObject: 'text_completion',
  opening: undefined,
  choice: (text) => ({ text }),
  chunkChoice: (text) => ({ text }),
  chunkExtras: { prompt_token_ids: null, token_ids: null },
  extras: { kv_transfer_params: null, metrics: null },
};

const respond = async (
  engine: VllmEngine,
  metrics: VllmMetrics,
  { request, response, shape }: { request: VllmRequest; response: ServerResponse; shape: Shape },
): Promise<void> => {
  const isAdapter = engine.adapters.some(({ name }) => name === request.model);
  const base = engine.settings.servedNames[0] ?? engine.settings.model;
  const text = speak(request.messages, { model: base, adapters: isAdapter ? [request.model] : [] });
  const generation = toGeneration(text, request.sampling, { keepStop: false });
  const head = { id: `${shape.idPrefix}-${randomId()}`, created: toSeconds(engine.clock.now()), model: request.model };

  const record = metrics.started();
  try {
    const answer = request.stream ? stream : complete;
    await answer({ engine, request, response, shape, generation, head });
    record.finished({
      firstTokenSeconds: tokenMs / 1000,
      promptTokens: request.promptTokens,
      completionTokens: generation.completionTokens,
      reason: generation.finishReason,
      seconds: (generation.tokens.length * tokenMs) / 1000,
    });
  } catch (error) {
    record.dropped();
    throw error;
  }
};

interface Answering {
  engine: VllmEngine;
  request: VllmRequest;
  response: ServerResponse;
  shape: Shape;
  generation: Generation;
  head: { id: string; created: number; model: string };
}

const complete = async ({ engine, request, response, shape, generation, head }: Answering): Promise<void> => {
  await generate(generation, { ...engine, onToken: () => {} });
  const choices = Array.from({ length: request.choices }, (_, index) => ({
    index,
    ...shape.choice(generation.tokens.join('')),
    logprobs: null,
    finish_reason: generation.finishReason,
    stop_reason: generation.stopReason,
    token_ids: null,
    ...(shape === completionShape ? { prompt_logprobs: null, prompt_token_ids: null } : {}),
    routed_experts: null,
  }));
  const usage = usageOf(request, generation.completionTokens * request.choices);
  writeJson(response, 200, {
    id: head.id,
    object: shape.object,
    created: head.created,
    model: head.model,
    choices,
    service_tier: null,
    system_fingerprint: fingerprint,
    usage: { ...usage, prompt_tokens_details: null },
    ...shape.extras,
  });
};

/** Every token is a chunk; a stop at the model's own end has a chunk of its own, a cut-off one rides on the last token. */
const stream = async ({ engine, request, response, shape, generation, head }: Answering): Promise<void> => {
  const events = openEvents(response);
  const { id, created, model } = head;
  let completionTokens = 0;
  const send = (body: object) => {
    const usage = request.continuousUsage ? { usage: usageOf(request, completionTokens) } : {};
    events.send({ id, object: shape.chunkObject, created, model, ...body, ...usage });
  };
  const sendToken = (text: string, isLast: boolean) => {
    const ending = isLast ? { finish_reason: generation.finishReason, stop_reason: generation.stopReason } : { finish_reason: null };
    const always = shape === completionShape ? { stop_reason: null } : {};
    send({
      choices: [{ index: 0, ...shape.chunkChoice(text), logprobs: null, ...always, ...ending, ...shape.chunkExtras }],
      ...(isLast && !request.includeUsage ? { system_fingerprint: fingerprint } : {}),
    });
  };

  if (typeof shape.opening === 'object' && shape.opening) send(shape.opening);
  const endsByItself = generation.finishReason === 'stop' || generation.tokens.length === 0;
  await generate(generation, {
    ...engine,
    onToken: (token, isLast) => {
      completionTokens += 1;
      sendToken(token, isLast && !endsByItself);
    },
  });
  completionTokens = generation.completionTokens;
  if (endsByItself) sendToken('', true);
  if (request.includeUsage) {
    events.send({
      id,
      object: shape.chunkObject,
      created,
      model,
      choices: [],
      usage: usageOf(request, completionTokens),
      system_fingerprint: fingerprint,
    });
  }
  events.send('[DONE]');
  events.end();
};

const usageOf = ({ promptTokens }: VllmRequest, completionTokens: number) => ({
  prompt_tokens: promptTokens,
  total_tokens: promptTokens + completionTokens,
  completion_tokens: completionTokens,
});

const tokenize = ({ body }: ModelRequest, maxModelLengthTokens: number) => {
  const fields: unknown = JSON.parse(body);
  const prompt = typeof fields === 'object' && fields !== null && 'prompt' in fields && typeof fields.prompt === 'string' ? fields.prompt : '';
  const tokens = toTokens(prompt).map((token) => [...Buffer.from(token)].reduce((hash, byte) => (hash * 31 + byte) % 32_000, 7));
  return { count: tokens.length, max_model_len: maxModelLengthTokens, tokens, token_strs: null };
};

const randomId = (): string => randomBytes(8).toString('hex');

const toSeconds = (time: Date): number => Math.floor(time.getTime() / 1000);
