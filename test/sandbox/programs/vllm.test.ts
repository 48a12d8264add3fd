import { createConnection } from 'node:net';
import { text } from 'node:stream/consumers';
import OpenAI from 'openai';
import { afterEach, describe, expect, it } from 'vitest';
import { vllmServer } from '../../../src/sandbox/programs/vllm.ts';
import { runContainer, type ContainerOptions, type TestContainer } from './container.ts';
import { eventsOf, hasRecordings, readExchange, typesOf } from './recordings.ts';

const script = '/workspace/vllm/inference_api.py';
const containers: TestContainer[] = [];

const start = (flags: readonly string[] = [], options: Partial<ContainerOptions> = {}): TestContainer => {
  const container = runContainer(vllmServer, { command: ['python3', script, '--model=microsoft/phi-3-mini-4k-instruct', '--served-model-name=phi', ...flags], ...options });
  containers.push(container);
  return container;
};

/** A served model's address, once it answers /health with 200. */
const serve = async (flags: readonly string[] = [], options: Partial<ContainerOptions> = {}): Promise<string> => {
  const container = start(flags, options);
  await container.listening();
  const url = await container.open();
  await expect.poll(async () => (await fetch(`${url}/health`)).status, { interval: 5 }).toBe(200);
  return url;
};

afterEach(async () => {
  await Promise.all(containers.splice(0).map((container) => container.close()));
});

