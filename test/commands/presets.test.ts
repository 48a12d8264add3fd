import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import { commitOf, startHub, temporaryFolder, tinyLlama, type LoopbackHub } from '../hub/support.ts';
import { runCli, type CliResult } from '../support/cli.ts';
import { useSandbox } from '../support/sandbox.ts';

const json = ({ stdout }: CliResult): Record<string, unknown> => JSON.parse(stdout);

const environmentOf = (hub: Pick<LoopbackHub, 'endpoint'>, extra: Record<string, string> = {}): Record<string, string> => ({ HF_ENDPOINT: hub.endpoint, XDG_CACHE_HOME: temporaryFolder(), ...extra });

describe('presets', () => {
  it.each([['phi-3-mini'], ['microsoft/Phi-3-mini-128k-instruct'], ['mistral-7b']])('shows %s of the catalogue without asking anybody', async (name) => {
    const hub = await startHub([]);
    const result = await runCli(['presets', name, '-o', 'json'], { environment: environmentOf(hub) });
    expect(json(result)).not.toHaveProperty('isFromHub');
    expect(result).toMatchObject({ stderr: '', exitCode: exitCodes.done });
    expect(hub.requests).toEqual([]);
  });

  it('is a preset on each line for jq', async () => {
    const { stdout } = await runCli(['presets', '-o', 'ndjson']);
    const lines = stdout.trimEnd().split('\n').map((line): Record<string, unknown> => JSON.parse(line));
    expect(lines).toHaveLength(60);
    expect(lines[0]).toMatchObject({ name: expect.any(String), huggingFaceId: expect.any(String), weightsGiB: expect.any(Number) });
    expect(JSON.parse((await runCli(['presets', 'phi-4', '-o', 'ndjson'])).stdout)).toMatchObject({ name: 'phi-4' });
  });

  it('shows any model of Hugging Face, and the second time without asking', async () => {
    const hub = await startHub([tinyLlama]);
    const environment = environmentOf(hub);
    const first = await runCli(['presets', 'tinyllama/tinyllama-1.1b-chat-v1.0', '-o', 'json'], { environment });
    expect(json(first)).toMatchObject({ huggingFaceId: tinyLlama.id, revision: commitOf('a'), weightsGiB: 2.05, isFromHub: true });
    const count = hub.requests.length;
    expect((await runCli(['presets', tinyLlama.id, '-o', 'json'], { environment })).stdout).toBe(first.stdout);
    expect(hub.requests).toHaveLength(count);
  });

  it.each([
    ['is gated', [{ ...tinyLlama, gated: 'manual' as const, token: 'hf_x' }], tinyLlama.id, exitCodes.access, /Accept its licence at [^]*HF_TOKEN/],
    ['is missing, with the nearest of the catalogue', [], 'microsoft/phi-44', exitCodes.notFound, /Nearest in the catalogue: .*phi-4/],
    ['has an architecture that vLLM does not know', [{ ...tinyLlama, files: { 'config.json': '{"architectures":["FooForCausalLM"]}' } }], tinyLlama.id, exitCodes.preflightRefused, /FooForCausalLM/],
  ])('says what to do when a model %s', async (_, repositories, id, exitCode, text) => {
    const result = await runCli(['presets', id], { environment: environmentOf(await startHub(repositories)) });
    expect(result.stderr).toMatch(text);
    expect(result).toMatchObject({ stdout: '', exitCode });
  });

  it('says that the hub cannot be reached, and which models need none', async () => {
    const result = await runCli(['presets', tinyLlama.id], { environment: environmentOf({ endpoint: 'http://127.0.0.1:1' }) });
    expect(result.stderr).toMatch(/127\.0\.0\.1:1 cannot be reached[^]*kaito-ts presets/);
    expect(result.exitCode).toBe(exitCodes.failed);
  });
});

describe('serving a model of the hub', () => {
  const sandbox = useSandbox();

  it('names it by its id, pins it to its commit, and stays there when the model moves on', async () => {
    const hub = await startHub([tinyLlama]);
    const environment = environmentOf(hub);
    const args = ['serve', '--preset', 'tinyllama/tinyllama-1.1b-chat-v1.0', '-o', 'json'];
    const planned = json(await sandbox.run([...args, '--dry-run'], { environment }));
    expect(JSON.stringify(planned)).toContain(`--revision=${commitOf('a')}`);
    const served = await sandbox.run(args, { environment });
    expect(json(served)).toMatchObject({ model: 'tinyllama-1.1b-chat-v1.0', ready: true });
    hub.repositories.set(tinyLlama.id, { ...tinyLlama, sha: commitOf('b'), earlier: [commitOf('a')] });
    // From another machine, which has no copy of the earlier commit.
    const again = json(await sandbox.run([...args, '--dry-run'], { environment: environmentOf(hub) }));
    expect(hub.requests).toContain(`/api/models/${tinyLlama.id}/revision/${commitOf('a')}`);
    expect(again).toMatchObject({ workspace: { inference: { preset: { name: tinyLlama.id } }, metadata: { annotations: { 'kaito-ts/model-commit': commitOf('a') } } } });
    expect(JSON.stringify(again['steps'])).not.toContain('"apply"');
    const byName = await sandbox.run(['serve', 'tinyllama-1-1b-chat-v1-0', '--dry-run', '-o', 'json'], { environment });
    expect(json(byName)).toMatchObject({ workspace: { inference: { preset: { name: tinyLlama.id } } } });
  }, 60_000);

  it('cannot be tuned, and that needs no hub', async () => {
    const result = await sandbox.run(['tune', '--preset', tinyLlama.id], { environment: { HF_ENDPOINT: 'http://127.0.0.1:1' } });
    expect(result.stderr).toMatch(/cannot be tuned/);
    expect(result.exitCode).toBe(exitCodes.preflightRefused);
  });
});
