import { describe, expect, it } from 'vitest';
import { KaitoError } from '../../src/domain/errors.ts';
import { isHubId } from '../../src/domain/preset-catalogue.ts';
import { parseConfigFile, parseModelInfo, parseTree } from '../../src/hub/answers.ts';
import type { ModelFacts } from '../../src/hub/model-facts.ts';
import { parseConfig, readConfig } from '../../src/hub/read-config.ts';
import { toPreset } from '../../src/hub/to-preset.ts';
import { estimateNodes } from '../../src/plan/estimate-nodes.ts';
import { commitOf, tinyLlama } from './support.ts';

/** Mulberry32: the same numbers on every run. */
const createRandom = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

const interestingKeys = [
  'id', 'sha', 'gated', 'private', 'cardData', 'license', 'license_name', 'tags', 'path', 'size', 'architectures', 'text_config', 'llm_config', 'quantization_config', 'quant_method', 'hidden_size', 'num_hidden_layers',
  'num_attention_heads', 'num_key_value_heads', 'n_head', 'head_dim', 'kv_lora_rank', 'qk_rope_head_dim', 'multi_query', 'max_position_embeddings', 'model_max_length', '__proto__', 'constructor',
];
const leaves = [null, true, false, 0, -1, 1, 22, 4096, 1.5, 1e300, -1e300, 2 ** 53, '', '32', '-3', '1e9', 'x', 'LlamaForCausalLM', 'fp8', 'model.safetensors', 'consolidated.safetensors', 'pytorch_model.bin', 'a/b', commitOf('a'), 'Infinity'];

const createArbitrary = (seed: number): (() => unknown) => {
  const random = createRandom(seed);
  const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(random() * items.length)];
  const value = (depth: number): unknown => {
    const kind = depth > 3 ? 0 : random();
    if (kind < 0.5) return pick(leaves);
    if (kind < 0.65) return Array.from({ length: Math.floor(random() * 4) }, () => value(depth + 1));
    return Object.fromEntries(Array.from({ length: Math.floor(random() * 9) }, () => [pick(interestingKeys), value(depth + 1)]));
  };
  return () => value(0);
};

/** The value, or the KaitoError; anything else that is thrown fails the test. */
const attempt = <T>(run: () => T): T | KaitoError => {
  try {
    return run();
  } catch (error) {
    if (error instanceof KaitoError) return error;
    throw error;
  }
};

const rounds = 4000;

describe('whatever a hub answers', () => {
  it('is understood or refused with a reason, by each of the readers', () => {
    const arbitrary = createArbitrary(1);
    const outcomes = { understood: 0, refused: 0 };
    for (let round = 0; round < rounds; round += 1) {
      const text = JSON.stringify(arbitrary());
      for (const parse of [parseModelInfo, parseTree, parseConfigFile]) {
        const result = attempt<unknown>(() => parse(text, 'the hub'));
        outcomes[result instanceof KaitoError ? 'refused' : 'understood'] += 1;
      }
    }
    expect(outcomes.understood).toBeGreaterThan(rounds / 4);
    expect(outcomes.refused).toBeGreaterThan(rounds / 4);
  });

  it('is refused with a reason when it is cut off or no JSON at all', () => {
    const whole = '{"a":[1,2,{"b":"c\\"d","e":NaN,"f":-Infinity,"g":"NaN"}]}';
    for (let end = 0; end < whole.length; end += 1) expect(attempt(() => parseConfigFile(whole.slice(0, end), 'the hub'))).toBeInstanceOf(KaitoError);
    expect(parseConfig(whole)).toEqual({ a: [1, 2, { b: 'c"d', e: null, f: null, g: 'NaN' }] });
  });

  it('becomes a preset whose sizes can be calculated with, or is refused with a reason', () => {
    const arbitrary = createArbitrary(2);
    let served = 0;
    for (let round = 0; round < rounds; round += 1) {
      const config = attempt(() => parseConfigFile(JSON.stringify(arbitrary()), 'the hub'));
      if (config instanceof KaitoError) continue;
      const facts: ModelFacts = { id: 'someone/model', commit: commitOf('a'), license: 'mit', gated: false, files: [{ path: 'model.safetensors', sizeBytes: 2 ** 31 }], config };
      const preset = attempt(() => toPreset(facts));
      if (preset instanceof KaitoError) continue;
      served += 1;
      expect(Number.isSafeInteger(preset.kvCacheBytesPerToken) && preset.kvCacheBytesPerToken >= 0).toBe(true);
      expect(Number.isSafeInteger(preset.contextLengthTokens) && preset.contextLengthTokens > 0).toBe(true);
      const estimate = estimateNodes({ preset, gpuCount: 1, gpuMemoryGiB: 80 });
      if (!('refusal' in estimate)) expect(Number.isSafeInteger(estimate.nodeCount) && estimate.nodeCount > 0).toBe(true);
    }
    expect(served).toBeGreaterThan(rounds / 10);
  });

  it('names no other file and no other command than an id can', () => {
    for (const id of ['a/b', tinyLlama.id, 'a.b/c_d', '0/1']) expect(isHubId(id)).toBe(true);
    for (const id of ['a', 'a/b/c', '../b', 'a/..', 'a/b..c', '/b', 'a/', 'a/b c', 'a/$(x)', "a/'b", 'a/b;c', '-a/b', 'a/-b', 'a/b--c', `a/${'b'.repeat(95)}`, 'a/b\n']) expect(isHubId(id)).toBe(false);
  });
});

describe('a configuration', () => {
  it.each([
    ['counts the first synonym that holds a number', { max_position_embeddings: null, model_max_length: 777 }, { contextLengthTokens: 777 }],
    ['assumes 2048 tokens when none does', {}, { contextLengthTokens: 2048, kvCacheBytesPerToken: 0 }],
    ['reads numbers that are written as text', { hidden_size: '2048', num_hidden_layers: 22.0, num_attention_heads: 32 }, { kvCacheBytesPerToken: 180_224 }],
    ['has one key-value head for multi-query attention', { n_embd: 4544, n_layer: 32, n_head: 71, multi_query: true }, { kvCacheBytesPerToken: 2 * 64 * 32 * 2 }],
    ['has one vector for latent attention', { num_hidden_layers: 61, num_attention_heads: 128, kv_lora_rank: 512, qk_rope_head_dim: 64 }, { kvCacheBytesPerToken: 70_272 }],
    ['prefers what is at the top to what is nested', { hidden_size: 10, text_config: { hidden_size: 2560, num_hidden_layers: 34, num_attention_heads: 8, num_key_value_heads: 4, head_dim: 256 } }, { kvCacheBytesPerToken: 139_264 }],
    ['looks into llm_config too', { llm_config: { max_position_embeddings: 4096, architectures: ['LlamaForCausalLM'] } }, { contextLengthTokens: 4096, architectures: ['LlamaForCausalLM'] }],
    ['says how it is quantised', { quantization_config: { quant_method: 'awq', bits: 4 } }, { quantization: 'awq' }],
  ])('%s', (_, config, expected) => {
    expect(readConfig(config)).toMatchObject(expected);
  });
});