const post = (url: string, body: unknown, path = '/v1/chat/completions') =>
  fetch(`${url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: typeof body === 'string' ? body : JSON.stringify(body) });

const ask = (content: string, more: object = {}) => ({ model: 'phi', messages: [{ role: 'user', content }], ...more });

const adapter = (name: string, rank: number) => ({ [`/mnt/adapter/${name}/adapter_config.json`]: JSON.stringify({ r: rank }) });

const client = (url: string) => new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 });

describe('starting', () => {
  it('opens the port for a hub model at once: 404 with nothing in it, HTTP/1.0, and gauges that move', async () => {
    const container = start();
    await container.listening();
    const connection = container.connect();
    connection.write('GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(await text(connection)).toMatch(/^HTTP\/1\.0 404 Not Found\r\n(?:.+\r\n)*Content-Length: 0\r\nConnection: close\r\n\r\n$/);
    const url = await container.open();
    const gauge = async () => Number(/^kaito_model_download_remaining_seconds (.*)$/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1]);
    await expect.poll(gauge, { interval: 1 }).toBeGreaterThan(0);
    await expect.poll(gauge, { interval: 1 }).toBe(0);
    await expect.poll(async () => (await fetch(`${url}/health`)).status, { interval: 5 }).toBe(200);
    expect(container.stdout()).toContain('[api_server.py:616] Starting vLLM server on http://0.0.0.0:5000\n');
    expect(container.stderr()).toContain('inference_api.py:648] Rate limit guard active: threshold 128\n');
    expect(container.stderr()).toMatch(/\rLoading safetensors checkpoint shards: {2}25% Completed \| 1\/4 \[00:06<00:18, {2}0\.17it\/s\]\n/);
    expect(container.stdout()).toContain('GPU KV cache size: 10,240 tokens');
  });

  it('keeps the port closed for weights on a volume until it is ready', async () => {
    const container = start(['--model=/workspace/weights'], { files: { '/workspace/weights/config.json': '{}' } });
    await container.listening();
    const url = await container.open();
    expect((await fetch(`${url}/health`)).status).toBe(200);
    expect(container.stdout()).toContain('Starting vLLM server');
  });

  it.each<[what: string, flags: string[], options: Partial<ContainerOptions>, code: number, reason: string | RegExp]>([
    ['an option of older versions', ['--swap-space=8'], {}, 2, 'inference_api.py: error: unrecognized arguments: --swap-space=8'],
    ['an option without its value', ['--max-num-seqs'], {}, 2, 'inference_api.py: error: argument --max-num-seqs: expected one argument'],
    ['a context longer than the model’s', ['--max-model-len=99999'], {}, 1, /User-specified max_model_len \(99999\) is greater than the derived max_model_len \(max_position_embeddings=4096\.0/],
    ['weights that are not there', ['--model=/models/nope'], {}, 1, /HFValidationError: Repo id must be in the form/],
    ['a gated model without a token', ['--model=meta-llama/Llama-3.1-8B-Instruct'], {}, 1, /You are trying to access a gated repo\./],
    ['a configuration file that is not mounted', ['--kaito-config-file=/mnt/config/inference_config.yaml'], {}, 1, /No such file or directory: '\/mnt\/config\/inference_config\.yaml'/],
    ['adapters without --enable-lora', [], { files: adapter('marv', 8) }, 1, /ValueError: Call to add_lora method failed: Worker failed with error 'LoRA is not enabled\. Use --enable-lora to enable LoRA\.'/],
    ['an adapter of a larger rank', ['--enable-lora'], { files: adapter('marv', 64) }, 1, /LoRA rank 64 is greater than max_lora_rank 16\./],
    ['a stray folder among the adapters', ['--enable-lora'], { files: { '/mnt/adapter/lost+found/x': '' } }, 1, /No adapter found for \/mnt\/adapter\/lost\+found/],
    ['the fault crash-loop', [], { faults: ['crash-loop'] }, 1, /RuntimeError: Engine core initialization failed\. See root cause above\./],
  ])('ends on %s', async (_, flags, options, code, reason) => {
    const container = start(flags, options);
    expect(await container.exit).toBe(code);
    expect(container.stderr()).toMatch(typeof reason === 'string' ? new RegExp(`${reason}\n$`) : reason);
    expect(container.stderr().startsWith('usage: inference_api.py [-h]')).toBe(code === 2);
  });

  it.each([
    ['one boolean turns on whatever it says', 'vllm: {enforce-eager: false}', undefined],
    ['a second boolean has no place', 'vllm: {enforce-eager: false, enable-chunked-prefill: true}', 'unrecognized arguments: True'],
    ['an old option is refused', 'vllm: {swap-space: 4}', 'unrecognized arguments: --swap-space'],
  ])('takes the configuration file after the flags: %s', async (_, config, refusal) => {
    const container = start(['--kaito-config-file=/config.yaml'], { files: { '/config.yaml': config } });
    if (refusal === undefined) {
      await container.listening();
    } else {
      expect(await container.exit).toBe(2);
      expect(container.stderr()).toContain(`inference_api.py: error: ${refusal}\n`);
    }
  });

  it('says why the engine failed before the API process gives up', async () => {
    const container = start([], { faults: ['crash-loop'] });
    await container.exit;
    expect(container.stdout()).toMatch(/\(EngineCore pid=\d+\) ERROR .* ValueError: To serve at least one request with the model's max seq len \(4096\)/);
  });

  it('is found in a shell line too, and lends its GPUs on every node but the first', async () => {
    const line = `if [ "$POD_INDEX" = "0" ]; then\n /workspace/vllm/multi-node-serving.sh leader --ray_port=6379 ;\n python3 ${script} --model=a/b --tensor-parallel-size=8 ;\nelse\n /workspace/vllm/multi-node-serving.sh worker ;\nfi`;
    const command = ['/bin/sh', '-c', line];
    expect(vllmServer.matches({ image: '', command, args: [] })).toBe(true);
    const worker = start([], { command, env: { POD_INDEX: '1' } });
    const leader = start([], { command, env: { POD_INDEX: '0' } });
    await leader.listening();
    expect(worker.isListening()).toBe(false);
    worker.terminate();
    expect(await worker.exit).toBe(143);
  });

  it('ends in order on SIGTERM once it serves, and at once while it loads', async () => {
    const loading = start();
    loading.terminate();
    expect(await loading.exit).toBe(143);
    const container = start(['--model=/workspace/weights'], { files: { '/workspace/weights/config.json': '{}' } });
    await container.listening();
    container.terminate();
    expect(await container.exit).toBe(0);
    expect(container.stdout()).toContain('[shutdown] API server: shutdown triggered');
  });
});

describe('the OpenAI client', () => {
  it('lists the base model first, then adapters with their parent', async () => {
    const url = await serve(['--enable-lora', '--max-lora-rank=64'], { files: { ...adapter('marv', 64), ...adapter('alto', 8) } });
    const { data } = await client(url).models.list();
    expect(data).toMatchObject([
      { id: 'phi', owned_by: 'vllm', root: 'microsoft/phi-3-mini-4k-instruct', parent: null, max_model_len: 4096 },
      { id: 'alto', root: '/mnt/adapter/alto', parent: 'phi', max_model_len: null },
      { id: 'marv', root: '/mnt/adapter/marv', parent: 'phi' },
    ]);
    const base = await client(url).chat.completions.create({ model: 'phi', messages: [{ role: 'user', content: 'What is LoRA?' }] });
    const tuned = await client(url).chat.completions.create({ model: 'marv', messages: [{ role: 'user', content: 'What is LoRA?' }] });
    expect(tuned.model).toBe('marv');
    expect(tuned.choices[0]?.message.content).toContain('adapter marv');
    expect(base.choices[0]?.message.content).toMatch(/^\[sandbox\] .*LoRA leaves the base weights as they are/);
  });

  it('streams what it would have answered whole, with usage when asked', async () => {
    const url = await serve();
    const messages = [{ role: 'user' as const, content: 'Say hello — naïve 👋 café' }];
    const whole = await client(url).chat.completions.create({ model: 'phi', messages });
    const stream = await client(url).chat.completions.create({ model: 'phi', messages, stream: true, stream_options: { include_usage: true } });
    let content = '';
    let usage: unknown;
    for await (const chunk of stream) {
      content += chunk.choices[0]?.delta.content ?? '';
      usage = chunk.usage ?? usage;
    }
    expect(content).toBe(whole.choices[0]?.message.content);
    expect(content).toContain('naïve 👋 café');
    expect(usage).toMatchObject({ completion_tokens: whole.usage?.completion_tokens, prompt_tokens: whole.usage?.prompt_tokens });
  });

  it('remembers only what the client sends again', async () => {
    const url = await serve();
    const question = { role: 'user' as const, content: 'What is my name?' };
    const first = { role: 'user' as const, content: 'Hello, my name is Ada.' };
    const answer = async (messages: OpenAI.ChatCompletionMessageParam[]) => {
      const { choices } = await client(url).chat.completions.create({ model: 'phi', messages });
      return choices[0]?.message.content;
    };
    expect(await answer([question])).toContain('You have not told me your name.');
    expect(await answer([first, { role: 'assistant', content: 'Hi.' }, question])).toContain('Your name is Ada.');
    expect(await answer([first, { role: 'assistant', content: 'Hi.' }, { role: 'user', content: 'What did I say before?' }])).toContain(
      'Before this you said: "Hello, my name is Ada.".',
    );
  });

  it('throws its own errors for refusals', async () => {
    const url = await serve();
    const create = (model: string, maxTokens: number) =>
      client(url).chat.completions.create({ model, max_tokens: maxTokens, messages: [{ role: 'user', content: 'x' }] });
    await expect(create('nope', 5)).rejects.toMatchObject({ status: 404, message: '404 The model `nope` does not exist.' });
    await expect(create('phi', 0)).rejects.toMatchObject({ status: 400, message: expect.stringContaining('max_tokens must be at least 1, got 0.') });
  });
});

describe('the API', () => {
  it('asks for a key below /v1 only when it was given one', async () => {
    const url = await serve(['--api-key=secret']);
    expect((await fetch(`${url}/health`)).status).toBe(200);
    const refused = await fetch(`${url}/v1/models`);
    expect([refused.status, await refused.text()]).toEqual([401, '{"error":"Unauthorized"}']);
    expect((await fetch(`${url}/v1/models`, { headers: { authorization: 'Bearer secret' } })).status).toBe(200);
  });

  it('goes on generating when its client has gone, to the end that was asked for', async () => {
    const url = await serve();
    const { hostname, port } = new URL(url);
    const body = JSON.stringify(ask('x', { stream: true, max_tokens: 300, ignore_eos: true }));
    const socket = createConnection(Number(port), hostname);
    socket.write(`POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    await new Promise((resolve) => void socket.once('data', resolve));
    socket.destroy();
    const generated = async () => Number(/^vllm:generation_tokens_total\{.*\} (.*)$/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1]);
    expect(await generated()).toBe(0);
    await expect.poll(generated, { interval: 10 }).toBe(300);
  });

  it('answers several at once', async () => {
    const url = await serve();
    const body = ask('x', { max_tokens: 40, ignore_eos: true });
    const answers = await Promise.all(Array.from({ length: 5 }, () => post(url, body)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  });

  it('counts in Prometheus what it did', async () => {
    const url = await serve();
    await post(url, ask('x', { max_tokens: 3 }));
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('vllm:generation_tokens_total{engine="0",model_name="phi"} 3.0\n');
    expect(metrics).toContain('vllm:request_success_total{engine="0",finished_reason="length",model_name="phi"} 1.0\n');
    expect(metrics).toContain('vllm:time_to_first_token_seconds_count{engine="0",model_name="phi"} 1.0\n');
    expect(metrics).toContain('kaito_model_download_remaining_seconds 0.0\n');
  });

  it('takes a context that is too long for what it is, in vLLM’s arithmetic', async () => {
    const url = await serve();
    const long = await post(url, ask('word '.repeat(5000), { max_tokens: 8 }));
    expect(await long.json()).toMatchObject({
      error: {
        message: expect.stringContaining('However, you requested 8 output tokens and your prompt contains at least 4089 input tokens, for a total of at least 4097 tokens.'),
        param: 'input_tokens',
        code: 400,
      },
    });
  });
});

