import { describe, expect, it } from 'vitest';
import { findMachine } from '../../src/domain/clouds.ts';
import { NotFoundError } from '../../src/domain/errors.ts';
import type { GpuMachine } from '../../src/domain/instance-type.ts';
import type { TuningMethod } from '../../src/domain/workspace.ts';
import { lookUpInstanceType } from '../../src/plan/look-up-instance-type.ts';
import { rankInstanceTypes, type RankedInstanceType, type RankRequest } from '../../src/plan/rank-instance-types.ts';
import { presetNamed, presets } from '../presets/support.ts';

const forServing = (name: string, contextLengthTokens?: number, request: Partial<RankRequest> = {}): RankedInstanceType[] =>
  rankInstanceTypes({ cloud: 'azure', region: 'eastus', purpose: { kind: 'serving', preset: presetNamed(name), ...(contextLengthTokens === undefined ? {} : { contextLengthTokens }) }, ...request });

const forTuning = (name: string, method: TuningMethod, contextLengthTokens?: number): RankedInstanceType[] => {
  const { tuning } = presetNamed(name);
  if (!tuning) throw new Error(`${name} cannot be tuned.`);
  return rankInstanceTypes({ cloud: 'azure', region: 'eastus', purpose: { kind: 'tuning', tuning, method, ...(contextLengthTokens === undefined ? {} : { contextLengthTokens }) } });
};

const named = (ranked: readonly RankedInstanceType[], name: string): RankedInstanceType | undefined => ranked.find(({ machine }) => machine.name === name);

