import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KaitoError } from '../../src/domain/errors.ts';
import { startupBudgetSeconds } from '../../src/runtimes/runtime.ts';
import { runtimes } from '../../src/runtimes/index.ts';
import { dataFolder, hasData } from '../support/project.ts';
import { commitOf, openHub, startHub } from './support.ts';

interface Recorded {
  id: string;
  model: string;
  token: string;
  stub: { status: number; tree: string; files: Record<string, string> };
  result: { error?: string; inference?: { architectures: string[]; bytesPerToken: number; modelFileSize: string; modelTokenLimit: number; name: string; quantMethod: string; readinessTimeoutSeconds: number; requiresCUDAToolkit: boolean; requiresDeepGEMM: boolean; vllmModelRunParams: Record<string, string> } };
}

const cases: Recorded[] = hasData ? JSON.parse(readFileSync(join(dataFolder, 'kaito-answers/hf-live.json'), 'utf8')) : [];

describe.skipIf(!hasData)('models outside the catalogue, as KAITO reads them (needs ../shared/data/kaito-answers/hf-live.json)', () => {
  it('covers some of each kind', () => {
    expect(cases.filter(({ result }) => result.error !== undefined).length).toBeGreaterThan(1);
    expect(cases.filter(({ result }) => result.inference).length).toBeGreaterThan(3);
  });

  it.each(cases)('agrees about $id', async ({ model, token, stub, result }) => {
    const hub = await startHub([{ id: model, sha: commitOf('d'), tree: JSON.parse(stub.tree), files: stub.files }]);
    if (stub.status !== 0) hub.intercept = (_, response) => response.writeHead(stub.status).end();
    const reading = openHub(hub, token === '' ? {} : { token }).read(model);
    if (!result.inference) {
      const failure: unknown = await reading.catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(KaitoError);
      if (result.error?.startsWith('unsupported model architecture')) expect(failure).toMatchObject({ reason: 'UnsupportedArchitecture' });
      return;
    }
    const { preset } = await reading;
    const { inference } = result;
    expect({
      name: preset.name, architectures: preset.architectures, bytesPerToken: preset.kvCacheBytesPerToken, modelFileSize: `${preset.weightsGiB.toFixed(2)}Gi`, modelTokenLimit: preset.contextLengthTokens,
      quantMethod: preset.quantization ?? '', readinessTimeoutSeconds: startupBudgetSeconds(preset), requiresCUDAToolkit: preset.vllm.requiresCudaToolkit ?? false, requiresDeepGEMM: preset.vllm.requiresDeepGemm ?? false,
    }).toEqual({
      name: inference.name, architectures: inference.architectures, bytesPerToken: inference.bytesPerToken, modelFileSize: inference.modelFileSize, modelTokenLimit: inference.modelTokenLimit,
      quantMethod: inference.quantMethod, readinessTimeoutSeconds: inference.readinessTimeoutSeconds, requiresCUDAToolkit: inference.requiresCUDAToolkit, requiresDeepGEMM: inference.requiresDeepGEMM,
    });
    const { flags } = runtimes.vllm.server({ preset, machine: { gpuCount: 1, gpuModel: 'NVIDIA A100', gpuMemoryGiB: 80 }, nodeCount: 1, adapterRanks: [], hasConfig: false });
    expect(flags).toMatchObject(inference.vllmModelRunParams);
    for (const flag of ['tool-call-parser', 'reasoning-parser', 'chat-template']) expect(flags[flag]).toBe(inference.vllmModelRunParams[flag]);
    expect(flags['revision']).toBe(commitOf('d'));
  });
});
