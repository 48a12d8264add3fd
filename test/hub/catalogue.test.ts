import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isServedArchitecture, servedArchitectures } from '../../src/domain/model-architectures.ts';
import { vllmSettingsFor } from '../../src/domain/vllm-rules.ts';
import { readConfig } from '../../src/hub/read-config.ts';
import { presets } from '../presets/support.ts';
import { dataFolder, hasData } from '../support/project.ts';

/** KAITO marks this one by hand: its FP8 kernels are compiled, and those of its neighbours with the same traits are not. */
const markedByHand = 'mistral-small-4-119b-2603';

describe('the rules that presets come from', () => {
  it.each(presets)('give $name the settings that the catalogue has', ({ name, architectures, vllm }) => {
    const settings = vllmSettingsFor({ name, architectures, isMistralFormat: vllm.flags['load_format'] === 'mistral' });
    expect({ ...settings, ...(name === markedByHand ? { requiresCudaToolkit: true } : {}) }).toEqual(vllm);
  });

  it('know every architecture of the catalogue', () => {
    expect(presets.flatMap(({ architectures }) => architectures).filter((name) => !isServedArchitecture(name))).toEqual([]);
  });

  it.each([
    ['qwen3-coder-30b', 'qwen3_xml'],
    ['qwen3-1.7b', 'hermes'],
    ['deepseek-v3.1', 'deepseek_v31'],
    ['deepseek-v3', 'deepseek_v3'],
    ['step3p5-flash', 'step3p5'],
    ['glm-4.7', 'glm47'],
    ['llama-xlam-8b', 'llama3_json'],
  ])('take the longest beginning of a name: %s has the tool calls of %s', (name, toolCallParser) => {
    expect(vllmSettingsFor({ name, architectures: ['LlamaForCausalLM'], isMistralFormat: false })).toMatchObject({ toolCallParser });
  });

  it('let the beginning of a name count more than the architecture', () => {
    expect(vllmSettingsFor({ name: 'qwq-32b', architectures: ['GptOssForCausalLM'], isMistralFormat: false })).toMatchObject({ toolCallParser: 'hermes', reasoningParser: 'deepseek_r1' });
    expect(vllmSettingsFor({ name: 'constructor', architectures: ['toString'], isMistralFormat: false })).toEqual({ flags: {} });
  });

  it.skipIf(!hasData)('have every table of KAITO\'s in full (needs ../shared/data/model-inference-maps.json)', () => {
    const maps = JSON.parse(readFileSync(join(dataFolder, 'model-inference-maps.json'), 'utf8'));
    const byPrefix = (prefix: string) => vllmSettingsFor({ name: `${prefix}-x`, architectures: [], isMistralFormat: false });
    const byArchitecture = (name: string) => vllmSettingsFor({ name: 'x', architectures: ['Unheard', name], isMistralFormat: false });
    const each = <T>(table: Record<string, unknown>, read: (key: string) => T) => Object.fromEntries(Object.keys(table).map((key) => [key, read(key)]));
    expect(each(maps.toolCallParserPrefix, (key) => byPrefix(key).toolCallParser)).toEqual(maps.toolCallParserPrefix);
    expect(each(maps.toolCallParserArch, (key) => byArchitecture(key).toolCallParser)).toEqual(maps.toolCallParserArch);
    expect(each(maps.reasoningParserPrefix, (key) => byPrefix(key).reasoningParser)).toEqual(maps.reasoningParserPrefix);
    expect(each(maps.reasoningParserArch, (key) => byArchitecture(key).reasoningParser)).toEqual(maps.reasoningParserArch);
    expect(each(maps.chatTemplatePrefix, (key) => byPrefix(key).chatTemplate)).toEqual(maps.chatTemplatePrefix);
    expect(each(maps.tokenizerModePrefix, (key) => byPrefix(key).flags['tokenizer_mode'])).toEqual(maps.tokenizerModePrefix);
    expect(each(maps.kvCacheDtypePrefix, (key) => byPrefix(key).flags['kv-cache-dtype'])).toEqual(maps.kvCacheDtypePrefix);
    expect(each(maps.gdnPrefillBackendPrefix, (key) => byPrefix(key).flags['gdn-prefill-backend'])).toEqual(maps.gdnPrefillBackendPrefix);
    for (const prefix of Object.keys(maps.expertParallelPrefix)) expect(byPrefix(prefix).flags).toHaveProperty('enable-expert-parallel', '');
    for (const prefix of Object.keys(maps.disableFlashInferAutotunePrefix)) expect(byPrefix(prefix).flags).toMatchObject({ 'kernel-config.enable_flashinfer_autotune': 'False' });
    for (const name of maps.nonReasoningModels) expect(vllmSettingsFor({ name, architectures: ['MistralForCausalLM'], isMistralFormat: true }).reasoningParser).toBeUndefined();
    expect(servedArchitectures).toEqual(new Set(maps.vllmArchitectures));
  });

  it.skipIf(!hasData)('size the KV cache of every model of KAITO\'s catalogue as KAITO does (needs ../shared/data/presets.json)', () => {
    const entries: Record<string, unknown>[] = JSON.parse(readFileSync(join(dataFolder, 'presets.json'), 'utf8'));
    const known = entries.filter(({ unreachable }) => !unreachable);
    expect(known).toHaveLength(60);
    const sizes = known.map((entry) => {
      const shape = readConfig({
        hidden_size: entry['hiddenSize'], num_hidden_layers: entry['numHiddenLayers'], num_attention_heads: entry['numAttentionHeads'], num_key_value_heads: entry['numKeyValueHeads'],
        head_dim: entry['headDim'], kv_lora_rank: entry['kvLoraRank'], qk_rope_head_dim: entry['qkRopeHeadDim'], max_position_embeddings: entry['contextLength'], architectures: entry['architectures'],
      });
      return [entry['shortName'], shape?.kvCacheBytesPerToken, shape?.contextLengthTokens];
    });
    expect(sizes).toEqual(known.map((entry) => [entry['shortName'], entry['kvBytesPerToken'], entry['contextLength']]));
  });
});
