import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { findInstanceType } from '../../src/domain/azure-instance-types.ts';
import { findPreset } from '../../src/domain/preset-catalogue.ts';
import { estimateNodes, type NodeEstimate } from '../../src/plan/estimate-nodes.ts';
import { presetNamed, presets } from '../presets/support.ts';

const estimate = (presetName: string, instanceType: string, contextLengthTokens?: number): NodeEstimate => {
  const type = findInstanceType(instanceType);
  if (!type) throw new Error(`There is no instance type ${instanceType}.`);
  const { gpuCount, gpuMemoryGiB } = type;
  return estimateNodes({ preset: presetNamed(presetName), gpuCount, gpuMemoryGiB: gpuMemoryGiB / gpuCount, ...(contextLengthTokens === undefined ? {} : { contextLengthTokens }) });
};

describe('estimateNodes', () => {
  it.each([
    ['phi-4-mini-instruct', 'Standard_NC24ads_A100_v4', 1],
    ['phi-4-mini-instruct', 'Standard_NV36ads_A10_v5', 1],
    ['llama-3.1-8b-instruct', 'Standard_NV36ads_A10_v5', 1],
    ['llama-3.3-70b-instruct', 'Standard_NC24ads_A100_v4', 3],
    ['llama-3.3-70b-instruct', 'Standard_NV36ads_A10_v5', 9],
    ['llama-3.3-70b-instruct', 'Standard_NC48ads_A100_v4', 2],
    ['llama-3.3-70b-instruct', 'Standard_NC96ads_A100_v4', 1],
    ['deepseek-v4-pro', 'Standard_ND96isr_H100_v5', 2],
  ])('puts %s on %s nodes: %i', (preset, instanceType, nodeCount) => {
    expect(estimate(preset, instanceType)).toMatchObject({ nodeCount });
  });

  it('needs more nodes for longer contexts', () => {
    expect(estimate('phi-4-mini-instruct', 'Standard_NV36ads_A10_v5', 131_072)).toMatchObject({ nodeCount: 5, contextLengthTokens: 131_072, kvCacheGiB: 16 });
    expect(estimate('llama-3.3-70b-instruct', 'Standard_NC24ads_A100_v4', 131_072)).toMatchObject({ nodeCount: 6 });
  });

  it('takes one GPU more from the size on that two would just hold, and one node more from the size that its GPUs would', () => {
    // 61.81 GiB of weights fit on a GPU of 80, and a GiB in files is 1.02 in memory.
    const count = (weightsGiB: number, gpuCount: number): unknown => {
      const estimated = estimateNodes({ preset: { weightsGiB, kvCacheBytesPerToken: 0 }, gpuCount, gpuMemoryGiB: 80 });
      return 'refusal' in estimated ? estimated.refusal : estimated.nodeCount;
    };
    expect([count(60.59, 1), count(60.6, 1), count(121.19, 1), count(121.2, 1)]).toEqual([1, 2, 2, 3]);
    expect([count(121.19, 2), count(121.2, 2), count(242.38, 2), count(242.4, 2)]).toEqual([1, 2, 2, 3]);
  });

  it('needs what the server itself takes, and a little for the model', () => {
    const on = (gpuMemoryGiB: number) => estimateNodes({ preset: { weightsGiB: 0.001, kvCacheBytesPerToken: 0 }, gpuCount: 1, gpuMemoryGiB });
    expect(on(2.3 / 0.84)).toHaveProperty('refusal');
    expect(on(2.3 / 0.84 + 0.01)).toMatchObject({ nodeCount: 1 });
  });

  it('says the numbers behind its answer', () => {
    expect(estimate('phi-4-mini-instruct', 'Standard_NC24ads_A100_v4')).toEqual({
      nodeCount: 1, gpuCount: 1, usableGiB: expect.closeTo(67.2, 3), weightsPerGpuGiB: expect.closeTo(61.571, 3), kvCacheGiB: 0.25, neededGiB: expect.closeTo(10.208, 3), contextLengthTokens: 2048,
    });
  });

  it('refuses a GPU that cannot even hold the context, and says by how much', () => {
    expect(estimate('phi-3-mini-128k-instruct', 'Standard_NV36ads_A10_v5', 131_072)).toEqual({
      refusal: 'its GPUs have 24 GiB each, of which 20.2 GiB are usable, and a context of 131072 tokens alone needs 50.3 GiB (48.0 GiB of it KV cache)',
    });
  });
});

const answers = new URL('../../../shared/data/kaito-answers/node-counts.json', import.meta.url);

