import type { ServerResponse } from 'node:http';
import type { SandboxClock } from '../clock.ts';
import type { FoundAdapter } from './model-adapters.ts';
import { generate, toGeneration, tokenMs, type Generation } from './model-generation.ts';
import { openEvents, writeJson } from './model-http.ts';
import { speak } from './model-voice.ts';
import type { VllmMetrics } from './vllm-metrics.ts';
import type { VllmRequest } from './vllm-request.ts';
import { randomId, type Ending, type Shape } from './vllm-shape.ts';
import type { VllmSettings } from './vllm-settings.ts';

export interface VllmEngine {
  settings: VllmSettings;
  adapters: readonly FoundAdapter[];
  clock: SandboxClock;
  /** Aborts when the container ends, and takes every generation with it. */
  ended: AbortSignal;
}

const fingerprint = 'vllm-0.25.1-sandbox';

/** Generates what a request asks for, whole or as a stream, and counts it. Requests run side by side. */
export const answerRequest = async (
  engine: VllmEngine,
  metrics: VllmMetrics,
  { request, response, shape }: { request: VllmRequest; response: ServerResponse; shape: Shape },
): Promise<void> => {
  const isAdapter = engine.adapters.some(({ name }) => name === request.model);
  const base = engine.settings.servedNames[0] ?? engine.settings.model;
  const text = speak(request.messages, { model: base, adapters: isAdapter ? [request.model] : [] });
  const generation = toGeneration(text, request.sampling, { keepStop: false });
  const created = Math.floor(engine.clock.now().getTime() / 1000);
  const id = `${shape.idPrefix}-${randomId()}`;

  const record = metrics.started();
  try {
    const answer = request.stream ? stream : complete;
    await answer({ engine, request, response, shape, generation, id, created });
    record.finished({
      promptTokens: request.promptTokens,
      completionTokens: generation.completionTokens,
      reason: generation.finishReason,
      firstTokenSeconds: tokenMs / 1000,
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
  id: string;
  /** Seconds since the epoch. */
  created: number;
}

const complete = async ({ engine, request, response, shape, generation, id, created }: Answering): Promise<void> => {
  await generate(generation, { ...engine, onToken: () => {} });
  const text = generation.tokens.join('');
  writeJson(response, 200, {
    id,
    object: shape.object,
    created,
    model: request.model,
    choices: Array.from({ length: request.choices }, (_, index) => shape.choice(index, text, endingOf(generation))),
    service_tier: null,
    system_fingerprint: fingerprint,
    usage: { ...usageOf(request, generation.completionTokens * request.choices), prompt_tokens_details: null },
    ...shape.extras,
  });
};

/** Every token is a chunk; a stop at the model's own end has a chunk of its own, a cut-off one rides on the last token. */
const stream = async ({ engine, request, response, shape, generation, id, created }: Answering): Promise<void> => {
  const events = openEvents(response);
  const head = { id, object: shape.chunkObject, created, model: request.model };
  let completionTokens = 0;
  const send = (choice: object, extras: object = {}) => {
    const usage = request.continuousUsage ? { usage: usageOf(request, completionTokens) } : {};
    events.send({ ...head, choices: [choice], ...usage, ...extras });
  };
  const sendLast = (text: string) => {
    send(shape.chunkChoice(text, endingOf(generation)), request.includeUsage ? {} : { system_fingerprint: fingerprint });
  };

  if (shape.opening) send(shape.opening.choice, shape.opening.extras);
  const endsByItself = generation.finishReason === 'stop' || generation.tokens.length === 0;
  await generate(generation, {
    ...engine,
    onToken: (token, isLast) => {
      completionTokens += 1;
      if (isLast && !endsByItself) sendLast(token);
      else send(shape.chunkChoice(token, undefined));
    },
  });
  completionTokens = generation.completionTokens;
  if (endsByItself) sendLast('');
  if (request.includeUsage) events.send({ ...head, choices: [], usage: usageOf(request, completionTokens), system_fingerprint: fingerprint });
  events.send('[DONE]');
  events.end();
};

const endingOf = ({ finishReason, stopReason }: Generation): Ending => ({ finish_reason: finishReason, stop_reason: stopReason });

const usageOf = ({ promptTokens }: VllmRequest, completionTokens: number) => ({
  prompt_tokens: promptTokens,
  total_tokens: promptTokens + completionTokens,
  completion_tokens: completionTokens,
});
