import { gibToBytes } from '../domain/quantity.ts';
import type { Flags } from './runtime.ts';

export interface ParallelismRequest {
  weightsGiB: number;
  /** Of one node. */
  gpuCount: number;
  /** Of one GPU; 0 where nobody knows. */
  gpuMemoryGiB: number;
  nodeCount: number;
}

/**
 * How a model is spread over GPUs. One that fills less than half a GPU is copied to each of them, any other is split over
 * the node's GPUs, and over the nodes as a pipeline.
 * https://github.com/kaito-project/kaito/blob/056b8280/pkg/model/interface.go#L530
 */
export const parallelismFlags = (request: ParallelismRequest): Flags => {
  const { gpuCount, nodeCount } = request;
  if (nodeCount > 1) {
    return {
      'tensor-parallel-size': String(gpuCount),
      'pipeline-parallel-size': String(nodeCount),
      'distributed-executor-backend': 'ray',
      ...withoutCpuOffload,
    };
  }
  if (isCopied(request)) {
    return { 'data-parallel-size': String(gpuCount), 'tensor-parallel-size': '1', ...withoutCpuOffload };
  }
  return { 'tensor-parallel-size': String(gpuCount) };
};

/** Whether each GPU has a copy of the model, and works by itself. */
export const isCopied = ({ weightsGiB, gpuCount, gpuMemoryGiB, nodeCount }: ParallelismRequest): boolean => nodeCount === 1 && gpuCount > 1 && gibToBytes(weightsGiB) * 2 < gpuMemoryGiB * 2 ** 30;

/** KAITO's server would otherwise keep part of the KV cache in the machine's memory, which works on one engine only. */
export const withoutCpuOffload: Flags = { 'kaito-kv-cache-cpu-memory-utilization': '0' };
