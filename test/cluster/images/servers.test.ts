import { spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, request } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { readShippedPresets } from '../../../src/manifests/shipped.ts';
import { renderFlags } from '../../../src/runtimes/runtime.ts';
import { vllm as vllmRuntime } from '../../../src/runtimes/vllm.ts';
import { hasData } from '../../support/project.ts';
import { adapterFiles } from './models.ts';
import { buildKaitoBase, testKaitoBase, whyNotBuilt } from './programs.ts';
import { comparableAnswer, readRecordedRequests, type Answer, type RecordedRequest } from './recorded-requests.ts';
import { createRoot, writeModel, type Root } from './tuning-fixtures.ts';

const reason = await whyNotBuilt();

/** Below those that the kernel hands out by itself: another program's connection would take one of them before the server does. */
const freePort = async (): Promise<number> => {
  for (;;) {
    const port = 20_000 + randomInt(12_000);
    const isFree = await new Promise<boolean>((resolve) => {
      const probe = createServer().once('error', () => resolve(false));
      probe.listen(port, () => probe.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
};

interface Server {
  port: number;
  log(): string;
  end: Promise<number | null>;
  stop(): void;
}

const vllm = ['/bin/python3', '/workspace/vllm/inference_api.py'];
const transformers = ['/bin/accelerate', 'launch', '--gpu_ids=all', '--machine_rank=0', '--num_machines=1', '--num_processes=1', '/workspace/tfs/inference_api.py'];

describe.skipIf(reason !== undefined)(`the stand-ins for the servers${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let binary: string;
  const roots: Root[] = [];
  const running: ChildProcess[] = [];
  beforeAll(async () => {
    binary = await buildKaitoBase();
  }, 600_000);
  afterAll(() => {
    for (const child of running) child.kill('SIGKILL');
    for (const root of roots) root.remove();
  });

  const prepare = async (): Promise<Root> => {
    const root = await createRoot(binary);
    roots.push(root);
    const short = (files: Record<string, string | Uint8Array>): void => {
      files['config.json'] = String(files['config.json']).replace('"max_position_embeddings": 4096', '"max_position_embeddings": 1024');
    };
    await writeModel(root, '/models/llama', { type: 'llama' }, short);
    await writeModel(root, '/workspace/tfs/weights', { type: 'llama' }, short);
    await writeModel(root, '/models/nochat', { type: 'llama' }, (files) => {
      short(files);
      files['tokenizer_config.json'] = '{}';
    });
    return root;
  };

  const writeAdapter = async (root: Root, name: string, rank: number): Promise<void> => {
    for (const [file, content] of Object.entries(adapterFiles({ rank }))) await root.write(`/mnt/adapter/${name}/${file}`, content);
  };

  const start = async (root: Root, command: readonly string[], behaviour: object = { startMs: 0, loadMs: 0, tokenMs: 1 }, controlUrl?: string): Promise<Server> => {
    const port = await freePort();
    const child = spawn('/usr/sbin/chroot', [root.folder, ...command], { env: { LOCAL_RANK: String(port - 5000), STAND_IN_BEHAVIOUR: JSON.stringify(behaviour), ...(controlUrl && { STAND_IN_CONTROL: controlUrl }) } });
    running.push(child);
    let log = '';
    child.stdout.on('data', (chunk) => (log += String(chunk)));
    child.stderr.on('data', (chunk) => (log += String(chunk)));
    const end = new Promise<number | null>((resolve) => child.on('exit', resolve));
    return { port, log: () => log, end, stop: () => child.kill('SIGTERM') };
  };

  /** Tells a server how to behave, and something else later. */
  const startControl = async (first: object) => {
    let behaviour = first;
    const control = createHttpServer((_, response) => void response.end(JSON.stringify(behaviour)));
    onTestFinished(() => void control.close());
    await once(control.listen(0, '127.0.0.1'), 'listening');
    return { url: `http://127.0.0.1:${(control.address() as AddressInfo).port}/`, behave: (next: object) => (behaviour = next) };
  };

  const ask = (port: number, { method, path, headers = {}, body = '' }: Partial<RecordedRequest> & { path: string }): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, method: method ?? 'GET', path, headers: { ...headers, ...(body && { 'content-length': String(Buffer.byteLength(body)) }) }, agent: false }, (response) => {
        text(response).then((received) => resolve({ status: response.statusCode ?? 0, contentType: response.headers['content-type'] ?? '', body: received }), reject);
      });
      sent.on('error', reject);
      sent.end(body);
    });

  /** Asks until the server answers as wanted, or has ended. */
  const whenAnswering = async (server: Server, isWanted: (answer: Answer) => boolean): Promise<Server> => {
    let hasEnded = false;
    void server.end.then(() => (hasEnded = true));
    await vi.waitUntil(() => hasEnded || ask(server.port, { path: '/health' }).then(isWanted, () => false), { timeout: 150_000 });
    if (hasEnded) throw new Error(`The server ended with ${await server.end}:\n${server.log()}`);
    return server;
  };
  const whenHealthy = (server: Server): Promise<Server> => whenAnswering(server, ({ status }) => status === 200);

  /** What the recorded model said with a limit or a grammar, what its tokenizer makes of a text, and what is not played at all. */
  const notPlayed = /metrics|openapi|responses|concurrent|disconnect|overlong|length|logprobs|response_format|tokenize|sum-over|first|poll|before-ready|max_completion_tokens|load-lora|42-completions|42b|12-completions|34b-template|keepalive|max_tokens-over-context|unicode|float-/;

  describe.skipIf(!hasData).each([
    { server: 'vllm-base', command: [...vllm, '--model=/models/llama', '--served-model-name=tiny'] },
    { server: 'vllm-lora', command: [...vllm, '--model=/models/llama', '--served-model-name=tiny', '--enable-lora'], skip: /models$/ },
    { server: 'vllm-nochat-apikey', command: [...vllm, '--model=/models/nochat', '--served-model-name=tiny', '--api-key=sekret'] },
    { server: 'tfs-base', command: [...transformers, '--served_model_name=tiny'] },
    { server: 'tfs-adapter', command: [...transformers, '--served_model_name=tiny'] },
    { server: 'tfs-nochat', command: [...transformers, '--pretrained_model_name_or_path=/models/nochat'] },
    { server: 'tfs-logit-bias', command: [...transformers, '--served_model_name=tiny'] },
  ])('answer as $server was seen to', ({ server, command, skip = /^$/ }) => {
    let started: Server;
    beforeAll(async () => {
      const root = await prepare();
      if (server === 'vllm-lora' || server === 'tfs-adapter') await writeAdapter(root, 'marv', 8);
      started = await whenHealthy(await start(root, command));
    });
    test.each((hasData ? readRecordedRequests(server) : []).filter(({ name }) => !notPlayed.test(name) && !skip.test(name)))('$name', async (recorded) => {
      expect(comparableAnswer(await ask(started.port, recorded))).toEqual(comparableAnswer(recorded.answer));
    });
  });

  test('have tests of their own, which pass', async () => {
    await testKaitoBase();
  }, 600_000);

  test('vLLM knows every flag that a preset is served with', async () => {
    const root = await prepare();
    const presets = await readShippedPresets();
    const refused = await Promise.all(
      presets.flatMap((preset) =>
        [1, 2].map(async (nodeCount) => {
          const { flags } = vllmRuntime.server({ preset, nodeCount, machine: { gpuCount: 2, gpuModel: 'NVIDIA A100', gpuMemoryGiB: 80 }, adapterRanks: [8], hasConfig: false, performanceMode: 'throughput' });
          // A model that is not there ends it as soon as all flags are understood.
          const server = await start(root, [...vllm, ...renderFlags(flags), '--model=/models/nope']);
          return (await server.end) === 2 ? [`${preset.name}: ${server.log().trimEnd().split('\n').at(-1)}`] : [];
        }),
      ),
    );
    expect(refused.flat()).toEqual([]);
  });

  test('vLLM answers 404 while it loads a model from a hub, and tells how far it is', async () => {
    const control = await startControl({ startMs: 0, loadMs: 3_600_000 });
    const server = await start(await prepare(), [...vllm, '--model=some/model', '--served-model-name=tiny'], {}, control.url);
    await whenAnswering(server, () => true);
    expect(await ask(server.port, { path: '/health' })).toEqual({ status: 404, contentType: '', body: '' });
    const { body } = await ask(server.port, { path: '/metrics' });
    expect(Number(/^kaito_model_download_remaining_seconds (\S+)$/m.exec(body)?.[1])).toBeGreaterThan(0);
    control.behave({ startMs: 0, loadMs: 0 });
    await whenHealthy(server);
    expect((await ask(server.port, { path: '/metrics' })).body).toMatch(/^kaito_model_download_remaining_seconds 0\.0$/m);
  });

  test('vLLM ends on SIGTERM', async () => {
    const server = await whenHealthy(await start(await prepare(), [...vllm, '--model=/models/llama']));
    server.stop();
    expect(await server.end).toBe(0);
  });

  test.each([
    { what: 'an option that it does not know', flags: ['--num-scheduler-steps=8'], code: 2, says: 'inference_api.py: error: unrecognized arguments: --num-scheduler-steps=8' },
    { what: 'a longer context than the model has', flags: ['--max-model-len=99999'], code: 1, says: 'User-specified max_model_len (99999) is greater than the derived max_model_len (max_position_embeddings=1024.0' },
    { what: 'a folder without a model', flags: ['--model=/models/nope'], code: 1, says: "huggingface_hub.errors.HFValidationError: Repo id must be in the form 'repo_name' or 'namespace/repo_name': '/models/nope'." },
    { what: 'adapters that were not enabled', adapter: 8, flags: [], code: 1, says: "ValueError: Call to add_lora method failed: Worker failed with error 'LoRA is not enabled. Use --enable-lora to enable LoRA.'" },
    { what: 'a rank that is too large', adapter: 64, flags: ['--enable-lora'], code: 1, says: 'LoRA rank 64 is greater than max_lora_rank 16.' },
  ])('vLLM does not start with $what', async ({ flags, code, says, adapter }) => {
    const root = await prepare();
    if (adapter) await writeAdapter(root, 'marv', adapter);
    const server = await start(root, [...vllm, '--model=/models/llama', ...flags]);
    expect(await server.end).toBe(code);
    expect(server.log()).toContain(says);
  });

  test.each([
    { config: 'vllm:\n  enforce-eager: false\n', starts: true, says: 'Starting vLLM server' },
    { config: 'vllm:\n  enforce-eager: true\n  enable-chunked-prefill: true\n', starts: false, says: 'error: unrecognized arguments: True' },
    { config: 'vllm:\n  swap-space: 4\n', starts: false, says: 'error: unrecognized arguments: --swap-space' },
  ])('a configuration file goes wrong as it did: $says', async ({ config, starts, says }) => {
    const root = await prepare();
    await root.write('/mnt/config/inference_config.yaml', config);
    const server = await start(root, [...vllm, '--model=/models/llama', '--kaito-config-file=/mnt/config/inference_config.yaml']);
    if (starts) await whenHealthy(server);
    else expect(await server.end).toBe(2);
    expect(server.log()).toContain(says);
  });

  const chat = (content: string, stream: boolean) => ({ method: 'POST', path: '/v1/chat/completions', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ messages: [{ role: 'user', content }], stream }) });

  test.each([
    { runtime: 'vLLM', command: [...vllm, '--model=/models/llama'], ends: /data: \{"error":\{"message":[^}]*,"code":500\}\}\n\ndata: \[DONE\]\n\n$/ },
    { runtime: 'transformers', command: transformers, ends: /data: \{"error": "index out of range in self"\}\n\n$/ },
  ])('$runtime tells in the stream that it failed in the middle of an answer', async ({ command, ends }) => {
    const server = await whenHealthy(await start(await prepare(), command, { startMs: 0, loadMs: 0, at: 'token:3', do: 'fail' }));
    const { status, body } = await ask(server.port, chat('Count to 9', true));
    expect(status).toBe(200);
    expect(body).toMatch(ends);
    expect((await ask(server.port, chat('Count to 9', false))).status).toBe(500);
  });

  test('vLLM refuses what is too much for it', async () => {
    const server = await whenHealthy(await start(await prepare(), [...vllm, '--model=/models/llama'], { startMs: 0, loadMs: 0, overloaded: true }));
    const { status, body } = await ask(server.port, chat('Count to 9', false));
    expect(status).toBe(429);
    expect(JSON.parse(body)).toMatchObject({ error: { type: 'requests', code: 'rate_limit_exceeded' } });
  });

  test('the transformers server answers one after another, and goes on for a client that went away', async () => {
    const quick = { startMs: 0, loadMs: 0, tokenMs: 0 };
    const control = await startControl({ ...quick, at: 'token:30', do: 'hang' });
    const server = await whenHealthy(await start(await prepare(), transformers, quick, control.url));
    const long = chat('Count to 40', true);
    await new Promise<void>((resolve) => {
      const sent = request({ host: '127.0.0.1', port: server.port, method: 'POST', path: long.path, headers: long.headers }, (response) => {
        response.once('data', () => {
          response.destroy();
          resolve();
        });
        response.on('error', () => {});
      });
      sent.on('error', () => {});
      sent.end(long.body);
    });
    let isAnswered = false;
    const next = ask(server.port, chat('Who wrote Hamlet?', false)).finally(() => (isAnswered = true));
    await vi.waitUntil(() => server.log().match(/Request received/g)?.length === 2, { timeout: 150_000 });
    expect((await ask(server.port, { path: '/health' })).status).toBe(200);
    expect(isAnswered).toBe(false);
    control.behave(quick);
    expect((await next).body).toContain('William Shakespeare');
  });
});
