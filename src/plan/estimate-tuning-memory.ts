import type { TuningSettings } from '../domain/preset.ts';
import type { TuningMethod } from '../domain/workspace.ts';
import type { TrainingOverrides } from '../manifests/training-config.ts';

export interface TuningMemoryRequest {
  tuning: TuningSettings;
  method: TuningMethod;
  overrides: TrainingOverrides;
}

/** In GiB of one GPU. */
export interface TuningMemory {
  gib: number;
  breakdown: {
    weights: number;
    adapter: number;
    activations: number;
    logits: number;
    cudaContext: number;
    fragmentation: number;
  };
}

/**
 * How much GPU memory a tuning with batch size 1 takes: a rule of thumb of our own, for KAITO has none. It errs upwards.
 *
 * - Weights: bfloat16 for LoRA. For QLoRA the linear layers at 4 bits and 0.127 more for the doubly quantised scales
 *   (https://arxiv.org/abs/2305.14314, section 3), while everything else is turned into float32
 *   (https://github.com/huggingface/peft/blob/v0.11.1/src/peft/utils/other.py, prepare_model_for_kbit_training), and one
 *   layer at a time is expanded to bfloat16.
 * - Adapter: float32 weights, gradients, and both moments of AdamW.
 * - Activations: with checkpointing the input of every layer, and one layer in full; without, every layer in full. A layer
 *   holds 17 bytes a token and hidden unit for attention and norms, the attention matrix itself never being held, counted as
 *   in https://arxiv.org/abs/2205.05198, section 4.1, and in its gated feed-forward part four tensors of the inner width.
 * - Logits: bfloat16, the float32 copy that the loss is computed from, and its gradient.
 * - CUDA context and libraries 0.8 GiB; fragmentation 5 %, with expandable segments.
 */
export const estimateTuningMemory = ({ tuning, method, overrides }: TuningMemoryRequest): TuningMemory => {
  const rank = numberOr(overrides['r'], 8);
  const sequenceTokens = numberOr(overrides['max_length'], 1024);
  const isCheckpointed = overrides['gradient_checkpointing'] !== false;
  const bytes = {
    weights: method === 'qlora' ? quantisedWeightBytes(tuning) : tuning.parameterCount * bytesPerHalf,
    adapter: adapterParameters(tuning, rank, targetModulesOf(tuning, overrides)) * bytesPerTrainedParameter,
    activations: activationBytes(tuning, method, sequenceTokens, isCheckpointed),
    logits: sequenceTokens * tuning.vocabularySize * (bytesPerHalf + bytesPerFloat + bytesPerFloat),
    cudaContext: 0.8 * bytesPerGiB,
  };
  const fragmentation = 0.05 * Object.values(bytes).reduce((sum, part) => sum + part, 0);
  const breakdown = {
    weights: bytes.weights / bytesPerGiB,
    adapter: bytes.adapter / bytesPerGiB,
    activations: bytes.activations / bytesPerGiB,
    logits: bytes.logits / bytesPerGiB,
    cudaContext: bytes.cudaContext / bytesPerGiB,
    fragmentation: fragmentation / bytesPerGiB,
  };
  return { gib: Object.values(breakdown).reduce((sum, part) => sum + part, 0), breakdown };
};

export type TuningFit = { verdict: 'fits' | 'tight' | 'too large'; message: string };

/** A tight fit may end in "out of memory" with an unlucky dataset. */
export const judgeTuningMemory = ({ gib }: TuningMemory, gpuMemoryGiB: number): TuningFit => {
  const message = `needs about ${gib.toFixed(1)} of ${gpuMemoryGiB} GiB GPU memory`;
  return { verdict: gib > gpuMemoryGiB ? 'too large' : gib > 0.9 * gpuMemoryGiB ? 'tight' : 'fits', message };
};

const bytesPerGiB = 2 ** 30;
const bytesPerHalf = 2;
const bytesPerFloat = 4;
/** Weight, gradient, and two moments. */
const bytesPerTrainedParameter = 4 * bytesPerFloat;
/** 4 bits, 8 bits for each 64 of them, and 32 bits for each 256 of those. */
const bytesPer4Bit = 4 / 8 + 1 / 64 + 4 / (64 * 256);

/** Input and output width of the layers that can be trained, as Phi-3 fuses them and as Qwen2 does not. */
const layerSizes = ({ hiddenSize, intermediateSize, keyValueSize }: TuningSettings): Record<string, readonly [number, number]> => ({
  q_proj: [hiddenSize, hiddenSize],
  k_proj: [hiddenSize, keyValueSize],
  v_proj: [hiddenSize, keyValueSize],
  qkv_proj: [hiddenSize, hiddenSize + 2 * keyValueSize],
  o_proj: [hiddenSize, hiddenSize],
  gate_proj: [hiddenSize, intermediateSize],
  up_proj: [hiddenSize, intermediateSize],
  gate_up_proj: [hiddenSize, 2 * intermediateSize],
  down_proj: [intermediateSize, hiddenSize],
});

const targetModulesOf = ({ targetModules }: TuningSettings, overrides: TrainingOverrides): readonly string[] => {
  const chosen = overrides['target_modules'];
  return Array.isArray(chosen) ? chosen : targetModules;
};

const adapterParameters = (tuning: TuningSettings, rank: number, targetModules: readonly string[]): number => {
  const sizes = layerSizes(tuning);
  return tuning.layerCount * targetModules.reduce((sum, name) => {
    const [input, output] = sizes[name] ?? [tuning.intermediateSize, tuning.intermediateSize];
    return sum + rank * (input + output);
  }, 0);
};

const quantisedWeightBytes = (tuning: TuningSettings): number => {
  const { hiddenSize, intermediateSize, vocabularySize, parameterCount, tiedEmbeddings } = tuning;
  const embeddings = vocabularySize * hiddenSize * (tiedEmbeddings ? 1 : 2);
  const expanded = hiddenSize * 2 * intermediateSize * bytesPerHalf;
  return (parameterCount - embeddings) * bytesPer4Bit + embeddings * bytesPerFloat + expanded;
};

const activationBytes = ({ hiddenSize, intermediateSize, layerCount }: TuningSettings, method: TuningMethod, sequenceTokens: number, isCheckpointed: boolean): number => {
  // Embeddings in float32 make everything that follows from them float32 too.
  const widening = method === 'qlora' ? 2 : 1;
  const layer = sequenceTokens * (17 * hiddenSize + 4 * bytesPerHalf * intermediateSize) * widening;
  if (!isCheckpointed) return layer * layerCount;
  return sequenceTokens * hiddenSize * bytesPerHalf * widening * layerCount + layer;
};

const numberOr = (value: unknown, standard: number): number => (typeof value === 'number' && value > 0 ? value : standard);
