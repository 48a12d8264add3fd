import { describe, expect, it } from 'vitest';
import { runtimes, toRuntimeName } from '../../src/runtimes/index.ts';
import { parallelismFlags } from '../../src/runtimes/parallelism.ts';
import { renderFlags, startupBudgetSeconds, type ServerRequest } from '../../src/runtimes/runtime.ts';
import { toLoraRankLimit } from '../../src/runtimes/vllm.ts';
import { presetNamed, presets } from '../presets/support.ts';

const a100 = { gpuCount: 1, gpuModel: 'NVIDIA A100', gpuMemoryGiB: 80 };
const request = (presetName: string, change: Partial<ServerRequest> = {}): ServerRequest => ({
  preset: presetNamed(presetName), machine: a100, nodeCount: 1, adapterRanks: [], hasConfig: false, ...change,
});

describe('parallelismFlags', () => {
  const machine = (gpuCount: number, gpuMemoryGiB: number) => ({ gpuCount, gpuMemoryGiB });
  it.each([
    ['one GPU holds it', 7.15, machine(1, 80), 1, { 'tensor-parallel-size': '1' }],
    ['each of two GPUs holds it twice', 7.15, machine(2, 80), 1, { 'data-parallel-size': '2', 'tensor-parallel-size': '1', 'kaito-kv-cache-cpu-memory-utilization': '0' }],
    ['it fills more than half of each of two GPUs', 14.96, machine(2, 24), 1, { 'tensor-parallel-size': '2' }],
    ['it fills exactly half of a GPU', 40, machine(2, 80), 1, { 'tensor-parallel-size': '2' }],
    ['it needs three nodes', 131.42, machine(1, 80), 3, { 'tensor-parallel-size': '1', 'pipeline-parallel-size': '3', 'distributed-executor-backend': 'ray', 'kaito-kv-cache-cpu-memory-utilization': '0' }],
    ['it is small, and on several nodes all the same', 7.15, machine(2, 80), 2, { 'tensor-parallel-size': '2', 'pipeline-parallel-size': '2', 'distributed-executor-backend': 'ray', 'kaito-kv-cache-cpu-memory-utilization': '0' }],
  ])('when %s', (_, weightsGiB, machine, nodeCount, flags) => {
    expect(parallelismFlags({ weightsGiB, ...machine, nodeCount })).toEqual(flags);
  });
});

describe('vLLM', () => {
  it('serves in the model\'s own letter case, pinned where a commit is known', () => {
    expect(runtimes.vllm.server(request('phi-4-mini-instruct')).flags).toMatchObject({ model: 'microsoft/Phi-4-mini-instruct', revision: 'c0fb9e74abda11b496b7907a9c6c9009a7a0488f', 'served-model-name': 'phi-4-mini-instruct' });
    expect(runtimes.vllm.server(request('qwen3-8b-awq')).flags).not.toHaveProperty('revision');
  });

  it('takes less of an A10, and of nothing whose name only begins like it', () => {
    const utilization = (gpuModel: string) => runtimes.vllm.server(request('phi-4', { machine: { ...a100, gpuModel } })).flags['gpu-memory-utilization'];
    expect([utilization('NVIDIA A10'), utilization('NVIDIA A10G'), utilization('NVIDIA A100')]).toEqual(['0.82', '0.84', '0.84']);
  });

  it('leaves the type of the numbers to a quantised model', () => {
    expect(runtimes.vllm.server(request('phi-4')).flags['dtype']).toBe('bfloat16');
    expect(runtimes.vllm.server(request('qwen3-8b-awq')).flags['dtype']).toBe('auto');
  });

  it.each([
    [[8], '8'],
    [[9, 4], '16'],
    [[20], '32'],
    [[257], '320'],
    [[undefined], '64'],
    [[8, undefined, 128], '128'],
    [[600], '600'],
  ])('makes room for adapters of ranks %j: %s', (adapterRanks, limit) => {
    expect(runtimes.vllm.server(request('phi-4', { adapterRanks })).flags).toMatchObject({ 'enable-lora': '', 'max-lora-rank': limit });
  });

  it('does not enable adapters where there are none', () => {
    expect(renderFlags(runtimes.vllm.server(request('phi-4')).flags).join(' ')).not.toMatch(/lora/);
  });

  it('rounds a rank to itself where vLLM has it', () => {
    expect([1, 8, 16, 32, 64, 128, 256, 320, 512].map(toLoraRankLimit)).toEqual([8, 8, 16, 32, 64, 128, 256, 320, 512]);
  });

  it('passes a configuration and a performance mode on', () => {
    expect(runtimes.vllm.server(request('phi-4', { hasConfig: true, performanceMode: 'throughput' })).flags).toMatchObject({ 'kaito-config-file': '/mnt/config/inference_config.yaml', 'performance-mode': 'throughput' });
  });
});

describe('transformers', () => {
  it('refuses models without settings, and more than one node', () => {
    expect(runtimes.transformers.refuse(presetNamed('phi-4-mini-instruct'), 1)).toMatch(/no settings/);
    expect(runtimes.transformers.refuse(presetNamed('phi-4'), 2)).toMatch(/needs 2 nodes/);
    expect(runtimes.transformers.refuse(presetNamed('phi-4'), 1)).toBeUndefined();
  });

  it('keeps its downloads on the volume, and is not waited for when it goes', () => {
    expect(runtimes.transformers.server(request('phi-4'))).toMatchObject({ environment: { HF_HOME: '/workspace/weights' }, terminationGracePeriodSeconds: 5 });
  });
});

describe('flags', () => {
  it('come in the same order whatever order they were put in', () => {
    expect(renderFlags({ b: '1', a: '', c_d: 'x' })).toEqual(['--a', '--b=1', '--c_d=x']);
    expect(renderFlags({ c_d: 'x', a: '', b: '1' })).toEqual(['--a', '--b=1', '--c_d=x']);
  });

  it.each([[undefined, 'vllm'], ['vllm', 'vllm'], ['', 'vllm'], ['transformers', 'transformers'], ['Transformers', 'vllm'], ['nonsense', 'vllm']])('takes the annotation %j for %s', (annotation, name) => {
    expect(toRuntimeName(annotation)).toBe(name);
  });
});

describe('startupBudgetSeconds', () => {
  it('is between half an hour and three hours, and grows with the weights', () => {
    expect(startupBudgetSeconds(presetNamed('phi-4-mini-instruct'))).toBe(1800);
    expect(startupBudgetSeconds(presetNamed('llama-3.3-70b-instruct'))).toBeCloseTo(900 + 18 * 131.42);
    expect(startupBudgetSeconds(presetNamed('deepseek-v4-pro'))).toBe(10_800);
    for (const preset of presets) expect(startupBudgetSeconds(preset)).toBeGreaterThanOrEqual(1800);
  });
});
