import { createConnection } from 'node:net';
import OpenAI from 'openai';
import { afterEach, describe, expect, it } from 'vitest';
import { transformersServer } from '../../../src/sandbox/programs/transformers.ts';
import { runContainer, type ContainerOptions, type TestContainer } from './container.ts';
import { eventsOf, hasRecordings, readExchange, readRecording, shapesOf, typesOf } from './recordings.ts';

const launch = ['accelerate', 'launch', '--gpu_ids=all', '--machine_rank=0', '--num_machines=1', '--num_processes=1', '/workspace/tfs/inference_api.py'];
const weights = { '/workspace/weights/config.json': '{}' };
const containers: TestContainer[] = [];

const start = (flags: readonly string[] = [], options: Partial<ContainerOptions> = {}): TestContainer => {
  const container = runContainer(transformersServer, {
    command: [...launch, '--served_model_name=tiny', ...flags],
    ...options,
    files: { ...weights, ...options.files },
  });
  containers.push(container);
  return container;
};

const serve = async (flags: readonly string[] = [], options: Partial<ContainerOptions> = {}) => {
  const container = start(flags, options);
  await container.listening();
  return { container, url: await container.open() };
};

afterEach(async () => {
  await Promise.all(containers.splice(0).map((container) => container.close()));
});

const post = (url: string, body: unknown) =>
  fetch(`${url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: typeof body === 'string' ? body : JSON.stringify(body) });

const ask = (content: string, more: object = {}) => ({ model: 'tiny', messages: [{ role: 'user', content }], ...more });

const adapterFile = (name: string) => ({ [`/mnt/adapter/${name}/adapter_config.json`]: JSON.stringify({ r: 8 }) });

describe('starting', () => {
  it('keeps its port closed until the model is loaded, and is healthy from then on', async () => {
    const { container, url } = await serve();
    expect(container.stderr()).toContain('Loading weights: 100%');
    const health = await fetch(`${url}/health`);
    expect([health.status, await health.text()]).toEqual([200, '{"status":"Healthy"}']);
    await expect.poll(() => container.stdout()).toMatch(/^INFO: {5}127\.0\.0\.1:\d+ - "GET \/health HTTP\/1\.1" 200 OK\n$/);
  });

  it.skipIf(!hasRecordings)('logs what the recorded server logged (skipped without recordings)', async () => {
    const { container } = await serve([], { files: adapterFile('marv') });
    const onCpuAlone = /bitsandbytes was compiled|^ *\(|^ *\)|inference_api\.py:N\] Model: /;
    const comparable = (text: string) => shapesOf(text).filter((line) => !onCpuAlone.test(line)).map((line) => line.replace(/^INFO N-N N:N:N/, 'INFO TIME'));
    const [untilReady = ''] = readRecording('logs/serve-tfs-adapter.stderr.txt').split('[transformers] [Request received]');
    expect(comparable(container.stderr())).toEqual(comparable(untilReady));
  });

  it.each<[what: string, flags: string[], options: Partial<ContainerOptions>, reason: RegExp]>([
    ['a hub model that may not be downloaded', ['--pretrained_model_name_or_path=org/name'], {}, /OSError: We couldn't connect to 'https:\/\/huggingface\.co'/],
    ['weights that are not there', ['--pretrained_model_name_or_path=/models/nope'], {}, /OSError: Repo id must be in the form/],
    ['a data type that torch does not know', ['--torch_dtype=bf16'], {}, /ValueError: Invalid torch dtype: bf16/],
    ['the fault crash-loop', [], { faults: ['crash-loop'] }, /OSError: We couldn't connect/],
  ])('ends on %s, and accelerate has the last word', async (_, flags, options, reason) => {
    const container = start(flags, options);
    expect(await container.exit).toBe(1);
    expect(container.stderr()).toMatch(reason);
    expect(container.stderr()).toMatch(/subprocess\.CalledProcessError: .* returned non-zero exit status 1\.\n$/);
  });

  it('downloads when a bare --allow_remote_files lets it, and drops flags it does not know', async () => {
    const { url } = await serve(['--pretrained_model_name_or_path=org/name', '--revision=abc', '--allow_remote_files', '--nonsense=1']);
    const answer = await post(url, ask('x', { max_tokens: 1 }));
    expect(await answer.json()).toMatchObject({ model: 'org/name@abc' });
  });

  it('merges adapters into every answer, and passes over folders that are none', async () => {
    const { container, url } = await serve([], { files: { ...adapterFile('marv'), ...adapterFile('alto'), '/mnt/adapter/lost+found/x': '' } });
    expect(container.stderr()).toContain("All adapters merged into 'combined_adapter'");
    expect(container.stderr()).not.toContain('lost+found');
    expect(await (await post(url, ask('x'))).text()).toContain('through the adapter alto + marv');
    expect(await (await post(url, { ...ask('x'), model: 'marv' })).json()).toEqual({
      detail: "Server is pinned to '/workspace/tfs/weights@main'; requested 'marv'.",
    });
  });

  it('serves on after SIGTERM, and ends only when it is killed', async () => {
    const { container, url } = await serve();
    container.terminate();
    expect((await post(url, ask('x', { max_tokens: 20 }))).status).toBe(200);
    container.kill();
    expect(await container.exit).toBe(137);
    await expect(fetch(`${url}/health`)).rejects.toThrow();
  });
});

describe('chat', () => {
  it('streams through the OpenAI client to an end without [DONE], with usage in the last chunk', async () => {
    const { url } = await serve();
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 });
    const stream = await client.chat.completions.create({ model: 'tiny', messages: [{ role: 'user', content: 'What is QLoRA?' }], stream: true });
    const chunks: OpenAI.ChatCompletionChunk[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toContain('QLoRA loads the base weights in 4 bits');
    expect(chunks.at(-1)).toMatchObject({ choices: [{ finish_reason: 'stop' }], usage: { completion_tokens: chunks.length - 1 } });
    expect(await (await post(url, ask('x', { stream: true }))).text()).not.toContain('[DONE]');
  });

  it('answers one at a time, in order, while health stays quick', async () => {
    const { url } = await serve();
    const order: string[] = [];
    const run = async (name: string, maxTokens: number) => {
      await post(url, ask('tell me about adapters', { max_tokens: maxTokens })).then((answer) => answer.text());
      order.push(name);
    };
    const long = run('long', 60);
    await fetch(`${url}/health`);
    const short = run('short', 1);
    await (await fetch(`${url}/health`)).text();
    order.push('health');
    await Promise.all([long, short]);
    expect(order).toEqual(['health', 'long', 'short']);
  });

  it('finishes what a client that has gone had asked for, before the next one', async () => {
    const { url, container } = await serve();
    const { hostname, port } = new URL(url);
    const body = JSON.stringify(ask('x', { stream: true }));
    const socket = createConnection(Number(port), hostname);
    socket.write(`POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    await new Promise((resolve) => void socket.once('data', resolve));
    socket.destroy();
    const started = performance.now();
    await (await post(url, ask('x', { max_tokens: 1 }))).text();
    // At least a millisecond for each token of the answer that nobody reads.
    expect(performance.now() - started).toBeGreaterThan(25);
    expect(container.stderr().match(/Request received/g)).toHaveLength(2);
  });

  it('takes floats for a bias and dies of integers, which JavaScript writes for both', async () => {
    const { url } = await serve();
    const bias = (value: string) => post(url, `{"messages":[{"role":"user","content":"x"}],"max_tokens":1,"logit_bias":{"5": ${value}}}`);
    expect((await bias('1.5')).status).toBe(200);
    expect((await bias('1.0')).status).toBe(200);
    expect((await bias('1')).status).toBe(500);
  });

  it('names the fields it does not know', async () => {
    const { url } = await serve();
    const answer = await post(url, ask('x', { top_k: 5, stream: true }));
    expect([answer.status, await answer.json()]).toEqual([422, { detail: "Unexpected fields in the request: {'top_k'}" }]);
  });
});

