import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AccessError, FailedError, NotFoundError, PreflightError, TimeoutError, UsageError } from '../../src/domain/errors.ts';
import { commitOf, openHub, startHub, temporaryFolder, tinyLlama } from './support.ts';

const id = 'tinyllama/tinyllama-1.1b-chat-v1.0';
const minuteMs = 60_000;

describe('a model of the hub', () => {
  it('becomes a preset that is pinned to the commit it was read at', async () => {
    const hub = await startHub([tinyLlama]);
    const { preset, notes } = await openHub(hub).read(id);
    expect(preset).toEqual({
      name: 'tinyllama-1.1b-chat-v1.0', aliases: [], shortNames: [], huggingFaceId: 'TinyLlama/TinyLlama-1.1B-Chat-v1.0', isFromHub: true, revision: commitOf('a'),
      license: 'apache-2.0', gated: false, weightsGiB: 2.05, contextLengthTokens: 2048, kvCacheBytesPerToken: 22_528, architectures: ['LlamaForCausalLM'],
      vllm: { flags: {}, toolCallParser: 'llama3_json' },
    });
    expect(notes).toEqual([]);
  });

  it('is asked for in three questions, the last two about that commit', async () => {
    const hub = await startHub([tinyLlama]);
    await openHub(hub).read(tinyLlama.id);
    expect(hub.requests).toEqual([`/api/models/${tinyLlama.id}`, `/api/models/${tinyLlama.id}/tree/${commitOf('a')}?recursive=true`, `/${tinyLlama.id}/resolve/${commitOf('a')}/config.json`]);
  });

  it('has all of its files counted, page after page', async () => {
    const shards = Array.from({ length: 7 }, (_, index) => ({ path: `model-${index}.safetensors`, size: 2 ** 30 }));
    const hub = await startHub([{ ...tinyLlama, tree: shards }], { pageSize: 3 });
    expect((await openHub(hub).read(id)).preset.weightsGiB).toBe(7);
    expect(hub.requests.filter((path) => path.includes('/tree/'))).toHaveLength(3);
  });

  it('is read from params.json where Mistral gives no config.json', async () => {
    const hub = await startHub([{ ...tinyLlama, id: 'someone/mixtral', tree: [{ path: 'consolidated.safetensors', size: 2 ** 31 }], files: { 'params.json': '{"dim": 4096, "n_layers": 32, "n_heads": 32, "n_kv_heads": 8, "head_dim": 128, "max_seq_len": 32768}' } }]);
    expect((await openHub(hub).read('someone/mixtral')).preset).toMatchObject({ kvCacheBytesPerToken: 131_072, contextLengthTokens: 32_768, architectures: [], vllm: { flags: { load_format: 'mistral', config_format: 'mistral', tokenizer_mode: 'mistral' } } });
  });

  it.each([[1.125, 1.12], [1.375, 1.38], [2.626, 2.63]])('of %f GiB has %f in the catalogue, as Go prints it', async (gib, weightsGiB) => {
    const hub = await startHub([{ ...tinyLlama, tree: [{ path: 'model.safetensors', size: Math.round(gib * 2 ** 30) }] }]);
    expect((await openHub(hub).read(id)).preset.weightsGiB).toBe(weightsGiB);
  });

  it.each([['someone/Ministral-3-Mine', 'Mistral3ForConditionalGeneration'], ['someone/Mistral-Large-3-Mine', 'MistralLarge3ForCausalLM']])('%s has the architecture of its family where it names none', async (name, architecture) => {
    const hub = await startHub([{ ...tinyLlama, id: name, files: { 'config.json': '{"hidden_size": 4096}' } }]);
    expect((await openHub(hub).read(name)).preset.architectures).toEqual([architecture]);
  });

  it('that also sees is read by its part about language, of two by text_config', async () => {
    const part = (layers: number): object => ({ num_hidden_layers: layers, num_attention_heads: 1, head_dim: 1 });
    const hub = await startHub([{ ...tinyLlama, files: { 'config.json': JSON.stringify({ text_config: part(3), llm_config: { ...part(5), max_position_embeddings: 9 } }) } }]);
    expect((await openHub(hub).read(id)).preset).toMatchObject({ kvCacheBytesPerToken: 12, contextLengthTokens: 2048 });
  });

  it('goes by its new name when it was renamed, and that is said', async () => {
    const hub = await startHub([tinyLlama]);
    hub.intercept = (request, response) => {
      delete hub.intercept;
      response.writeHead(307, { location: `/api/models/${tinyLlama.id}` }).end();
      expect(request.url).toBe('/api/models/old/name');
    };
    const { preset, notes } = await openHub(hub).read('old/name');
    expect(preset.huggingFaceId).toBe(tinyLlama.id);
    expect(notes).toEqual([`old/name is now called ${tinyLlama.id}.`]);
  });

  it('can be read at an earlier commit, and nothing else is taken for a commit', async () => {
    const hub = await startHub([tinyLlama]);
    const client = openHub(hub);
    expect((await client.read(id, { revision: commitOf('a') })).preset.revision).toBe(commitOf('a'));
    await expect(client.read(id, { revision: commitOf('b') })).rejects.toMatchObject({ constructor: NotFoundError, reason: 'RevisionNotFound' });
    await expect(client.read(id, { revision: '../../etc/passwd' })).rejects.toBeInstanceOf(UsageError);
  });
});

