import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/domain/errors.ts';
import { findPreset, kaitoPresetName, parsePreset, retired } from '../../src/domain/preset-catalogue.ts';
import { gibToBytes, parseGiB, parseQuantity } from '../../src/domain/quantity.ts';
import { presetNamed, presets } from './support.ts';

describe('findPreset', () => {
  it.each([
    ['phi-3-mini-128k-instruct', 'phi-3-mini-128k-instruct', 'name'],
    ['Phi-3-Mini', 'phi-3-mini-128k-instruct', 'shortName'],
    ['phi-3.5-mini', 'phi-3.5-mini-instruct', 'shortName'],
    ['phi-4-mini', 'phi-4-mini-instruct', 'shortName'],
    ['llama-3.1-8b', 'llama-3.1-8b-instruct', 'shortName'],
    ['llama-3.3-70b', 'llama-3.3-70b-instruct', 'shortName'],
    ['mistral-7b', 'mistral-7b-v0.3', 'alias'],
    ['gemma-3-4b-instruct', 'gemma-3-4b-it', 'alias'],
    [' MICROSOFT/phi-4 ', 'phi-4', 'huggingFaceId'],
  ])('finds %j as %s, by its %s', (name, wanted, by) => {
    expect(findPreset(presets, name)).toEqual({ kind: 'found', preset: presetNamed(wanted), by });
  });

  it.each(Object.entries(retired))('answers %s, which is no longer there, with %s', (name, replacement) => {
    expect(findPreset(presets, name)).toEqual({ kind: 'unknown', nearest: [replacement], ambiguous: [], replacement });
    expect(presetNamed(replacement).name).toBe(replacement);
  });

  it.each([['tiiuae/falcon-7b-instruct', 'mistral-7b-instruct-v0.3'], ['meta-llama/Llama-2-7b-chat-hf', 'llama-3.1-8b-instruct'], ['microsoft/phi-2', 'phi-4-mini-instruct']])(
    'knows %s by its Hugging Face id too',
    (id, replacement) => {
      expect(findPreset(presets, id)).toMatchObject({ kind: 'unknown', replacement });
    },
  );

  it.each([['falcon', 'mistral-7b-v0.3'], ['Llama-2', 'llama-3.1-8b-instruct']])('answers the name of a family that is no longer there, %s, too', (name, replacement) => {
    expect(findPreset(presets, name)).toEqual({ kind: 'unknown', nearest: [replacement], ambiguous: [], replacement });
  });

  it('does not guess which of several is meant', () => {
    expect(findPreset(presets, 'phi-3')).toMatchObject({
      kind: 'unknown',
      ambiguous: ['phi-3-medium-128k-instruct', 'phi-3-medium-4k-instruct', 'phi-3-mini-128k-instruct', 'phi-3-mini-4k-instruct'],
    });
  });

  it.each([['granite', 'granite-4.1-8b'], ['GLM', 'glm-5.2-fp8'], ['phi-3-mini-128k', 'phi-3-mini-128k-instruct']])('takes the beginning %s for %s, which alone has it', (typed, wanted) => {
    expect(findPreset(presets, typed)).toEqual({ kind: 'found', preset: presetNamed(wanted), by: 'shortName' });
  });

  it.each([
    ['llama-3', ['llama-3.1-8b-instruct', 'llama-3.3-70b-instruct']],
    ['nemotron', ['nemotron-cascade-2-30b-a3b', 'nvidia-nemotron-nano-9b-v2']],
    ['qwen', ['qwen3-8b-awq', 'qwen2.5-coder-7b-instruct']],
  ])('lists all that %s may be', (typed, some) => {
    expect(findPreset(presets, typed)).toMatchObject({ kind: 'unknown', ambiguous: expect.arrayContaining(some) });
  });

  it.each([['phi-3-minni', 'phi-3-mini-128k-instruct'], ['lama-3.1-8b-instruct', 'llama-3.1-8b-instruct'], ['mistral7b', 'mistral-7b-v0.3']])('suggests for %s the nearest, %s', (typed, nearest) => {
    expect(findPreset(presets, typed)).toMatchObject({ kind: 'unknown', nearest: expect.arrayContaining([nearest]) });
  });

  it.each(['', '-', 'constructor', '__proto__', 'gpt-2-large-unheard-of'])('finds nothing for %j, and suggests nothing far-fetched', (name) => {
    expect(findPreset(presets, name)).toEqual({ kind: 'unknown', nearest: [], ambiguous: [] });
  });

  it('writes Workspaces with the name that the operator accepts', () => {
    expect(kaitoPresetName(presetNamed('gemma-3-4b-it'))).toBe('gemma-3-4b-instruct');
    expect(kaitoPresetName(presetNamed('qwen3-8b-awq'))).toBe('Qwen/Qwen3-8B-AWQ');
  });
});

