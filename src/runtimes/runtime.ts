import type { Preset } from '../domain/preset.ts';

/** What serves a model. A runtime is pure: it says how its server is started, and never starts one. */
export interface Runtime {
  /** Why it cannot serve this preset on that many nodes; undefined when it can. */
  refuse(preset: Preset, nodeCount: number): string | undefined;
  server(request: ServerRequest): Server;
}

export interface ServerRequest {
  preset: Preset;
  machine: ServerMachine;
  nodeCount: number;
  /** LoRA rank of each adapter; undefined where it is not known. */
  adapterRanks: readonly (number | undefined)[];
  /** Whether a user's ConfigMap is mounted at `/mnt/config`. */
  hasConfig: boolean;
  /** Where the nodes have the weights; absent: they are downloaded. */
  localWeights?: string;
  /** `interactivity` or `throughput`; absent: balanced. */
  performanceMode?: string;
}

export interface ServerMachine {
  gpuCount: number;
  /** As KAITO's table of machines spells it: `NVIDIA A10`. */
  gpuModel: string;
  /** Of one GPU. */
  gpuMemoryGiB: number;
  /** As pods ask for it; absent: `nvidia.com/gpu`. */
  gpuResource?: string;
  /** Its GPUs are slices of one (MIG). */
  isSliced?: true;
}

export interface Server {
  /** The program, before its flags. */
  command: string[];
  flags: Flags;
  environment: Record<string, string>;
  /** Besides 5000, which every server listens on. */
  ports: { name: string; containerPort: number }[];
  terminationGracePeriodSeconds: number;
  /** Below `/opt/kaito`, brought onto the node by an init container. */
  needsCudaToolkit: boolean;
  /** Merges all adapters into the model, by weights from the environment, instead of serving each under its name. */
  mergesAdapters: boolean;
}

/** Without the leading dashes; an empty value is a bare flag. */
export type Flags = Readonly<Record<string, string>>;

/** In sorted order, so that a second rendering is the same text. */
export const renderFlags = (flags: Flags): string[] =>
  Object.entries(flags)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, value]) => (value === '' ? `--${name}` : `--${name}=${value}`));

/**
 * How long from the start of the container to `/health`: 15 minutes and 18 seconds for each GiB of weights, between 30 and
 * 180 minutes. https://github.com/kaito-project/kaito/blob/056b8280/presets/workspace/models/vllm_model.go#L33
 */
export const startupBudgetSeconds = ({ weightsGiB }: Preset): number => Math.min(180 * 60, Math.max(30 * 60, 15 * 60 + 18 * weightsGiB));

/** KAITO's helpers in the image find the tokenizer by this. */
export const processorOf = ({ localWeights }: ServerRequest): Record<string, string> => (localWeights === undefined ? {} : { KAITO_PROCESSOR: localWeights });

/** Where the server downloads the weights to: a volume, so that they do not fill the container's own layer. */
export const weightsFolder = '/workspace/weights';