describe('the token', () => {
  it('goes along with every question, and opens what is gated', async () => {
    const hub = await startHub([{ ...tinyLlama, gated: 'manual', token: 'hf_right' }]);
    expect((await openHub(hub, { token: 'hf_right' }).read(tinyLlama.id)).preset.gated).toBe(true);
    expect(new Set(hub.tokens)).toEqual(new Set(['Bearer hf_right']));
  });

  it('never goes to another server that the hub leads to', async () => {
    const seen: (string | undefined)[] = [];
    const other = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.end(tinyLlama.files['config.json']);
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void other.close());
    const address = other.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const hub = await startHub([{ ...tinyLlama, id: 'someone/elsewhere' }]);
    const answer = { id: 'someone/elsewhere', sha: commitOf('c'), gated: false };
    hub.intercept = (request, response) => {
      if (request.url?.includes('/tree/')) response.writeHead(200, { link: `<http://127.0.0.1:${port}/api/models/x/y/tree/z>; rel="next"` }).end(JSON.stringify(tinyLlama.tree));
      else if (request.url?.includes('/resolve/')) response.writeHead(302, { location: `http://127.0.0.1:${port}/config.json` }).end();
      else response.end(JSON.stringify(answer));
    };
    await openHub(hub, { token: 'hf_secret' }).read('someone/elsewhere');
    expect(seen).toEqual([undefined]);
  });

  it.each([
    ['is missing for a gated model', {}, { reason: 'ModelGated', message: expect.stringMatching(/gated on Hugging Face, and there is no token/), hints: expect.arrayContaining([expect.stringMatching(/Accept its licence at http/), expect.stringMatching(/HF_TOKEN/)]) }],
    ['is of somebody who may not', { token: 'hf_other' }, { reason: 'ModelGated', message: expect.stringMatching(/owner has no access/), fact: expect.stringMatching(/403: GatedRepo/) }],
  ])('%s: the error says what to do', async (_, settings, expected) => {
    const hub = await startHub([{ ...tinyLlama, gated: 'auto', token: 'hf_right' }]);
    await expect(openHub(hub, settings).read(id)).rejects.toMatchObject({ constructor: AccessError, ...expected });
  });

  it.each([
    [undefined, 'HubTokenMissing'],
    ['hf_expired', 'HubTokenRefused'],
  ])('%s that is refused without a reason is answered with both possibilities', async (token, reason) => {
    const hub = await startHub([]);
    hub.intercept = (_, response) => response.writeHead(401).end('{"error":"Invalid credentials in Authorization header"}');
    await expect(openHub(hub, token === undefined ? {} : { token }).read(id)).rejects.toMatchObject({ constructor: AccessError, reason, fact: expect.stringContaining('Invalid credentials') });
  });
});