describe('ranking for serving', () => {
  it('puts the cheapest that fits first, by the price of all the nodes it takes', () => {
    const ranked = forServing('llama-3.3-70b-instruct');
    expect(ranked[0]).toMatchObject({ machine: { name: 'Standard_NC24ads_A100_v4' }, verdict: 'fits', nodeCount: 3, perHourUsd: expect.closeTo(11.019, 3), neededGiB: expect.closeTo(149.5, 0) });
    expect(named(ranked, 'Standard_NV36ads_A10_v5')).toMatchObject({ nodeCount: 9, perHourUsd: expect.closeTo(28.8, 3) });
  });

  it('takes another machine for a longer context', () => {
    const short = forServing('phi-4-mini-instruct')[0];
    const long = forServing('phi-4-mini-instruct', 131_072)[0];
    expect(short?.machine.name).toBe('Standard_NV36ads_A10_v5');
    expect(long?.machine.name).toBe('Standard_NC24ads_A100_v4');
  });

  it.each(presets.map(({ name }) => name))('keeps its order for %s: fitting before not, dearer after cheaper, without a price last', (name) => {
    const ranked = forServing(name);
    expect(ranked).toHaveLength(14);
    const fitting = ranked.filter(({ verdict }) => verdict !== 'no');
    expect(ranked.slice(0, fitting.length)).toEqual(fitting);
    const prices = fitting.map(({ perHourUsd }) => perHourUsd ?? Number.POSITIVE_INFINITY);
    expect(prices).toEqual(prices.toSorted((left, right) => left - right));
    for (const { verdict, reason, nodeCount, neededGiB } of ranked) expect(verdict === 'no' ? reason !== undefined && nodeCount === undefined : nodeCount !== undefined && neededGiB !== undefined).toBe(true);
  });

  it('never says that something needs more than the nodes have', () => {
    for (const { name } of presets) for (const { machine, nodeCount = 0, neededGiB = 0 } of forServing(name)) expect(neededGiB).toBeLessThanOrEqual(nodeCount * machine.gpuMemoryGiB * 0.84);
  });

  it('says why a machine cannot, and gives it no price', () => {
    const ranked = forServing('phi-4-mini-instruct', 131_072);
    const amd = named(ranked, 'Standard_NG32ads_V620_v1');
    expect(amd).toMatchObject({ verdict: 'no', reason: expect.stringMatching(/AMD Radeon PRO V620, and the images need NVIDIA's/) });
    expect(amd).not.toHaveProperty('perHourUsd');
    expect(forServing('phi-3-mini-128k-instruct', 131_072).find(({ machine }) => machine.name === 'Standard_NV36ads_A10_v5')).toMatchObject({ verdict: 'no', reason: expect.stringMatching(/a context of 131072 tokens alone needs/) });
  });

  it('knows no prices of AWS, and puts the least hardware first', () => {
    const ranked = forServing('phi-4-mini-instruct', undefined, { cloud: 'aws' });
    expect(ranked).toHaveLength(35);
    expect(ranked[0]).toMatchObject({ machine: { gpuCount: 1, gpuMemoryGiB: 24 }, verdict: 'fits', nodeCount: 1 });
    expect(ranked.some(({ perHourUsd }) => perHourUsd !== undefined)).toBe(false);
    expect(ranked.filter(({ verdict }) => verdict === 'no').map(({ machine }) => machine.gpuVendor)).toEqual(expect.arrayContaining(['AMD', 'AWS']));
  });

  it('judges only the machines that were asked for', () => {
    const machine = findMachine('Standard_NC40ads_H100_v5')?.machine;
    const machines: GpuMachine[] = machine ? [machine] : [];
    expect(forServing('phi-4', undefined, { machines }).map((ranked) => ranked.machine.name)).toEqual(['Standard_NC40ads_H100_v5']);
  });
});

describe('ranking for tuning', () => {
  it('takes one node, and asks for the memory of one GPU', () => {
    const ranked = forTuning('phi-4', 'qlora');
    expect(ranked[0]).toMatchObject({ machine: { name: 'Standard_NV36ads_A10_v5' }, verdict: 'fits', nodeCount: 1, perHourUsd: 3.2 });
    for (const { verdict, nodeCount } of ranked) if (verdict !== 'no') expect(nodeCount).toBe(1);
  });

  it('refuses what has too little memory on one GPU, however many it has', () => {
    const ranked = forTuning('qwen2.5-coder-32b-instruct', 'lora');
    expect(named(ranked, 'Standard_NV72ads_A10_v5')).toMatchObject({ verdict: 'no', neededGiB: expect.any(Number), reason: expect.stringMatching(/needs about .* of 24 GiB GPU memory/) });
    expect(ranked[0]?.verdict).not.toBe('no');
  });

  it('warns of what fits only just', () => {
    expect(forTuning('phi-4', 'qlora', 32_768)[0]).toMatchObject({ machine: { name: 'Standard_NC40ads_H100_v5' }, verdict: 'tight', reason: expect.stringMatching(/may run out of memory/) });
  });
});

describe('looking a machine up', () => {
  it('finds it wherever it is', () => {
    expect(lookUpInstanceType('G5.XLARGE', undefined)).toMatchObject({ cloud: 'aws', machine: { name: 'g5.xlarge' } });
  });

  it('answers a size that is out of use with what to take instead, and why', () => {
    expect(lookUpInstanceType('standard_nc6s_v3', undefined)).toMatchObject({ cloud: 'azure', machine: { name: 'Standard_NV36ads_A10_v5' }, replaces: { name: 'standard_nc6s_v3', reason: expect.stringMatching(/V100/) } });
  });

  it.each([
    ['Standard_NC24ads_A100_v5', undefined, /Standard_NC24ads_A100_v4/],
    ['Standard_NC6s_v3', 'aws', /kaito-ts instance-types --cloud aws/],
    ['Standard_NC24ads_A100_v4', 'arc', /--cloud arc/],
  ] as const)('refuses %s (%s) with what is near', (name, cloud, hint) => {
    expect(() => lookUpInstanceType(name, cloud)).toThrow(expect.objectContaining({ constructor: NotFoundError, hints: expect.arrayContaining([expect.stringMatching(hint)]) }));
  });
});
