import type { Preset } from '../domain/preset.ts';
import { gibToBytes } from '../domain/quantity.ts';

export interface NodeEstimateRequest {
  preset: Pick<Preset, 'weightsGiB' | 'kvCacheBytesPerToken'>;
  gpuCount: number;
  /** Of one GPU. */
  gpuMemoryGiB: number;
  /** What the server is sized for; absent: KAITO's 2048. */
  contextLengthTokens?: number;
}

export type NodeEstimate =
  | {
      nodeCount: number;
      gpuCount: number;
      /** Of one GPU, in GiB: what vLLM may take, what is left of it for weights, and what the KV cache gets. */
      usableGiB: number;
      weightsPerGpuGiB: number;
      kvCacheGiB: number;
      /** Of all GPUs together: weights, KV cache, and what the server itself takes. */
      neededGiB: number;
      contextLengthTokens: number;
    }
  /** As the end of a sentence about the machine. */
  | { refusal: string };

const defaultContextLengthTokens = 2048;

/** The share of a GPU's memory that vLLM is given. On A10 it is launched with 0.82, and KAITO estimates with 0.84 there too. */
const memoryUtilization = 0.84;
/** Weights in memory against weights in files. */
const weightsExpansion = 1.02;
/** CUDA context, graphs and activations, whatever the model. */
const baseOverheadBytes = 2.3 * 2 ** 30;
const overheadPerWeight = 1.05;

/**
 * How many nodes a model needs: KAITO's estimate, to the node, with its oddities. The KV cache is divided by the GPUs of
 * one node rather than of all, and an exact fit costs one GPU more.
 * https://github.com/kaito-project/kaito/blob/056b8280/pkg/workspace/estimator/nodesestimator/estimator.go#L131
 */
export const estimateNodes = ({ preset, gpuCount, gpuMemoryGiB, contextLengthTokens = defaultContextLengthTokens }: NodeEstimateRequest): NodeEstimate => {
  const usableBytes = Math.floor(gpuMemoryGiB * 2 ** 30) * memoryUtilization;
  const kvCacheBytes = (contextLengthTokens * preset.kvCacheBytesPerToken) / gpuCount;
  const reservedBytes = baseOverheadBytes + kvCacheBytes;
  if (usableBytes <= reservedBytes) {
    return {
      refusal: `its GPUs have ${gpuMemoryGiB} GiB each, of which ${toGiB(usableBytes)} are usable, and a context of ${contextLengthTokens} tokens alone needs ${toGiB(reservedBytes)} (${toGiB(kvCacheBytes)} of it KV cache)`,
    };
  }
  const weightsBytes = gibToBytes(preset.weightsGiB) * weightsExpansion;
  const weightsPerGpuBytes = (usableBytes - reservedBytes) / overheadPerWeight;
  const gpusNeeded = Math.trunc(weightsBytes / weightsPerGpuBytes) + 1;
  const nodeCount = Math.ceil(gpusNeeded / gpuCount);
  return {
    nodeCount,
    gpuCount: nodeCount * gpuCount,
    usableGiB: usableBytes / 2 ** 30,
    weightsPerGpuGiB: weightsPerGpuBytes / 2 ** 30,
    kvCacheGiB: kvCacheBytes / 2 ** 30,
    neededGiB: (weightsBytes * overheadPerWeight + nodeCount * gpuCount * reservedBytes) / 2 ** 30,
    contextLengthTokens,
  };
};

const toGiB = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