/** Text is no form: only the served text differs from the recorded. */
const formOf = (json: string): string => JSON.stringify(typesOf(JSON.parse(json)));

describe('recorded answers', () => {
  const names = [
    '01-health', '02-models', '10-chat', '13-chat-length', '14-chat-no-max_tokens', '20-key-chat_template_kwargs', '20-key-frequency_penalty',
    '20-key-generation_config', '20-key-logit_bias', '20-key-logprobs', '20-key-max_completion_tokens', '20-key-metadata', '20-key-n',
    '20-key-parallel_tool_calls', '20-key-presence_penalty', '20-key-reasoning_effort', '20-key-repetition_penalty', '20-key-response_format',
    '20-key-seed', '20-key-stop', '20-key-stop_list', '20-key-store', '20-key-stream_options', '20-key-tool_choice', '20-key-top_k',
    '20-key-top_p', '20-key-user', '22-unknown-key-stream', '30-missing-messages', '31-empty-messages', '32-wrong-model', '33-no-model',
    '34-bad-role', '34b-bad-role-stream', '35-not-json', '36-array', '37-content-parts', '38-messages-string', '39-no-content-type',
    '40-get-on-chat', '41-unknown-path', '42-completions', '43-root', '44-head-health', '45-temperature-negative', '46-max_tokens-0',
    '47-max_tokens-string', '49-tools', '50-overlong', '52-max_tokens-over-context',
  ];

  it.skipIf(!hasRecordings)('are given in the same form, refusals to the letter (skipped without recordings)', async () => {
    const { url } = await serve();
    for (const name of names) {
      const recorded = readExchange(`http/tfs-base/${name}.txt`);
      const { method, path, headers, body } = recorded.request;
      const type = headers['content-type'];
      const answer = await fetch(`${url}${path}`, { method, ...(type === undefined ? {} : { headers: { 'content-type': type } }), ...(body.trim() === '' ? {} : { body: body.trim() }) });
      const actual = await answer.text();
      expect([name, answer.status, answer.headers.get('content-type'), answer.headers.get('allow')]).toEqual([name, recorded.status, recorded.headers['content-type'], recorded.headers['allow'] ?? null]);
      if (recorded.status === 200) expect([name, formOf(actual)]).toEqual([name, formOf(recorded.body)]);
      else expect([name, actual]).toEqual([name, recorded.body.trim()]);
    }
  });

  it.skipIf(!hasRecordings).each(['11-chat-stream', '13b-chat-length-stream', '21-stream_options-stream'])(
    'stream events of the same form: %s (skipped without recordings)',
    async (name) => {
      const { url } = await serve();
      const recorded = readExchange(`http/tfs-base/${name}.txt`);
      const answer = await post(url, recorded.request.body);
      expect(answer.headers.get('content-type')).toBe(recorded.headers['content-type']);
      expect(eventsOf(await answer.text())).toEqual(eventsOf(recorded.body));
    },
  );
});
