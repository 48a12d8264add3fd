import { gibToBytes } from '../domain/quantity.ts';
import type { Flags, ServerMachine } from './runtime.ts';

export interface ParallelismRequest {
  weightsGiB: number;
  machine: ServerMachine;
  nodeCount: number;
}

/**
 * How a model is spread over GPUs. One that fills less than half a GPU is copied to each of them, any other is split over
 * the node's GPUs, and over the nodes as a pipeline.
 * https://github.com/kaito-project/kaito/blob/056b8280/pkg/model/interface.go#L530
 */
export const parallelismFlags = ({ weightsGiB, machine, nodeCount }: ParallelismRequest): Flags => {
  const { gpuCount, gpuMemoryGiB } = machine;
  if (nodeCount > 1) {
    return {
      'tensor-parallel-size': String(gpuCount),
      'pipeline-parallel-size': String(nodeCount),
      'distributed-executor-backend': 'ray',
      ...withoutCpuOffload,
    };
  }
  if (gpuCount > 1 && gibToBytes(weightsGiB) * 2 < gpuMemoryGiB * 2 ** 30) {
    return { 'data-parallel-size': String(gpuCount), 'tensor-parallel-size': '1', ...withoutCpuOffload };
  }
  return { 'tensor-parallel-size': String(gpuCount) };
};

/** KAITO's server would otherwise keep part of the KV cache in the machine's memory, which works on one engine only. */
export const withoutCpuOffload: Flags = { 'kaito-kv-cache-cpu-memory-utilization': '0' };
