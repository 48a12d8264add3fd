import type { VllmSettings } from './preset.ts';

export interface ModelTraits {
  /** Lower-cased last segment of the Hugging Face id. */
  name: string;
  architectures: readonly string[];
  /** The weights are in Mistral's own format: `consolidated*.safetensors`. */
  isMistralFormat: boolean;
}

/**
 * What vLLM must be told about a model, found by how its name begins and, where that says nothing, by its architecture.
 * https://github.com/kaito-project/kaito/blob/056b8280/presets/workspace/generator/generator.go#L42
 */
export const vllmSettingsFor = ({ name, architectures, isMistralFormat }: ModelTraits): VllmSettings => {
  const toolCallParser = byPrefix(toolCallParserByPrefix, name) ?? byArchitecture(toolCallParserByArchitecture, architectures);
  const reasoningParser = modelsWithoutReasoning.has(name) ? undefined : (byPrefix(reasoningParserByPrefix, name) ?? byArchitecture(reasoningParserByArchitecture, architectures));
  const chatTemplate = byPrefix(chatTemplateByPrefix, name);
  const needsKernels = architectures.some((architecture) => deepGemmArchitectures.has(architecture));
  return {
    flags: { ...(isMistralFormat ? mistralFlags : {}), ...Object.assign({}, ...flagsByPrefix.filter(([prefix]) => name.startsWith(prefix)).map(([, flags]) => flags)) },
    ...(toolCallParser === undefined ? {} : { toolCallParser }),
    ...(reasoningParser === undefined ? {} : { reasoningParser }),
    ...(chatTemplate === undefined ? {} : { chatTemplate }),
    ...(architectures.some((architecture) => unevenCacheArchitectures.test(architecture)) ? { disableKvCacheCpuOffload: true } : {}),
    ...(needsKernels ? { requiresDeepGemm: true, requiresCudaToolkit: true } : {}),
  };
};

type Table = Readonly<Record<string, string>>;

/** Of several prefixes the longest wins: `qwen3-coder` before `qwen3`. */
const byPrefix = (table: Table, name: string): string | undefined =>
  Object.entries(table)
    .filter(([prefix]) => name.startsWith(prefix))
    .sort(([left], [right]) => right.length - left.length)[0]?.[1];

const byArchitecture = (table: Table, architectures: readonly string[]): string | undefined => architectures.map((name) => (Object.hasOwn(table, name) ? table[name] : undefined)).find((found) => found !== undefined);

const mistralFlags = { load_format: 'mistral', config_format: 'mistral', tokenizer_mode: 'mistral' };

const flagsByPrefix: readonly (readonly [prefix: string, flags: Record<string, string>])[] = [
  ['deepseek-r1', { tokenizer_mode: 'deepseek_v32' }],
  ['deepseek-v3', { tokenizer_mode: 'deepseek_v32' }],
  ['deepseek-v3.2', { 'kernel-config.enable_flashinfer_autotune': 'False' }],
  ['deepseek-v4', { tokenizer_mode: 'deepseek_v4', 'kv-cache-dtype': 'fp8' }],
  ['glm-5.2-fp8', { 'kv-cache-dtype': 'fp8' }],
  ['minimax-m2', { 'enable-expert-parallel': '' }],
  ['qwen3.5', { 'gdn-prefill-backend': 'triton' }],
  ['qwen3.6', { 'gdn-prefill-backend': 'triton' }],
  ['qwen3.8', { 'gdn-prefill-backend': 'triton' }],
];

/** Their kernels are compiled at start, by a compiler that the image does not have. */
const deepGemmArchitectures = new Set(['DeepseekV32ForCausalLM', 'DeepseekV4ForCausalLM', 'GlmMoeDsaForCausalLM']);

/** Layers with caches of different shapes, which cannot be kept in the machine's memory. */
const unevenCacheArchitectures = /^(?:NemotronH|Gemma4|Qwen3_5|DeepseekV4|DeepseekV32|GptOss)/;

