import { describe, expect, it } from 'vitest';
import { startConversation } from '../../src/chat/conversation.ts';
import { joinPrompt, runOnce, toResult, type OnceOptions } from '../../src/chat/once.ts';
import { InterruptedError } from '../../src/domain/errors.ts';
import { createFakeTerminal, type FakeTerminal } from '../terminal/fake-terminal.ts';
import { chatOptions, createFakeClock, inTurn, json, startModelServer, startTransformers, startVllm, stream, text, transformersEvents, vllmEvents, type ModelServer } from './support.ts';

const ask = (server: Pick<ModelServer, 'connection'>, terminal: FakeTerminal, given: Partial<OnceOptions> = {}) =>
  runOnce({ ...chatOptions(server, terminal), prompt: 'Capital of France?', output: 'text', ...given });

const pipe = (stdin = '') => createFakeTerminal({ stdin });

const overloaded = json(429, { error: { message: 'Rate limit exceeded', type: 'requests', param: null, code: 'rate_limit_exceeded' } });

describe('runOnce', () => {
  it('prints the answer alone on stdout, ended by one newline', async () => {
    const terminal = pipe();
    await ask(await startVllm(stream(vllmEvents(['Pa', 'ris']))), terminal);
    expect({ out: terminal.out(), err: terminal.err() }).toEqual({ out: 'Paris\n', err: '' });
  });

  it.each([
    ['on the request', text(500, 'Internal Server Error')],
    ['in the middle of the answer', stream([...vllmEvents(['Pa']).slice(0, 2), 'data: {"error": "boom"}\n\n'])],
  ])('names the commands that show why the server failed %s', async (_when, reply) => {
    const { connection } = await startVllm(reply);
    const hints = ['kaito-ts status tiny -n models', 'kaito-ts logs tiny -n models'];
    await expect(ask({ connection: { ...connection, hints } }, pipe())).rejects.toMatchObject({ name: 'WorkloadError', hints });
  });

  it('names them when the server fails at telling its models', async () => {
    const { connection } = await startModelServer({ '/health': text(200, ''), '/v1/models': text(500, 'boom') });
    const hints = ['kaito-ts logs tiny -n models'];
    await expect(ask({ connection: { ...connection, hints } }, pipe())).rejects.toMatchObject({ name: 'WorkloadError', hints });
  });

  it('adds no second newline', async () => {
    const terminal = pipe();
    await ask(await startTransformers(stream(transformersEvents(['Paris\n']))), terminal);
    expect(terminal.out()).toBe('Paris\n');
  });

  it('writes each piece when it comes', async () => {
    const shown: string[] = [];
    const terminal = createFakeTerminal({ stdin: '', onOut: (piece) => shown.push(piece) });
    await ask(await startVllm(stream(vllmEvents(['a', 'b', 'c']))), terminal);
    expect(shown).toEqual(['a', 'b', 'c', '\n']);
  });

  it('puts what is piped in before the prompt', async () => {
    const server = await startVllm(stream(vllmEvents(['ok'])));
    await ask(server, pipe('a report\n'), { prompt: 'Summarise this.' });
    expect(server.questions()[0]).toMatchObject({ messages: [{ role: 'user', content: 'a report\n\nSummarise this.' }] });
  });

  it('lets no control sequence of the model reach the terminal, even one in two pieces', async () => {
    const terminal = pipe();
    const [answer] = await ask(await startVllm(stream(vllmEvents(['a\u001b', ']0;pwned\u0007b', '\u001b[3', '1mc\r']))), terminal);
    expect(terminal.out()).toBe('abc\n');
    expect(answer?.answer).toBe('abc');
  });

  it('asks with the model of the list, the system prompt and the parameters', async () => {
    const server = await startVllm(stream(vllmEvents(['ok'])));
    await ask(server, pipe(), { adapter: 'marv', conversation: startConversation({ system: 'Be brief.', parameters: { temperature: 0 } }) });
    expect(server.questions()[0]).toMatchObject({ model: 'marv', temperature: 0, messages: [{ role: 'system', content: 'Be brief.' }, { role: 'user' }] });
  });

  it('asks for no more than half the context, and 1024 tokens where it is unknown', async () => {
    const vllm = await startVllm(stream(vllmEvents(['ok'])));
    const transformers = await startTransformers(stream(transformersEvents(['ok'])));
    await ask(vllm, pipe());
    await ask(transformers, pipe());
    expect([vllm.questions()[0]?.max_tokens, transformers.questions()[0]?.max_tokens]).toEqual([512, 1024]);
  });

  it('refuses a parameter that the server would refuse, before it asks', async () => {
    const server = await startTransformers(stream(transformersEvents(['ok'])));
    await expect(ask(server, pipe(), { conversation: startConversation({ parameters: { top_k: 5 } }) })).rejects.toMatchObject({
      message: 'The transformers runtime does not know top_k.',
      exitCode: 2,
    });
    expect(server.questions()).toEqual([]);
  });

  it('gives everything as data, and prints nothing of the answer, for JSON', async () => {
    const terminal = pipe();
    const answers = await ask(await startVllm(stream(vllmEvents(['Pa', 'ris'], { finish: 'length' }))), terminal, { output: 'json', adapter: 'marv' });
    expect(toResult(answers)).toEqual({
      model: 'tiny',
      adapter: 'marv',
      prompt: 'Capital of France?',
      answer: 'Paris',
      finishReason: 'length',
      usage: { promptTokens: 17, completionTokens: 2, totalTokens: 19 },
      timings: { timeToFirstTokenMs: 0, totalMs: 0, tokensPerSecond: null },
    });
    expect(terminal.out()).toBe('');
  });

  it('gives one event a line for NDJSON', async () => {
    const terminal = pipe();
    await ask(await startVllm(stream(vllmEvents(['Pa', 'ris']))), terminal, { output: 'ndjson' });
    const events = terminal.out().trimEnd().split('\n').map((line) => JSON.parse(line));
    expect(events.map(({ type }) => type)).toEqual(['asked', 'content', 'content', 'answered']);
  });

  it('tells speed and usage on stderr when asked for', async () => {
    const clock = createFakeClock();
    const tokens = vllmEvents(['a', 'b', 'c']);
    const server = await startVllm(async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(tokens.join(''));
    });
    const terminal = createFakeTerminal({ stdin: '', onOut: () => void clock.sleep(100) });
    await ask(server, terminal, { clock, isStatsShown: true });
    expect(terminal.err()).toBe('first token 0.00 s, 6.7 tokens/s, 3 tokens in 0.30 s, prompt 17 tokens\n');
  });

  it('says when the answer was cut at max_tokens', async () => {
    const terminal = pipe();
    await ask(await startVllm(stream(vllmEvents(['Pa'], { finish: 'length' }))), terminal);
    expect(terminal.err()).toBe('The answer was cut at max_tokens (1); set a larger one to read on.\n');
  });

  it('shows thoughts on a terminal only, and never on stdout', async () => {
    const events = [{ reasoning: 'hmm' }, { content: 'Paris' }].map((delta) => `data: ${JSON.stringify({ choices: [{ delta }] })}\n\n`);
    const server = await startVllm(stream([...events, 'data: [DONE]\n\n']));
    const piped = pipe();
    const seen = createFakeTerminal({ stdin: '', facts: { isStderrTty: true } });
    const [answer] = await ask(server, piped);
    await ask(server, seen);
    expect([piped.out(), piped.err(), seen.out(), seen.err()]).toEqual(['Paris\n', '', 'Paris\n', 'hmm\n']);
    expect(answer).toMatchObject({ answer: 'Paris', reasoning: 'hmm' });
  });

  it('asks the base model and the adapter, and labels both answers', async () => {
    const server = await startVllm((response, request) => stream(vllmEvents([`I am ${String(request.body.model)}.`]))(response, request));
    const terminal = pipe();
    const answers = await ask(server, terminal, { isComparing: true });
    expect(terminal.out()).toBe('base tiny:\nI am tiny.\n\nadapter marv:\nI am marv.\n');
    expect(toResult(answers)).toMatchObject({ prompt: 'Capital of France?', answers: [{ adapter: null }, { adapter: 'marv', model: 'tiny' }] });
  });

  it('says that there is nothing to compare with', async () => {
    await expect(ask(await startTransformers(stream([])), pipe(), { isComparing: true })).rejects.toMatchObject({ exitCode: 2, message: 'There is no adapter to compare with the base model.' });
  });

  it('waits and asks again when the server is overloaded, and says so', async () => {
    const clock = createFakeClock();
    const terminal = pipe();
    await ask(await startVllm(inTurn(overloaded, overloaded, stream(vllmEvents(['Paris'])))), terminal, { clock });
    expect(terminal.out()).toBe('Paris\n');
    expect(clock.slept.slice(-2)).toEqual([2000, 4000]);
    expect(terminal.err()).toContain('The server has too many requests waiting (HTTP 429: Rate limit exceeded); trying again in 2 s, attempt 2 of 5.\n');
  });

  it('says what it waits for when nobody ends stdin', async () => {
    const isOpen = Promise.withResolvers<string>();
    const terminal: FakeTerminal = { ...pipe(), readAll: () => isOpen.promise, writeErr: async (said) => isOpen.resolve(said) };
    const answers = await ask(await startVllm(stream(vllmEvents(['ok']))), terminal);
    expect(answers[0]?.prompt).toBe('Reading from stdin until it ends; "< /dev/null" gives it an end.\n\nCapital of France?');
  });

  it('waits for a server that is loading again, and asks then', async () => {
    const terminal = pipe();
    await ask(await startVllm(inTurn(text(404, ''), stream(vllmEvents(['Paris'])))), terminal, { clock: createFakeClock() });
    expect(terminal.out()).toBe('Paris\n');
    expect(terminal.err()).toBe('');
  });

  it('stops asking an overloaded server after five attempts', async () => {
    const server = await startVllm(overloaded);
    await expect(ask(server, pipe())).rejects.toMatchObject({ reason: 'Overloaded' });
    expect(server.questions()).toHaveLength(5);
  });

  it('finds the server again when it moved before the answer began', async () => {
    const gone = await startModelServer({});
    await gone.close();
    const server = await startVllm(stream(vllmEvents(['Paris'])));
    // Ready, listed, and then replaced.
    const addresses = [server.baseUrl, server.baseUrl, gone.baseUrl, gone.baseUrl];
    const terminal = pipe();
    await ask({ connection: { baseUrl: async () => addresses.shift() ?? server.baseUrl } }, terminal);
    expect(terminal.out()).toBe('Paris\n');
    expect(terminal.err()).toMatch(/could not be reached .* trying again in 2 s, attempt 2 of 5\.\nWaiting: the model server is starting/);
  });

  it('never asks again once part of the answer was seen', async () => {
    const server = await startVllm(stream(vllmEvents(['Pa', 'ris']).slice(0, 2), 'reset'));
    const terminal = pipe();
    await expect(ask(server, terminal)).rejects.toMatchObject({ reason: 'ConnectionLost' });
    expect(server.questions()).toHaveLength(1);
    expect(terminal.out()).toBe('Pa\n');
  });

  it('drops the oldest turns when the context is full, and says so', async () => {
    const full = json(400, { error: { message: "This model's maximum context length is 1024 tokens. However, you requested 8 output tokens and your prompt contains at least 1017 input tokens", type: 'BadRequestError', code: 400 } });
    const server = await startVllm(inTurn(full, full, stream(vllmEvents(['ok']))));
    const terminal = pipe();
    const turns = Array.from({ length: 4 }, (_, index) => ({ prompt: `q${index}`, answer: `a${index}`, finishReason: 'stop' }));
    await ask(server, terminal, { conversation: { ...startConversation(), turns } });
    expect(server.questions().map(({ messages }) => (Array.isArray(messages) ? messages.length : 0))).toEqual([9, 7, 5]);
    expect(terminal.err()).toContain('The context of 1024 tokens is full: the oldest turn is no longer sent.\n');
  });

  it('says that the question alone is too long', async () => {
    const full = json(400, { error: { message: "This model's maximum context length is 1024 tokens.", type: 'BadRequestError', code: 400 } });
    await expect(ask(await startVllm(full), pipe())).rejects.toMatchObject({ message: 'The question alone is longer than the model can read.', reason: 'ContextFull' });
  });

  it('ends with the interruption, and says what goes on', async () => {
    const controller = new AbortController();
    const server = await startTransformers(stream(transformersEvents(['Pa', 'ris']).slice(0, 2), 'hang'));
    const terminal = createFakeTerminal({ stdin: '', onOut: () => controller.abort(new InterruptedError('SIGINT')) });
    await expect(ask(server, terminal, { signal: controller.signal })).rejects.toMatchObject({ exitCode: 130, fact: expect.stringContaining('goes on generating') });
    expect(terminal.out()).toBe('Pa\n');
  });

  it('talks to an early image through POST /chat', async () => {
    const server = await startModelServer({ '/healthz': json(200, { status: 'Healthy' }), '/chat': json(200, { Result: ' Paris.' }) });
    const terminal = pipe();
    await ask(server, terminal);
    expect(terminal.out()).toBe('Paris.\n');
    expect(server.questions()).toEqual([{ prompt: 'Capital of France?', return_full_text: false, generate_kwargs: { max_new_tokens: 1024 } }]);
  });

  it('waits for the weights before it asks', async () => {
    const server = await startVllm(stream(vllmEvents(['Paris'])), { '/health': inTurn(text(404, ''), text(200, '')), '/metrics': text(200, 'kaito_model_download_speed_bytes_per_second 3.2e+08\nkaito_model_download_remaining_seconds 41.0\n') });
    const terminal = pipe();
    await ask(server, terminal);
    expect({ out: terminal.out(), err: terminal.err() }).toEqual({ out: 'Paris\n', err: 'Waiting: the weights are loading, 320 MB/s, about 41 s left (0 s of at most 60 s).\n' });
  });

  it('renders Markdown on a terminal and leaves it alone in a pipe', async () => {
    const server = await startVllm(stream(vllmEvents(['# Ti', 'tle\n\nSome **bo', 'ld** text\n'])));
    const terminal = createFakeTerminal({ stdin: '', facts: { isStdoutTty: true } });
    await ask(server, terminal, { isMarkdownRendered: true });
    const piped = pipe();
    await ask(server, piped, { isMarkdownRendered: true });
    expect(terminal.out()).toBe('Title\n\nSome bold text\n');
    expect(piped.out()).toBe('# Title\n\nSome **bold** text\n');
  });
});

describe('joinPrompt', () => {
  it.each([
    ['', 'ask', 'ask'],
    ['text\n', undefined, 'text'],
    ['text\n', 'ask', 'text\n\nask'],
  ])('joins %j and %j', (piped, prompt, joined) => {
    expect(joinPrompt(piped, prompt)).toBe(joined);
  });

  it('refuses when there is nothing to ask', () => {
    expect(() => joinPrompt(' \n', undefined)).toThrow(expect.objectContaining({ message: 'There is nothing to ask.', exitCode: 2 }));
  });
});
