import { describe, expect, it } from 'vitest';
import type { TuningMethod } from '../../src/domain/workspace.ts';
import type { TrainingOverrides } from '../../src/manifests/training-config.ts';
import { estimateTuningMemory, judgeTuningMemory } from '../../src/plan/estimate-tuning-memory.ts';
import { presetNamed, presets } from '../presets/support.ts';

const estimate = (presetName: string, method: TuningMethod, overrides: TrainingOverrides = {}) => {
  const { tuning } = presetNamed(presetName);
  if (!tuning) throw new Error(`${presetName} cannot be tuned.`);
  return estimateTuningMemory({ tuning, method, overrides });
};

const a10GiB = 24;
const a100GiB = 80;

describe('estimateTuningMemory', () => {
  it.each([
    ['phi-3-mini-128k-instruct', 'qlora', a10GiB, 'fits'],
    ['phi-3-mini-128k-instruct', 'lora', a10GiB, 'fits'],
    ['phi-4', 'qlora', a10GiB, 'fits'],
    ['phi-4', 'lora', a10GiB, 'too large'],
    ['phi-4', 'lora', a100GiB, 'fits'],
    ['qwen2.5-coder-7b-instruct', 'lora', a10GiB, 'fits'],
    ['qwen2.5-coder-32b-instruct', 'qlora', a10GiB, 'too large'],
    ['qwen2.5-coder-32b-instruct', 'qlora', a100GiB, 'fits'],
    ['qwen2.5-coder-32b-instruct', 'lora', a100GiB, 'fits'],
    ['qwen2.5-coder-32b-instruct', 'lora', 70, 'tight'],
  ] as const)('says that %s with %s on a GPU of %i GiB %s', (preset, method, gpuMemoryGiB, verdict) => {
    expect(judgeTuningMemory(estimate(preset, method), gpuMemoryGiB).verdict).toBe(verdict);
  });

  it('says how much of how much', () => {
    expect(judgeTuningMemory(estimate('phi-3-mini-128k-instruct', 'qlora'), a10GiB).message).toBe('needs about 4.7 of 24 GiB GPU memory');
  });

  it('adds up to what it says', () => {
    const { gib, breakdown } = estimate('phi-4', 'qlora');
    expect(Object.values(breakdown).reduce((sum, part) => sum + part, 0)).toBeCloseTo(gib, 9);
  });

  it('counts the parameters of an adapter as the library does', () => {
    // Rank 8 on qkv, o, gate_up and down of 32 layers: 12,582,912 parameters, four floats each.
    expect(estimate('phi-3-mini-128k-instruct', 'qlora').breakdown.adapter * 2 ** 30).toBe(12_582_912 * 16);
    // Only o_proj: 8 x (3072 + 3072) x 32.
    expect(estimate('phi-3-mini-128k-instruct', 'qlora', { target_modules: ['o_proj'] }).breakdown.adapter * 2 ** 30).toBe(1_572_864 * 16);
  });

  it.each([
    ['a higher rank', { r: 64 }],
    ['longer examples', { max_length: 4096 }],
    ['no checkpoints of activations', { gradient_checkpointing: false }],
  ])('needs more for %s', (_, overrides) => {
    expect(estimate('phi-4-mini-instruct', 'qlora', overrides).gib).toBeGreaterThan(estimate('phi-4-mini-instruct', 'qlora').gib);
  });

  it('needs less for QLoRA than for LoRA, and never less than the quantised weights, whatever the model', () => {
    for (const { name, tuning } of presets) {
      if (!tuning) continue;
      const qlora = estimate(name, 'qlora').gib;
      expect(qlora, name).toBeLessThan(estimate(name, 'lora').gib);
      expect(qlora, name).toBeGreaterThan(tuning.parameterCount / 2 / 2 ** 30);
    }
  });
});