const modelsWithoutReasoning = new Set([
  'ministral-3-3b-instruct-2512',
  'ministral-3-8b-instruct-2512',
  'ministral-3-14b-instruct-2512',
  'mistral-7b-v0.3',
  'mistral-7b-instruct-v0.3',
  'mistral-large-3-675b-instruct-2512',
]);

const chatTemplateByPrefix: Table = {
  'deepseek-r1': 'tool-chat-deepseekr1.jinja',
  'deepseek-v3': 'tool-chat-deepseekv3.jinja',
  'gemma-4': 'tool-chat-gemma4.jinja',
  'llama-3': 'tool-chat-llama3.1-json.jinja',
  'phi-4-mini': 'tool-chat-phi4-mini.jinja',
  'qwen2.5': 'tool-chat-hermes.jinja',
};

/** https://docs.vllm.ai/en/stable/features/tool_calling.html */
const toolCallParserByPrefix: Table = {
  apertus: 'apertus',
  'deepseek-r1': 'deepseek_v3', 'deepseek-v3': 'deepseek_v3',
  'deepseek-v3.1': 'deepseek_v31',
  'deepseek-v3.2': 'deepseek_v32',
  'deepseek-v4': 'deepseek_v4',
  'ernie-4.5': 'ernie45',
  'gemma-3': 'functiongemma',
  'gemma-4': 'gemma4',
  gigachat3: 'gigachat3',
  'glm-4': 'glm45',
  'glm-4.7': 'glm47',
  'granite-3': 'granite',
  'granite-4': 'granite4',
  'hermes-2': 'hermes', 'hermes-3': 'hermes', 'qwen2.5': 'hermes', qwen3: 'hermes', 'qwq-32b': 'hermes',
  'hunyuan-a13b': 'hunyuan_a13b',
  internlm: 'internlm',
  'ai21-jamba': 'jamba',
  kimi_k2: 'kimi_k2',
  lfm2: 'lfm2',
  'meta-llama-3': 'llama3_json',
  'meta-llama-4': 'llama4_pythonic',
  longcat: 'longcat',
  mimo: 'mimo',
  'minimax-m2': 'minimax_m2',
  'minimax-m3': 'minimax_m3',
  mistral: 'mistral',
  'olmo-3': 'olmo3',
  'phi4-mini': 'phi4_mini_json',
  laguna: 'poolside_v1',
  'qwen3.5': 'qwen3_coder', 'qwen3.6': 'qwen3_coder', 'qwen3.8': 'qwen3_coder',
  'qwen3-coder': 'qwen3_xml',
  'seed-oss': 'seed_oss',
  step3: 'step3',
  step3p5: 'step3p5',
  'llama-xlama': 'xlam', xlam: 'xlam',
};

const toolCallParserByArchitecture: Table = {
  ApertusForCausalLM: 'apertus',
  DeepseekV3ForCausalLM: 'deepseek_v3',
  DeepseekV32ForCausalLM: 'deepseek_v32',
  Ernie4_5_MoeForCausalLM: 'ernie45', Ernie4_5_VLMoeForConditionalGeneration: 'ernie45',
  Gemma3ForCausalLM: 'functiongemma',
  Gemma4ForConditionalGeneration: 'gemma4', Gemma4UnifiedForConditionalGeneration: 'gemma4',
  GigaChat3ForCausalLM: 'gigachat3',
  Glm4MoeForCausalLM: 'glm45',
  Glm47MoeForCausalLM: 'glm47', GlmMoeDsaForCausalLM: 'glm47',
  GraniteForCausalLM: 'granite', GraniteMoeForCausalLM: 'granite',
  GPTBigCodeForCausalLM: 'granite-20b-fc',
  GraniteMoeHybridForCausalLM: 'granite4',
  Qwen2ForCausalLM: 'hermes', Qwen3ForCausalLM: 'hermes',
  HunYuanMoEV1ForCausalLM: 'hunyuan_a13b',
  HYV3ForCausalLM: 'hy_v3',
  InternLM2ForCausalLM: 'internlm',
  JambaForCausalLM: 'jamba',
  KimiK25ForConditionalGeneration: 'kimi_k2', KimiK2ForCausalLM: 'kimi_k2',
  Lfm2ForCausalLM: 'lfm2', Lfm2MoeForCausalLM: 'lfm2',
  LlamaForCausalLM: 'llama3_json',
  Llama4ForConditionalGeneration: 'llama4_pythonic',
  LongcatFlashForCausalLM: 'longcat',
  MiMoForCausalLM: 'mimo',
  MiniMaxM2ForCausalLM: 'minimax_m2',
  MiniMaxM3SparseForCausalLM: 'minimax_m3', MiniMaxM3SparseForConditionalGeneration: 'minimax_m3',
  MistralForCausalLM: 'mistral', MistralLarge3ForCausalLM: 'mistral',
  Olmo3ForCausalLM: 'olmo3',
  GptOssForCausalLM: 'openai',
  Phi4MiniForCausalLM: 'phi4_mini_json',
  LagunaForCausalLM: 'poolside_v1',
  NemotronHForCausalLM: 'qwen3_coder', NemotronH_Nano_VL_V2: 'qwen3_coder', Qwen3_5ForConditionalGeneration: 'qwen3_coder',
  Qwen3_5MoeForConditionalGeneration: 'qwen3_coder',
  Qwen3MoeForCausalLM: 'qwen3_xml',
  SeedOssForCausalLM: 'seed_oss',
  Step3TextForCausalLM: 'step3',
  Step3p5TextForCausalLM: 'step3p5',
};