describe.skipIf(!existsSync(answers))("estimateNodes against KAITO's own answers (needs ../shared/data/kaito-answers)", () => {
  interface Answer {
    id: string;
    kind: 'nap' | 'byo' | 'nap-extra' | 'partition';
    contextLength?: number | 'default';
    env: { featureGates: Record<string, boolean>; objects: { kind: string; metadata: { labels?: Record<string, string> }; data?: Record<string, string>; status?: { conditions: { type: string; status: string }[] } }[] };
    workspace: { metadata: { annotations?: Record<string, string> }; inference?: { preset?: { name: string } }; resource: { instanceType?: string; labelSelector: { matchLabels?: Record<string, string> }; partition?: { mode: string; profile?: string; count?: number } } };
    result: { targetNodeCount?: number; error?: string; panic?: string };
  }
  const all: Answer[] = existsSync(answers) ? JSON.parse(readFileSync(answers, 'utf8')) : [];

  /** Of the first Ready node that is selected, as KAITO takes it. */
  const readyGpus = ({ env, workspace }: Answer) => {
    const selector = Object.entries(workspace.resource.labelSelector.matchLabels ?? {});
    const node = env.objects.find(
      ({ kind, metadata, status }) => kind === 'Node' && status?.conditions.some(({ type, status: value }) => type === 'Ready' && value === 'True') && selector.every(([key, value]) => metadata.labels?.[key] === value),
    );
    const read = (name: string): number => (/^\d+$/.test(node?.metadata.labels?.[name] ?? '') ? Number(node?.metadata.labels?.[name]) : 0);
    const gpuCount = read('nvidia.com/gpu.count');
    const gpuMemoryGiB = Math.round(read('nvidia.com/gpu.memory') / 1024);
    return gpuCount > 0 && gpuMemoryGiB > 0 ? { gpuCount, gpuMemoryGiB } : undefined;
  };

  /** What is not asked of the estimate here: other parts of the plan decide it, or nobody could express it. */
  const notAsked: [reason: string, applies: (answer: Answer) => boolean][] = [
    ['another runtime, whose node count is what was asked for', ({ workspace }) => workspace.metadata.annotations?.['kaito.sh/runtime'] === 'transformers'],
    ['a template of pods without a preset', ({ workspace }) => workspace.inference?.preset === undefined],
    ['a preset that is not in the catalogue', ({ workspace }) => findPreset(presets, workspace.inference?.preset?.name ?? '').kind !== 'found'],
    ["KAITO's line scanner, which reads a configuration otherwise than YAML", ({ id }) => id.startsWith('napx/cfg-')],
    ['an instance type that is not in the table', ({ kind, workspace }) => kind.startsWith('nap') && findInstanceType(workspace.resource.instanceType ?? '') === undefined],
    ['an instance type with spaces around it, which we take', ({ workspace: { resource } }) => resource.instanceType !== resource.instanceType?.trim()],
    ['parts of GPUs other than MIG profiles', ({ workspace }) => workspace.resource.partition?.mode === 'accelerator'],
    ['a MIG profile that is none', ({ workspace: { resource } }) => resource.partition?.mode === 'mig' && !/^\d+g\.[\d.]+gb$/.test(resource.partition.profile ?? '')],
    ['MIG that node labels tell of', ({ env }) => env.objects.some(({ metadata }) => metadata.labels?.['nvidia.com/mig.config'] !== undefined)],
    ['nodes that do not tell their GPUs in whole numbers, or are not the ones selected', (answer) => answer.kind === 'byo' && readyGpus(answer) === undefined],
  ];

  const asked = all.filter((answer) => !notAsked.some(([, applies]) => applies(answer)));

  it('leaves out few cases, each for a reason', () => {
    expect(asked.length).toBeGreaterThan(1000);
    for (const [reason, applies] of notAsked) expect(all.some(applies), reason).toBe(true);
  });

  it('comes to the same node count, or refuses where KAITO refuses, in every case', () => {
    const differences = asked.flatMap((answer) => {
      const ours = estimateFor(answer);
      const theirs = answer.result.targetNodeCount ?? 'refused';
      return ours === theirs ? [] : [`${answer.id}: ${ours} instead of ${theirs}`];
    });
    expect(differences).toEqual([]);
  });

  const estimateFor = (answer: Answer): number | 'refused' => {
    const { workspace, contextLength } = answer;
    const found = findPreset(presets, workspace.inference?.preset?.name ?? '');
    const gpus = gpusOf(answer);
    if (found.kind !== 'found' || !gpus) throw new Error(`${answer.id} cannot be asked.`);
    const fromConfig = answer.env.objects.map(({ data }) => /^vllm:\s+max-model-len: (\d+)$/m.exec(data?.['inference_config.yaml'] ?? '')?.[1]).find((value) => value !== undefined);
    const tokens = typeof contextLength === 'number' ? contextLength : fromConfig === undefined ? undefined : Number(fromConfig);
    const estimated = estimateNodes({ preset: found.preset, ...gpus, ...(tokens === undefined ? {} : { contextLengthTokens: tokens }) });
    if ('refusal' in estimated) return 'refused';
    // A part of a GPU cannot be joined with others.
    return workspace.resource.partition && answer.kind === 'partition' && isByo(answer) && estimated.nodeCount > 1 ? 'refused' : estimated.nodeCount;
  };

  const isByo = ({ workspace }: Answer): boolean => workspace.resource.instanceType === undefined;

  const gpusOf = (answer: Answer): { gpuCount: number; gpuMemoryGiB: number } | undefined => {
    const profile = answer.workspace.resource.partition?.profile;
    if (isByo(answer) && profile !== undefined) return { gpuCount: 1, gpuMemoryGiB: Math.floor(Number(/\.([\d.]+)gb$/.exec(profile)?.[1])) };
    const type = findInstanceType(answer.workspace.resource.instanceType ?? '');
    return type ? { gpuCount: type.gpuCount, gpuMemoryGiB: type.gpuMemoryGiB / type.gpuCount } : readyGpus(answer);
  };
});
