import { describe, expect, it } from 'vitest';
import { streamChat } from '../../src/chat/client.ts';
import { dialects, type ChatPiece, type ChatRequest, type DialectName } from '../../src/chat/dialect.ts';
import { InterruptedError } from '../../src/domain/errors.ts';
import { json, startTransformers, startVllm, stream, text, transformersEvents, vllmEvents, type Reply } from './support.ts';

const request = (baseUrl: string, dialect: DialectName, given: Partial<ChatRequest> = {}): ChatRequest => ({
  baseUrl,
  model: 'tiny',
  messages: [{ role: 'user', content: "What's the capital of France?" }],
  parameters: {},
  maxTokens: 32,
  dialect: dialects[dialect],
  signal: new AbortController().signal,
  ...given,
});

const collect = (given: ChatRequest): Promise<ChatPiece[]> => Array.fromAsync(streamChat(given));

const ask = async (reply: Reply, dialect: 'vllm' | 'transformers' = 'vllm', given: Partial<ChatRequest> = {}): Promise<ChatPiece[]> => {
  const server = await (dialect === 'vllm' ? startVllm(reply) : startTransformers(reply));
  return collect(request(server.baseUrl, dialect, given));
};

const answerOf = (pieces: readonly ChatPiece[]): string => pieces.map((piece) => (piece.type === 'content' ? piece.text : '')).join('');