/** https://docs.vllm.ai/en/stable/features/reasoning_outputs.html */
const reasoningParserByPrefix: Table = {
  'deepseek-r1': 'deepseek_r1', 'qwq-32b': 'deepseek_r1',
  'deepseek-v3': 'deepseek_v3',
  'deepseek-v4': 'deepseek_v4',
  'ernie-4.5': 'ernie45',
  'gemma-4': 'gemma4',
  'glm-4.5': 'glm45',
  'granite-3.2': 'granite',
  holo2: 'holo2',
  'hunyuan-a13b': 'hunyuan_a13b',
  'kimi-k2': 'kimi_k2',
  mimo: 'mimo',
  'minimax-m2': 'minimax_m2_append_think',
  'minimax-m3': 'minimax_m3',
  mistral: 'mistral',
  'olmo-3': 'olmo3',
  laguna: 'poolside_v1',
  qwen3: 'qwen3',
  step3: 'step3',
};

const reasoningParserByArchitecture: Table = {
  DeepseekV3ForCausalLM: 'deepseek_v3',
  Ernie4_5_MoeForCausalLM: 'ernie45', Ernie4_5_VLMoeForConditionalGeneration: 'ernie45',
  Gemma4ForConditionalGeneration: 'gemma4', Gemma4UnifiedForConditionalGeneration: 'gemma4',
  Glm4MoeForCausalLM: 'glm45', GlmMoeDsaForCausalLM: 'glm45',
  GraniteForCausalLM: 'granite',
  HunYuanMoEV1ForCausalLM: 'hunyuan_a13b',
  HYV3ForCausalLM: 'hy_v3',
  KimiK25ForConditionalGeneration: 'kimi_k2', KimiK2ForCausalLM: 'kimi_k2',
  MiMoForCausalLM: 'mimo',
  MiniMaxM2ForCausalLM: 'minimax_m2_append_think',
  MiniMaxM3SparseForCausalLM: 'minimax_m3', MiniMaxM3SparseForConditionalGeneration: 'minimax_m3',
  Mistral3ForConditionalGeneration: 'mistral', MistralForCausalLM: 'mistral',
  NemotronForCausalLM: 'nemotron_v3', NemotronHForCausalLM: 'nemotron_v3', NemotronH_Nano_VL_V2: 'nemotron_v3',
  OlmoForCausalLM: 'olmo3',
  GptOssForCausalLM: 'openai_gptoss',
  LagunaForCausalLM: 'poolside_v1',
  Qwen3ForCausalLM: 'qwen3', Qwen3MoeForCausalLM: 'qwen3', Qwen3_5ForConditionalGeneration: 'qwen3', Qwen3_5MoeForConditionalGeneration: 'qwen3',
  Step3TextForCausalLM: 'step3', Step3VLForConditionalGeneration: 'step3',
};
