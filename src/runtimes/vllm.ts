import type { Preset } from '../domain/preset.ts';
import { parallelismFlags, withoutCpuOffload } from './parallelism.ts';
import { processorOf, weightsFolder, type Flags, type Runtime, type ServerRequest } from './runtime.ts';

/**
 * vLLM through KAITO's wrapper, which serves every preset on any number of nodes. The flags are the operator's, apart from
 * three: the model in its own letter case, pinned to a commit, and room for the adapters' rank.
 * https://github.com/kaito-project/kaito/blob/056b8280/pkg/model/interface.go#L394
 */
export const vllm: Runtime = {
  refuse: () => undefined,
  server: (request) => ({
    command: ['python3', '/workspace/vllm/inference_api.py'],
    flags: flagsOf(request),
    environment: { ...environmentOf(request.preset), ...processorOf(request) },
    ports: [{ name: 'kv-events', containerPort: 5557 }],
    terminationGracePeriodSeconds: 30,
    needsCudaToolkit: request.preset.vllm.requiresCudaToolkit ?? false,
    mergesAdapters: false,
  }),
};

export const cudaToolkitFolder = '/opt/kaito/cuda/129';

const flagsOf = ({ preset, machine, nodeCount, adapterRanks, hasConfig, localWeights, performanceMode }: ServerRequest): Flags => ({
  ...modelFlags(preset, localWeights),
  'served-model-name': preset.name,
  'trust-remote-code': '',
  dtype: preset.quantization === undefined ? 'bfloat16' : 'auto',
  config_format: 'auto',
  tokenizer_mode: 'auto',
  // The largest context that fits, instead of a refusal to start.
  'max-model-len': 'auto',
  'gpu-memory-utilization': gpuMemoryUtilization(machine.gpuModel),
  'kv-events-config': '{"enable_kv_cache_events":true}',
  // This pass compiles a kernel at start, and the image has no compiler for it.
  'compilation-config.pass_config.fuse_allreduce_rms': 'False',
  ...parserFlags(preset),
  ...(preset.vllm.disableKvCacheCpuOffload || machine.isSliced ? withoutCpuOffload : {}),
  ...parallelismFlags({ weightsGiB: preset.weightsGiB, gpuCount: machine.gpuCount, gpuMemoryGiB: machine.gpuMemoryGiB, nodeCount }),
  ...preset.vllm.flags,
  ...(adapterRanks.length === 0 ? {} : { 'enable-lora': '', 'max-lora-rank': String(toLoraRankLimit(Math.max(...adapterRanks.map((rank) => rank ?? assumedRank)))) }),
  ...(hasConfig ? { 'kaito-config-file': '/mnt/config/inference_config.yaml' } : {}),
  ...(performanceMode === undefined ? {} : { 'performance-mode': performanceMode }),
});

const modelFlags = ({ huggingFaceId, revision }: Preset, localWeights: string | undefined): Flags =>
  localWeights === undefined
    ? { model: huggingFaceId, ...(revision === undefined ? {} : { revision }), 'download-dir': weightsFolder, load_format: 'auto' }
    : // It reads files side by side, which a node's disk can serve.
      { model: localWeights, 'load-format': 'runai_streamer' };

const parserFlags = ({ vllm: { toolCallParser, reasoningParser, chatTemplate } }: Preset): Flags => ({
  ...(toolCallParser === undefined ? {} : { 'tool-call-parser': toolCallParser, 'enable-auto-tool-choice': '' }),
  ...(reasoningParser === undefined ? {} : { 'reasoning-parser': reasoningParser }),
  ...(chatTemplate === undefined ? {} : { 'chat-template': `/workspace/chat_templates/${chatTemplate}` }),
});

const environmentOf = ({ vllm: { requiresDeepGemm, requiresCudaToolkit } }: Preset): Record<string, string> => ({
  // Both would compile kernels at start, and the image has no compiler for them.
  VLLM_USE_FLASHINFER_SAMPLER: '0',
  VLLM_USE_DEEP_GEMM: requiresDeepGemm ? '1' : '0',
  ...(requiresCudaToolkit ? { CUDA_HOME: cudaToolkitFolder } : {}),
});

/** An A10 shows less memory than its name says. */
const gpuMemoryUtilization = (gpuModel: string): string => (gpuModel === 'NVIDIA A10' ? '0.82' : '0.84');

/** Too large a limit costs some memory; too small a one ends the server after it has loaded everything. */
const assumedRank = 64;

/** The ranks that vLLM has kernels for: https://docs.vllm.ai/en/stable/features/lora.html */
const loraRankLimits = [8, 16, 32, 64, 128, 256, 320, 512] as const;

/** The next of them; above the largest vLLM itself refuses, in better words than ours. */
export const toLoraRankLimit = (rank: number): number => loraRankLimits.find((limit) => limit >= rank) ?? rank;
