import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import { runCli, type CliResult } from '../support/cli.ts';

const json = ({ stdout }: CliResult): Record<string, unknown> => JSON.parse(stdout);

describe('instance-types', () => {
  it.each([['azure', 14], ['aws', 35], ['arc', 8]])('lists those of %s: %i', async (cloud, count) => {
    const result = await runCli(['instance-types', '--cloud', cloud, '-o', 'json']);
    expect(json(result)).toMatchObject({ cloud, region: 'eastus' });
    expect(json(result)['items']).toHaveLength(count);
    expect(result).toMatchObject({ stderr: '', exitCode: exitCodes.done });
  });

  it('ranks them for a model, the cheapest that fits first, with the reason for what does not', async () => {
    const { stdout, stderr } = await runCli(['instance-types', '--preset', 'phi-4', '--method', 'qlora']);
    const [heading, first, ...rest] = stdout.trimEnd().split('\n');
    expect(heading).toMatch(/^NAME +NODES +GPUS +GPU MEMORY +NEED +\$\/HOUR IN EASTUS +FITS$/);
    expect(first).toMatch(/^Standard_NV36ads_A10_v5 +1 +1 +24 GiB +14\.8 GiB +3\.20 +yes$/);
    expect(rest.at(-1)).toMatch(/no: has AMD Radeon PRO V620/);
    expect(stderr).toBe('');
  });

  it('gives machines the same ranking', async () => {
    expect(json(await runCli(['instance-types', '--preset', 'llama-3.3-70b-instruct', '--context-length', '2048', '--region', 'westeurope', '-o', 'json']))).toMatchObject({
      preset: 'meta-llama/Llama-3.3-70B-Instruct', cloud: 'azure', region: 'westeurope', contextLengthTokens: 2048,
      items: expect.arrayContaining([expect.objectContaining({ name: 'Standard_NC24ads_A100_v4', fits: true, nodes: 3, perHourUsd: expect.closeTo(3 * 4.775, 6) }), expect.objectContaining({ name: 'Standard_NG32ads_V620_v1', fits: false })]),
    });
  });

  it('answers a size that is out of use with what to take instead', async () => {
    const result = await runCli(['instance-types', 'Standard_NC6s_v3']);
    expect(result.stderr).toMatch(/V100.*Take Standard_NV36ads_A10_v5 instead/);
    expect(result.stdout.trimEnd().split('\n').slice(1)).toEqual([expect.stringMatching(/^Standard_NV36ads_A10_v5 /)]);
    expect(json(await runCli(['instance-types', 'Standard_NC6s_v3', '-o', 'json']))).toMatchObject({ name: 'Standard_NV36ads_A10_v5', replaces: { name: 'Standard_NC6s_v3' } });
  });

  it('names the regions that have prices when one has none, and what may have been meant', async () => {
    const { stderr, exitCode } = await runCli(['instance-types', '--region', 'west europ']);
    expect(stderr).toMatch(/^warning: No list prices are known in a region "west europ"\.$/m);
    expect(stderr).toMatch(/Did you mean --region westeurope\?/);
    expect(stderr).toMatch(/Azure's price list of \d{4}-\d\d-\d\d has GPU machines in: australiaeast, .*westus3\./);
    expect(exitCode).toBe(exitCodes.done);
    expect((await runCli(['instance-types', '--region', 'Neverland'])).stderr).not.toMatch(/Did you mean/);
  });

  it('is a row on each line for jq, with what the rows have in common', async () => {
    const rows = async (...args: string[]): Promise<unknown[]> => (await runCli(['instance-types', ...args, '-o', 'ndjson'])).stdout.trimEnd().split('\n').map((line): unknown => JSON.parse(line));
    expect(await rows()).toHaveLength(14);
    expect(await rows('--region', 'nowhere')).toHaveLength(14);
    const [first] = await rows('--preset', 'phi-4', '--method', 'qlora');
    expect(first).toMatchObject({ name: 'Standard_NV36ads_A10_v5', fits: true, cloud: 'azure', region: 'eastus', preset: 'microsoft/phi-4', method: 'qlora' });
  });

  it('takes a method that is set for tuning for no mistake', async () => {
    expect(await runCli(['instance-types'], { environment: { KAITO_METHOD: 'lora' } })).toMatchObject({ stderr: '', exitCode: exitCodes.done });
  });

  it('judges one machine for a model', async () => {
    expect(json(await runCli(['instance-types', 'g5.xlarge', '--preset', 'phi-4', '-o', 'json']))).toMatchObject({ cloud: 'aws', items: [{ name: 'g5.xlarge', nodes: 2, fits: true }] });
  });

  it.each([
    ['an unknown one', ['g5.xlrge'], exitCodes.notFound, /Nearest: g5\.xlarge/],
    ['a method without a model', ['--method', 'lora'], exitCodes.usage, /Add --preset/],
    ['a model that cannot be tuned', ['--preset', 'llama-3.1-8b-instruct', '--method', 'lora'], exitCodes.preflightRefused, /cannot be tuned/],
    ['a model of the hub for tuning, without asking the hub', ['--preset', 'someone/model', '--method', 'lora'], exitCodes.preflightRefused, /someone\/model cannot be tuned/],
    ['a longer context than the model has', ['--preset', 'phi-4', '--context-length', '16385'], exitCodes.usage, /phi-4 has a context of 16384 tokens, and 16385 were asked for[^]*--context-length 16384/],
    ['an unknown cloud', ['--cloud', 'gcp'], exitCodes.usage, /azure, aws, arc/],
  ])('refuses %s', async (_, args, exitCode, text) => {
    const result = await runCli(['instance-types', ...args], { environment: { HF_ENDPOINT: 'http://127.0.0.1:1' } });
    expect(result.stderr).toMatch(text);
    expect(result).toMatchObject({ stdout: '', exitCode });
  });
});
