import { describe, expect, it } from 'vitest';
import { resolvePreset } from '../../src/plan/resolve-preset.ts';
import { catalogue } from './support.ts';

describe('resolvePreset', () => {
  it.each([
    ['phi-3-mini-128k-instruct', '--preset'],
    ['phi-3-mini', 'phi-3-mini is short for it'],
    ['microsoft/Phi-3-mini-128k-instruct', 'microsoft/Phi-3-mini-128k-instruct'],
  ])('says how %s was understood', (name, why) => {
    expect(resolvePreset(catalogue, name)).toMatchObject({ preset: { name: 'phi-3-mini-128k-instruct' }, why });
  });

  it('offers each that may be meant', () => {
    expect(() => resolvePreset(catalogue, 'qwen2.5-coder')).toThrow(expect.objectContaining({ name: 'UsageError', reason: 'AmbiguousPreset', hints: ['--preset qwen2.5-coder-32b-instruct', '--preset qwen2.5-coder-7b-instruct'] }));
  });

  it('names what took the place of a model that KAITO no longer has', () => {
    expect(() => resolvePreset(catalogue, 'falcon-7b')).toThrow(expect.objectContaining({ name: 'NotFoundError', fact: 'KAITO no longer has it; mistral-7b-v0.3 took its place.' }));
  });

  it('names the nearest to a slip of the finger', () => {
    expect(() => resolvePreset(catalogue, 'phi-4-mini-instrukt')).toThrow(expect.objectContaining({ reason: 'PresetNotFound', hints: [expect.stringMatching(/^Nearest: phi-4-mini-instruct/), 'kaito-ts presets'] }));
  });
});