/** The stop text and the number of tokens are not form. */
const formOf = (json: string): string =>
  JSON.stringify(typesOf(JSON.parse(json)))
    .replaceAll(/"tokens":\[[^\]]*\]/g, '"tokens":[]')
    .replaceAll('"stop_reason":"string"', '"stop_reason":null');

describe('recorded answers', () => {
  // The recorded server was called `tiny` and had 1024 tokens; its model path is the only thing that cannot be the same.
  const names = [
    '01-health', '02-models', '04-version', '10-chat', '13-chat-length', '20-key-foo', '20-key-max_completion_tokens', '20-key-max_tokens',
    '20-key-max_tokens_str', '20-key-n', '20-key-stop', '20-key-stream_options', '20-key-temperature', '20-key-tool_choice', '20-key-top_k',
    '20-key-top_p', '30-missing-messages', '31-empty-messages', '32-wrong-model', '32b-wrong-model-stream', '33-no-model', '33b-empty-model',
    '34-bad-role', '35-not-json', '36-array', '37-content-parts', '39-no-content-type', '40-get-on-chat', '41-unknown-path', '42-completions',
    '43-tokenize', '44-head-health', '45-image', '50-overlong', '51-overlong-stream', '52-max_tokens-over-context', '53-sum-over-context',
    '83-load', '84-ping',
  ];
  const served = ['--served-model-name=tiny', '--max-model-len=1024'];

  it.skipIf(!hasRecordings)('are given in the same form, refusals to the letter (skipped without recordings)', async () => {
    const url = await serve(served);
    for (const name of names) {
      const recorded = readExchange(`http/vllm-base/${name}.txt`);
      const { method, path, headers, body } = recorded.request;
      const type = headers['content-type'];
      const answer = await fetch(`${url}${path}`, { method, ...(type === undefined ? {} : { headers: { 'content-type': type } }), ...(body.trim() === '' ? {} : { body: body.trim() }) });
      const actual = await answer.text();
      expect([name, answer.status, answer.headers.get('content-type'), answer.headers.get('allow')]).toEqual([name, recorded.status, recorded.headers['content-type'] ?? null, recorded.headers['allow'] ?? null]);
      if (recorded.body.trim() === '') {
        expect(actual).toBe('');
      } else if (recorded.status === 200) {
        expect([name, formOf(actual)]).toEqual([name, formOf(recorded.body)]);
      } else {
        expect(JSON.parse(actual)).toEqual(JSON.parse(recorded.body.replaceAll('/usr/lib/python/site-packages', '/usr/local/lib/python3.12/dist-packages')));
      }
    }
  });

  it.skipIf(!hasRecordings).each(['11-chat-stream', '12-chat-stream-usage', '12b-chat-stream-usage-continuous', '13b-chat-length-stream', '42b-completions-stream'])(
    'stream events of the same form: %s (skipped without recordings)',
    async (name) => {
      const url = await serve(served);
      const recorded = readExchange(`http/vllm-base/${name}.txt`);
      const answer = await post(url, recorded.request.body, recorded.request.path);
      expect(answer.headers.get('content-type')).toBe(recorded.headers['content-type']);
      expect(eventsOf(await answer.text())).toEqual(eventsOf(recorded.body));
    },
  );
});