describe('a model that cannot be had', () => {
  it('is answered with the nearest of the catalogue when there is no such id', async () => {
    const hub = await startHub([]);
    await expect(openHub(hub).read('microsoft/phi-44', { nearest: ['phi-4'] })).rejects.toMatchObject({
      constructor: NotFoundError, reason: 'ModelNotFound', hints: expect.arrayContaining(['Nearest in the catalogue: phi-4.', expect.stringMatching(/private.*HF_TOKEN/), 'kaito-ts presets']),
    });
    await expect(openHub(hub, { token: 'hf_x' }).read('microsoft/phi-44')).rejects.toBeInstanceOf(NotFoundError);
  });

  it.each([
    ['vLLM does not know its architecture', { files: { 'config.json': '{"architectures":["FooForCausalLM"]}' } }, { constructor: PreflightError, reason: 'UnsupportedArchitecture', fact: expect.stringContaining('FooForCausalLM') }],
    ['it has no weights for vLLM', { tree: [{ path: 'model.gguf', size: 5 }] }, { constructor: PreflightError, reason: 'NoWeights' }],
    ['it has no configuration', { files: {} }, { constructor: FailedError, reason: 'NoModelConfig' }],
    ['its configuration is no JSON', { files: { 'config.json': '<html>' } }, { constructor: FailedError, reason: 'MalformedHubAnswer' }],
    ['its configuration is no map', { files: { 'config.json': '[]' } }, { constructor: FailedError, reason: 'MalformedHubAnswer' }],
    ['its sizes are absurd', { files: { 'config.json': '{"num_attention_heads":900000000,"head_dim":900000000,"num_hidden_layers":9}' } }, { constructor: FailedError, reason: 'InvalidModelConfig' }],
    ['a file has no size that can be', { tree: [{ path: 'model.safetensors', size: -1 }] }, { constructor: FailedError, reason: 'MalformedHubAnswer' }],
  ])('is refused because %s', async (_, change, expected) => {
    const hub = await startHub([{ ...tinyLlama, ...change }]);
    await expect(openHub(hub).read(id)).rejects.toMatchObject(expected);
  });

  it.each([
    ['no commit', { id: 'a/b', sha: 'main' }, 'It has no commit in sha.'],
    ['an id that is none', { id: 'a/b --trust', sha: commitOf('a') }, 'It has no id of a model.'],
    ['nothing', [], 'It is no map.'],
  ])('is refused when the hub answers with %s', async (_, answer, fact) => {
    const hub = await startHub([]);
    hub.intercept = (__, response) => response.end(JSON.stringify(answer));
    await expect(openHub(hub).read(id)).rejects.toMatchObject({ constructor: FailedError, reason: 'MalformedHubAnswer', fact });
  });

  it('ends when the hub says nothing for too long, and at once when interrupted', async () => {
    const hub = await startHub([]);
    hub.intercept = () => {};
    await expect(openHub(hub, { timeoutMs: 50 }).read(id)).rejects.toMatchObject({ constructor: TimeoutError, message: expect.stringMatching(/did not answer within 0\.05 s/) });
    const controller = new AbortController();
    const reading = openHub(hub).read(id, { signal: controller.signal });
    controller.abort(new Error('stop'));
    await expect(reading).rejects.toThrow('stop');
  });

  it('ends when an answer has no end', async () => {
    const hub = await startHub([]);
    const chunk = ' '.repeat(2 ** 20);
    hub.intercept = (_, response) => {
      const write = (): void => void (response.destroyed || response.write(chunk, write));
      write();
    };
    await expect(openHub(hub).read(id)).rejects.toMatchObject({ reason: 'MalformedHubAnswer', message: expect.stringMatching(/more than 16 MiB/) });
  });
});

