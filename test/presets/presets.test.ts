import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { TuningSettings } from '../../src/domain/preset.ts';
import { readPreset } from '../../src/manifests/files.ts';
import { runtimes } from '../../src/runtimes/index.ts';
import { startupBudgetSeconds } from '../../src/runtimes/runtime.ts';
import { presetFolder, presetNamed, presets } from './support.ts';

const kaitoCatalogue = new URL('../../../shared/data/presets.json', import.meta.url);

describe('presets', () => {
  it('has all 60 models of KAITO and the 25 names that its operator gives them', () => {
    expect(presets).toHaveLength(60);
    expect(presets.flatMap(({ aliases }) => aliases)).toHaveLength(25);
  });

  it('gives no name to two models', () => {
    const names = presets.flatMap(({ name, aliases, shortNames, huggingFaceId }) => [...new Set([name, ...aliases, ...shortNames, huggingFaceId.toLowerCase()])]);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it('names each model after its Hugging Face id', () => {
    for (const { name, huggingFaceId } of presets) expect(huggingFaceId.toLowerCase().split('/')[1]).toBe(name);
  });

  it('can tune nine models, with weights for all of them', () => {
    const tunable = presets.filter(({ tuning }) => tuning);
    expect(tunable.map(({ name }) => name)).toEqual([
      'phi-3-medium-128k-instruct', 'phi-3-medium-4k-instruct', 'phi-3-mini-128k-instruct', 'phi-3-mini-4k-instruct', 'phi-3.5-mini-instruct',
      'phi-4-mini-instruct', 'phi-4', 'qwen2.5-coder-32b-instruct', 'qwen2.5-coder-7b-instruct',
    ]);
    for (const { tuning } of tunable) expect(tuning?.weightsImage).toMatch(/^mcr\.microsoft\.com\/aks\/kaito\/kaito-[a-z0-9.-]+:\d+\.\d+\.\d+$/);
  });

  it.each(presets.flatMap(({ name, tuning, weightsGiB }) => (tuning ? [{ name, tuning, weightsGiB }] : [])))('has sizes of $name that add up to its parameter count and its weights', ({ tuning, weightsGiB }) => {
    expect(countParameters(tuning)).toBe(tuning.parameterCount);
    expect((tuning.parameterCount * 2) / 2 ** 30).toBeCloseTo(weightsGiB, 1);
  });

  it.each(presets.flatMap(({ name, tuning, architectures }) => (tuning ? [{ name, tuning, architectures }] : [])))('trains layers of $name that its architecture has', ({ tuning, architectures }) => {
    const layers = architectures.includes('Phi3ForCausalLM') ? ['qkv_proj', 'o_proj', 'gate_up_proj', 'down_proj'] : ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'];
    expect(tuning.targetModules).toEqual(layers);
  });

  it('reads one file when the exact name is known, and none for a name that leads elsewhere', async () => {
    expect(await readPreset(presetFolder, 'phi-4')).toEqual(presetNamed('phi-4'));
    expect(await readPreset(presetFolder, 'phi-3-mini')).toBeUndefined();
    expect(await readPreset(presetFolder, '../package')).toBeUndefined();
  });
});

describe.skipIf(!existsSync(kaitoCatalogue))('presets against KAITO\'s catalogue (needs ../shared/data/presets.json)', () => {
  interface Entry {
    hfId: string;
    shortName: string;
    legacyAlias: string | null;
    unreachable?: boolean;
    license: string;
    modelFileSizeGiB: number;
    contextLength: number;
    kvBytesPerToken: number;
    architectures: string[];
    quantMethod: string | null;
    toolCallParser: string | null;
    reasoningParser: string | null;
    chatTemplate: string | null;
    gated: boolean;
    kvCacheCpuOffloadDisabled: boolean;
    requiresDeepGEMM: boolean;
    requiresCUDAToolkit: boolean;
    startupProbeFailureThreshold: number;
    supportedModelsYaml: { version: string } | null;
    vllmModelRunParams: Record<string, string>;
    transformers: { modelRunParams: Record<string, string> } | null;
    tuning: { usable: boolean; weightsImage: string; methods: string[] } | null;
  }
  const entries: Entry[] = existsSync(kaitoCatalogue) ? JSON.parse(readFileSync(kaitoCatalogue, 'utf8')) : [];
  const reachable = entries.filter(({ unreachable }) => !unreachable);

  it('leaves out none and adds none', () => {
    expect(presets.map(({ huggingFaceId }) => huggingFaceId).sort()).toEqual(reachable.map(({ hfId }) => hfId).sort());
  });

  it.each(reachable)('agrees about $shortName', (entry) => {
    const preset = presetNamed(entry.shortName);
    expect({
      alias: preset.aliases[0] ?? null,
      license: preset.license,
      weights: preset.weightsGiB,
      context: preset.contextLengthTokens,
      kvCache: preset.kvCacheBytesPerToken,
      architectures: preset.architectures,
      quantization: preset.quantization ?? null,
      revision: preset.revision,
      toolCallParser: preset.vllm.toolCallParser ?? null,
      reasoningParser: preset.vllm.reasoningParser ?? null,
      chatTemplate: preset.vllm.chatTemplate ?? null,
      offload: preset.vllm.disableKvCacheCpuOffload ?? false,
      deepGemm: preset.vllm.requiresDeepGemm ?? false,
      toolkit: preset.vllm.requiresCudaToolkit ?? false,
      threshold: Math.ceil(startupBudgetSeconds(preset) / 10),
      weightsImage: preset.tuning?.weightsImage,
      methods: preset.tuning?.methods,
    }).toEqual({
      alias: entry.legacyAlias,
      license: entry.license,
      weights: entry.modelFileSizeGiB,
      context: entry.contextLength,
      kvCache: entry.kvBytesPerToken,
      architectures: entry.architectures,
      quantization: entry.quantMethod,
      revision: entry.supportedModelsYaml?.version.split('/commit/')[1],
      toolCallParser: entry.toolCallParser,
      reasoningParser: entry.reasoningParser,
      chatTemplate: entry.chatTemplate,
      offload: entry.kvCacheCpuOffloadDisabled,
      deepGemm: entry.requiresDeepGEMM,
      toolkit: entry.requiresCUDAToolkit,
      threshold: entry.startupProbeFailureThreshold,
      weightsImage: entry.tuning?.usable ? entry.tuning.weightsImage : undefined,
      methods: entry.tuning?.usable ? entry.tuning.methods : undefined,
    });
    const machine = { gpuCount: 1, gpuModel: 'NVIDIA A100', gpuMemoryGiB: 80 };
    const request = { preset, machine, nodeCount: 1, adapterRanks: [], hasConfig: false };
    expect(runtimes.vllm.server(request).flags).toMatchObject(entry.vllmModelRunParams);
    expect(runtimes.transformers.refuse(preset, 1) === undefined).toBe(entry.transformers !== null);
    if (entry.transformers) expect(runtimes.transformers.server(request).flags).toMatchObject(entry.transformers.modelRunParams);
  });

  it('knows more gated models than KAITO does', () => {
    const gated = reachable.filter(({ gated }) => gated).map(({ shortName }) => shortName);
    expect(presets.filter((preset) => preset.gated).map(({ name }) => name)).toEqual(['gemma-3-27b-it', 'gemma-3-4b-it', ...gated].sort());
  });
});

const countParameters = ({ hiddenSize, intermediateSize, keyValueSize, layerCount, vocabularySize, tiedEmbeddings, targetModules }: TuningSettings): number => {
  const attention = 2 * hiddenSize * hiddenSize + 2 * hiddenSize * keyValueSize;
  const biases = targetModules.includes('q_proj') ? hiddenSize + 2 * keyValueSize : 0;
  const layer = attention + biases + 3 * hiddenSize * intermediateSize + 2 * hiddenSize;
  return layerCount * layer + hiddenSize + vocabularySize * hiddenSize * (tiedEmbeddings ? 1 : 2);
};
