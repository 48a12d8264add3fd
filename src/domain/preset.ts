import type { TuningMethod } from './workspace.ts';

/**
 * A model with settings that are known to work, one YAML file each in `presets/`; the file name is `name`.
 * Facts follow KAITO's catalogue: https://github.com/kaito-project/kaito/blob/056b8280/presets/workspace/models/model_catalog.yaml
 */
export interface Preset {
  /** Lower-cased last segment of the Hugging Face id: the name the server answers to. */
  name: string;
  /** What KAITO accepts for it besides the Hugging Face id: often the name itself, sometimes another, such as `mistral-7b`. */
  aliases: string[];
  /** Short names that only kaito-ts accepts, such as `phi-3-mini`: resolving one is said in the plan. */
  shortNames: string[];
  /** In canonical case: `microsoft/Phi-3-mini-128k-instruct`. */
  huggingFaceId: string;
  /** Read from the Hugging Face hub and not of the catalogue: its id is the only name that leads to it. */
  isFromHub?: true;
  /** The commit of the Hugging Face repository that serving is pinned to; absent: the newest. */
  revision?: string;
  license: string;
  /** Hugging Face wants a token of somebody who accepted the licence. */
  gated: boolean;
  /** Size of the weight files, in GiB as the catalogue rounds it (two decimals). */
  weightsGiB: number;
  contextLengthTokens: number;
  /** At two bytes an element, as KAITO's estimator counts. */
  kvCacheBytesPerToken: number;
  architectures: string[];
  /** `awq`, `fp8`, ...; absent: unquantised bfloat16. */
  quantization?: string;
  vllm: VllmSettings;
  transformers?: TransformersSettings;
  tuning?: TuningSettings;
}

export interface VllmSettings {
  /** Server flags without the leading dashes; an empty value is a bare flag. */
  flags: Record<string, string>;
  toolCallParser?: string;
  reasoningParser?: string;
  /** File below `/workspace/chat_templates/` in the image. */
  chatTemplate?: string;
  /** Offloading the KV cache to CPU memory breaks this architecture. */
  disableKvCacheCpuOffload?: boolean;
  requiresDeepGemm?: boolean;
  /** Needs nvcc, which the image does not have: an init container brings the toolkit onto the node. */
  requiresCudaToolkit?: boolean;
}

export interface TransformersSettings {
  flags: Record<string, string>;
}

export interface TuningSettings {
  methods: TuningMethod[];
  /** OCI artifact with the weights, pulled by oras: `mcr.microsoft.com/aks/kaito/kaito-phi-4:0.2.0`. */
  weightsImage: string;
  /** Linear layers that really exist in this architecture: the trainer dies without them. */
  targetModules: string[];
  parameterCount: number;
  hiddenSize: number;
  /** Width of the gated feed-forward layer. */
  intermediateSize: number;
  /** Key-value heads x head size. */
  keyValueSize: number;
  layerCount: number;
  vocabularySize: number;
  /** The output layer is the embedding itself. */
  tiedEmbeddings?: boolean;
}