describe('the copy on disk', () => {
  it('spares all questions for an hour, and then all but one as long as the commit is the same', async () => {
    const hub = await startHub([tinyLlama]);
    const client = openHub(hub);
    await client.read(id);
    client.clock.timeMs += 59 * minuteMs;
    const count = hub.requests.length;
    await client.read(id.toUpperCase());
    expect(hub.requests).toHaveLength(count);
    client.clock.timeMs += 2 * minuteMs;
    await client.read(tinyLlama.id);
    expect(hub.requests.slice(count)).toEqual([`/api/models/${tinyLlama.id}`]);
  });

  it('follows the model to its next commit, and keeps the earlier one', async () => {
    const hub = await startHub([tinyLlama]);
    const client = openHub(hub);
    await client.read(id);
    hub.repositories.set(tinyLlama.id, { ...tinyLlama, sha: commitOf('b'), tree: [{ path: 'model.safetensors', size: 2 ** 30 }] });
    client.clock.timeMs += 61 * minuteMs;
    expect((await client.read(id)).preset).toMatchObject({ revision: commitOf('b'), weightsGiB: 1 });
    const count = hub.requests.length;
    expect((await client.read(id, { revision: commitOf('a') })).preset).toMatchObject({ revision: commitOf('a'), weightsGiB: 2.05 });
    expect(hub.requests).toHaveLength(count);
  });

  it('stands in when the hub cannot be reached, and says of which day it is', async () => {
    const hub = await startHub([tinyLlama]);
    const client = openHub(hub);
    await client.read(id);
    client.clock.timeMs += 90 * minuteMs;
    hub.intercept = (request) => void request.socket.destroy();
    const { preset, notes } = await client.read(id);
    expect(preset.revision).toBe(commitOf('a'));
    expect(notes).toEqual([expect.stringMatching(/cannot be reached.*as it was at commit aaaaaaaaaaaa, read on 2026-06-18/)]);
  });

  it('does not stand in for another hub: what a mirror says is not believed of Hugging Face', async () => {
    const cacheFolder = temporaryFolder();
    await openHub(await startHub([tinyLlama]), { cacheFolder }).read(id);
    await expect(openHub({ endpoint: 'http://127.0.0.1:1' }, { cacheFolder }).read(id)).rejects.toMatchObject({
      reason: 'HubUnreachable', message: expect.stringMatching(/127\.0\.0\.1:1 cannot be reached/), hints: expect.arrayContaining(['Models of the catalogue need no hub: kaito-ts presets']),
    });
  });

  it.each([500, 503, 429])('stands in when the hub answers %i', async (status) => {
    const hub = await startHub([tinyLlama]);
    const client = openHub(hub);
    await client.read(id);
    client.clock.timeMs += 90 * minuteMs;
    hub.intercept = (_, response) => response.writeHead(status).end('busy');
    expect((await client.read(id)).notes).toHaveLength(1);
    await expect(client.read('other/model')).rejects.toMatchObject({ constructor: FailedError, fact: expect.stringContaining(String(status)) });
  });

  it('does not stand in for a model that was taken away', async () => {
    const hub = await startHub([tinyLlama]);
    const client = openHub(hub);
    await client.read(id);
    client.clock.timeMs += 90 * minuteMs;
    hub.repositories.clear();
    await expect(client.read(id)).rejects.toBeInstanceOf(NotFoundError);
  });

  it('is read anew when it is damaged', async () => {
    const hub = await startHub([tinyLlama]);
    const client = openHub(hub);
    await client.read(id);
    const files = readdirSync(client.settings.cacheFolder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.json'));
    expect(files.map((file) => file.replace(/^.*[\\/]/, '')).sort()).toEqual([`${commitOf('a')}.json`, 'head.json']);
    const damages: ((text: string) => string)[] = [() => '', (text) => text.slice(0, -9), () => 'null', () => '{"format":1,"facts":{}}', (text) => text.replace(tinyLlama.id, '$(reboot)/x').replace(/"checkedAtMs":\d+/, '"checkedAtMs":1e300')];
    for (const damage of damages) {
      for (const file of files) {
        const path = join(client.settings.cacheFolder, file);
        writeFileSync(path, damage(readFileSync(path, 'utf8')));
      }
      const count = hub.requests.length;
      expect((await client.read(id)).preset).toMatchObject({ weightsGiB: 2.05, huggingFaceId: tinyLlama.id });
      // All questions again, redirection included.
      expect(hub.requests.length).toBe(count + 4);
    }
  });

  it('is not believed about a day that no calendar has', async () => {
    const hub = await startHub([tinyLlama]);
    const client = openHub(hub);
    await client.read(id);
    const head = readdirSync(client.settings.cacheFolder, { recursive: true, encoding: 'utf8' }).find((file) => file.endsWith('head.json')) ?? '';
    writeFileSync(join(client.settings.cacheFolder, head), JSON.stringify({ commit: commitOf('a'), checkedAtMs: 9e15 }));
    hub.intercept = (request) => void request.socket.destroy();
    await expect(client.read(id)).rejects.toMatchObject({ reason: 'HubUnreachable' });
  });

  it('is done without where nothing can be written', async () => {
    const hub = await startHub([tinyLlama]);
    expect((await openHub(hub, { cacheFolder: '/dev/null/no' }).read(id)).preset.weightsGiB).toBe(2.05);
  });
});
