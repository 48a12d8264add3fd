import { KaitoError, TimeoutError } from '../domain/errors.ts';
import { parseChunk } from './chunk.ts';
import type { ChatPiece, ChatRequest } from './dialect.ts';
import { answerCut, connectionLost, toAnswerError } from './errors.ts';
import { streamLegacyChat } from './legacy.ts';
import { readBytes, readEvents } from './sse.ts';

/**
 * One answer, as it comes. Both OpenAI dialects are understood: vLLM's, which ends with `[DONE]`, and the transformers
 * server's, which just closes. Closing after a finish reason is success; closing without one is an error that says so.
 * Nothing is retried here, because a retried POST generates twice: see `turn.ts`.
 */
export const streamChat = (request: ChatRequest): AsyncIterable<ChatPiece> =>
  request.dialect.name === 'legacy' ? streamLegacyChat(request) : streamOpenAiChat(request);

const idleTimeoutDefaultMs = 290_000;

async function* streamOpenAiChat(request: ChatRequest): AsyncGenerator<ChatPiece> {
  const { signal, idleTimeoutMs = idleTimeoutDefaultMs } = request;
  let hasBegun = false;
  let isFinished = false;
  try {
    const body = await openStream(request, idleTimeoutMs);
    const silence = () => new TimeoutError(`The model server said nothing for ${Math.round(idleTimeoutMs / 1000)} seconds.`, { reason: 'Silent' });
    for await (const data of readEvents(readBytes(body, { signal, idleTimeoutMs, idleReason: silence }))) {
      if (data === '[DONE]') return;
      for (const piece of parseChunk(data)) {
        hasBegun = true;
        isFinished ||= piece.type === 'finish';
        yield piece;
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof KaitoError) throw error;
    // Only the usage or the goodbye was still to come.
    if (isFinished) return;
    throw connectionLost(error, hasBegun);
  }
  if (!isFinished) throw answerCut();
}

/** The openai package makes the request and the connection; the response is read above, for the reasons in `sse.ts`. */
const openStream = async ({ baseUrl, model, messages, parameters, maxTokens, dialect, signal, apiKey }: ChatRequest, timeoutMs: number): Promise<ReadableStream<Uint8Array>> => {
  const OpenAi = await loadClient();
  const client = new OpenAi({
    baseURL: `${baseUrl}/v1`,
    // It must not be empty, and a server without --api-key ignores it.
    apiKey: apiKey ?? 'none',
    // What OPENAI_* variables say is meant for somebody else's server.
    adminAPIKey: null,
    organization: null,
    project: null,
    logLevel: 'off',
    maxRetries: 0,
    timeout: timeoutMs,
  });
  // The typed method knows OpenAI's own keys only; vLLM's go the same way.
  const body = { model, messages, ...parameters, max_tokens: maxTokens, ...dialect.extraBody, stream: true };
  const response = await client.post('/chat/completions', { body, signal }).asResponse();
  if (response.body === null) throw answerCut();
  return response.body;
};

const loadClient = async () => {
  const { OpenAI } = await import('openai');
  return class extends OpenAI {
    // The package keeps only the `error` field of an error body; the transformers server and FastAPI say `detail`.
    protected override makeStatusError(status: number, error: object | undefined, message: string | undefined): never {
      throw toAnswerError(status, message ?? JSON.stringify(error) ?? '');
    }
  };
};