describe('streamChat', () => {
  it('reads a vLLM answer, its finish reason and the usage that follows alone', async () => {
    expect(await ask(stream(vllmEvents(['P', 'ar', 'is'])))).toEqual([
      { type: 'content', text: 'P' },
      { type: 'content', text: 'ar' },
      { type: 'content', text: 'is' },
      { type: 'finish', reason: 'stop' },
      { type: 'usage', usage: { promptTokens: 17, completionTokens: 3, totalTokens: 20 } },
    ]);
  });

  it('takes the closing of a transformers stream after a finish reason for success', async () => {
    expect(await ask(stream(transformersEvents(['P', 'aris'], { finish: 'length' })), 'transformers')).toEqual([
      { type: 'content', text: 'P' },
      { type: 'content', text: 'aris' },
      { type: 'finish', reason: 'length' },
      { type: 'usage', usage: { promptTokens: 17, completionTokens: 2, totalTokens: 19 } },
    ]);
  });

  it('reads the same answer however the network tears it apart', async () => {
    const bytes = Buffer.from(vllmEvents(['Καλ', 'ημέρα ', '🏽', ' naïve']).join(''));
    for (const size of [1, 2, 3, 7, 64]) {
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
      expect(answerOf(await ask(stream(pieces)))).toBe('Καλημέρα 🏽 naïve');
    }
  });

  it('reads lines that end in \\r\\n, comments, and text in the same chunk as the finish reason', async () => {
    const last = { choices: [{ index: 0, delta: { content: 'is' }, finish_reason: 'length' }] };
    expect(await ask(stream([`: ping\r\n\r\ndata: ${JSON.stringify(last)}\r`, '\n\r\ndata: [DONE]\r\n\r\n']))).toEqual([
      { type: 'content', text: 'is' },
      { type: 'finish', reason: 'length' },
    ]);
  });

  it.each(['reasoning', 'reasoning_content'])('keeps thoughts told as %s apart from the answer', async (key) => {
    const chunks = [{ [key]: 'hmm', content: null }, { content: 'Paris' }].map((delta) => `data: ${JSON.stringify({ choices: [{ delta }] })}\n\n`);
    const pieces = await ask(stream([...chunks, 'data: [DONE]\n\n']));
    expect(pieces).toEqual([
      { type: 'reasoning', text: 'hmm' },
      { type: 'content', text: 'Paris' },
    ]);
  });

  it('says that the answer was cut when the stream ends without a finish reason', async () => {
    await expect(ask(stream(transformersEvents(['P', 'ar']).slice(0, 3)), 'transformers')).rejects.toMatchObject({ reason: 'AnswerCut' });
  });

  it('does not take half an event at the end for an answer', async () => {
    const [role = '', token = ''] = vllmEvents(['P']);
    await expect(ask(stream([role, token, 'data: {"choices":[{"delta":{"con']))).rejects.toMatchObject({ reason: 'AnswerCut' });
  });

  it('says that the connection was lost when it is reset in the middle', async () => {
    await expect(ask(stream(vllmEvents(['P', 'ar']).slice(0, 3), 'reset'))).rejects.toMatchObject({
      reason: 'ConnectionLost',
      message: 'The connection was lost in the middle of the answer.',
    });
  });

  it('forgives a reset after the finish reason', async () => {
    expect(answerOf(await ask(stream(vllmEvents(['Paris']).slice(0, 3), 'reset')))).toBe('Paris');
  });

  it('says why when nothing listens', async () => {
    const server = await startVllm(stream([]));
    await server.close();
    await expect(collect(request(server.baseUrl, 'vllm'))).rejects.toMatchObject({ reason: 'ConnectionLost', fact: expect.stringContaining('ECONNREFUSED') });
  });

  it('gives up on a server that falls silent', async () => {
    await expect(ask(stream(vllmEvents(['P']).slice(0, 2), 'hang'), 'vllm', { idleTimeoutMs: 50 })).rejects.toMatchObject({ reason: 'Silent', exitCode: 7 });
  });

  it('stops at once with the reason of the signal, and lets go of the connection', async () => {
    const controller = new AbortController();
    const closed = Promise.withResolvers<void>();
    const server = await startVllm(async (response, received) => {
      response.once('close', () => closed.resolve());
      await stream(vllmEvents(['P']).slice(0, 2), 'hang')(response, received);
    });
    const reason = new InterruptedError('SIGINT');
    const reading = (async () => {
      for await (const piece of streamChat(request(server.baseUrl, 'vllm', { signal: controller.signal }))) {
        if (piece.type === 'content') controller.abort(reason);
      }
    })();
    await expect(reading).rejects.toBe(reason);
    await closed.promise;
  });

  it('lets go of the connection when nobody reads on', async () => {
    const closed = Promise.withResolvers<void>();
    const server = await startVllm(async (response, received) => {
      response.once('close', () => closed.resolve());
      await stream(vllmEvents(['P']).slice(0, 2), 'hang')(response, received);
    });
    for await (const piece of streamChat(request(server.baseUrl, 'vllm'))) {
      if (piece.type === 'content') break;
    }
    await closed.promise;
  });

  it.each([
    ['an object', '{"error": {"message": "out of blocks", "type": "x"}}', 'out of blocks'],
    ['a text', '{"error": "index out of range in self"}', 'index out of range in self'],
    ['a text with unescaped quotes', '{"error": "no "x" in vocabulary"}', 'no "x" in vocabulary'],
    ['a text with an unescaped line break', '{"error": "CUDA error\nout of memory"}', 'CUDA error\nout of memory'],
  ])('tells a failure in the middle of the answer that comes as %s', async (_shape, data, fact) => {
    await expect(ask(stream([...transformersEvents(['P']).slice(0, 2), `data: ${data}\n\n`]), 'transformers')).rejects.toMatchObject({ reason: 'AnswerFailed', fact, exitCode: 8 });
  });

  it.each<[string, Reply, object]>([
    ['an error object', json(404, { error: { message: 'The model `nope` does not exist.', type: 'NotFoundError', param: 'model', code: 404 } }), { message: 'The model `nope` does not exist.', exitCode: 3 }],
    ['an error that is a text', json(401, { error: 'Unauthorized' }), { reason: 'ApiKeyRequired', fact: 'HTTP 401: Unauthorized', exitCode: 4 }],
    ['a detail', json(422, { detail: "Unexpected fields in the request: {'top_k'}" }), { fact: "HTTP 422: Unexpected fields in the request: {'top_k'}" }],
    ['a list of details', json(422, { detail: [{ type: 'json_invalid', loc: ['body', 0], msg: 'JSON decode error' }] }), { fact: 'HTTP 422: body.0: JSON decode error' }],
    ['plain text', text(500, 'Internal Server Error'), { reason: 'ServerFailed', fact: 'HTTP 500: Internal Server Error', exitCode: 8 }],
    ['nothing', text(503, ''), { fact: 'HTTP 503 with no explanation' }],
    ['a detail about the pinned model', json(400, { detail: "Server is pinned to '/workspace/tfs/weights@main'; requested 'nope'." }), { exitCode: 3 }],
    ['the queue guard', json(429, { error: { message: 'Rate limit exceeded', type: 'requests', param: null, code: 'rate_limit_exceeded' } }), { reason: 'Overloaded' }],
    ['a schema error with file paths', json(400, { error: { message: "1 validation error:\n  missing\n\n  File \"/usr/lib/x.py\", line 40", type: 'Bad Request', code: 400 } }), { fact: 'HTTP 400: 1 validation error:\n  missing' }],
    ['a missing chat template', json(400, { error: { message: 'As of transformers v4.44, default chat template is no longer allowed', code: 400 } }), { reason: 'NoChatTemplate' }],
    ['control characters', text(500, '\u001b]0;pwned\u0007boom\u001b[31m'), { fact: 'HTTP 500: boom' }],
  ])('understands a refusal given as %s', async (_shape, reply, expected) => {
    await expect(ask(reply)).rejects.toMatchObject(expected);
  });

  it('asks vLLM for usage and sends its own keys', async () => {
    const server = await startVllm(stream(vllmEvents(['P'])));
    await collect(request(server.baseUrl, 'vllm', { parameters: { temperature: 0, top_k: 5 } }));
    expect(server.questions()).toEqual([
      { model: 'tiny', messages: [{ role: 'user', content: "What's the capital of France?" }], temperature: 0, top_k: 5, max_tokens: 32, stream: true, stream_options: { include_usage: true } },
    ]);
  });

  it('sends the transformers server nothing that it refuses, and always max_tokens', async () => {
    const server = await startTransformers(stream(transformersEvents(['P'])));
    await collect(request(server.baseUrl, 'transformers'));
    expect(Object.keys(server.questions()[0] ?? {}).sort()).toEqual(['max_tokens', 'messages', 'model', 'stream']);
  });

  it('sends the API key when there is one', async () => {
    const server = await startVllm(stream(vllmEvents(['P'])));
    await collect(request(server.baseUrl, 'vllm', { apiKey: 'secret' }));
    expect(server.received[0]?.headers.authorization).toBe('Bearer secret');
  });
});