describe('parsePreset', () => {
  const minimal = { name: 'tiny', huggingFaceId: 'example/tiny', license: 'mit', gated: false, weights: '1.5Gi', contextLengthTokens: 2048, kvCacheBytesPerToken: 1024, architectures: ['LlamaForCausalLM'] };

  it('fills in what a file may leave out', () => {
    expect(parsePreset(minimal, 'tiny.yaml')).toEqual({
      name: 'tiny', aliases: [], shortNames: [], huggingFaceId: 'example/tiny', license: 'mit', gated: false, weightsGiB: 1.5,
      contextLengthTokens: 2048, kvCacheBytesPerToken: 1024, architectures: ['LlamaForCausalLM'], vllm: { flags: {} },
    });
  });

  it.each([
    ['a missing field', { license: undefined }, 'license: is missing; it must be text'],
    ['a size that is none', { weights: 7.12 }, 'weights: 7.12 must be a quantity such as 7.12Gi'],
    ['a model of which nobody says whether a token is needed', { gated: undefined }, 'gated: is missing; it must be true or false'],
    ['a fractional count', { contextLengthTokens: 20.5 }, 'contextLengthTokens: 20.5 must be a whole number'],
    ['a misspelled key', { revison: 'abc' }, 'revison: is no field of a preset'],
    ['a misspelled key of a section', { vllm: { flag: {} } }, 'vllm.flag: is no field of a preset'],
    ['a flag that YAML made a boolean', { vllm: { flags: { 'x-y': false } } }, 'vllm.flags: {"x-y":false} must be a map of texts (quote numbers and True)'],
    ['a section that is no map', { tuning: ['lora'] }, 'tuning: must be a map'],
    ['a method nobody knows', { tuning: { methods: ['full'] } }, 'tuning.methods: ["full"] must be a list of lora and qlora'],
    ['a name that is not the file\'s', { name: 'other' }, 'name: other must be in a file other.yaml'],
  ])('names the file and the field of %s', (_, change, fact) => {
    expect(() => parsePreset({ ...minimal, ...change }, 'tiny.yaml')).toThrow(
      expect.objectContaining({ constructor: UsageError, message: 'Preset file tiny.yaml is wrong.', fact: expect.stringContaining(fact) }),
    );
  });

  it('tells all problems of a file at once', () => {
    expect(() => parsePreset({ name: 'tiny' }, 'tiny.yaml')).toThrow(expect.objectContaining({ fact: expect.stringMatching(/huggingFaceId[^]*license[^]*weights[^]*architectures/) }));
  });

  it('refuses a file that is no map', () => {
    expect(() => parsePreset(null, 'tiny.yaml')).toThrow(expect.objectContaining({ fact: expect.stringContaining('the file: must be a map') }));
  });
});

describe('quantities', () => {
  it.each([
    ['7.12Gi', 7_645_041_787],
    ['26.00Gi', 27_917_287_424],
    ['80Gi', 85_899_345_920],
    ['1.5k', 1500],
    ['0.1', 1],
    ['3', 3],
  ])('reads %s as %i bytes', (text, bytes) => {
    expect(parseQuantity(text)).toBe(bytes);
  });

  it.each(['', 'Gi', '-1Gi', '1 Gi', '1gi', '1e3', '1,5Gi'])('does not read %j', (text) => {
    expect(parseQuantity(text)).toBeUndefined();
    expect(parseGiB(text)).toBeUndefined();
  });

  it('keeps the two decimals that sizes are written with', () => {
    expect(parseGiB('7.12Gi')).toBe(7.12);
    expect(parseGiB('512Mi')).toBe(0.5);
  });

  it('comes to the same bytes from text and from GiB, for every preset', () => {
    for (const { weightsGiB } of presets) expect(gibToBytes(weightsGiB)).toBe(parseQuantity(`${weightsGiB}Gi`));
  });
});
