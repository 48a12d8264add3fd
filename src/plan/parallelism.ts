import { kaitoAnnotation } from '../domain/annotations.ts';
import type { Plan } from '../domain/plan.ts';
import type { Preset } from '../domain/preset.ts';
import { toRuntimeName } from '../runtimes/index.ts';
import { parallelismFlags } from '../runtimes/parallelism.ts';

/** Over how many GPUs the model is split within a node, over how many nodes it is split, and how many copies of it run. */
export interface Parallelism {
  tensor: number;
  pipeline: number;
  data: number;
}

/** As vLLM is told; a tuning and the transformers server run as one. */
export const parallelismOf = ({ workspace, nodes }: Plan, preset: Preset): Parallelism => {
  if (!workspace.inference || toRuntimeName(workspace.metadata.annotations?.[kaitoAnnotation.runtime]) === 'transformers') return { tensor: 1, pipeline: 1, data: 1 };
  const flags = parallelismFlags({
    weightsGiB: preset.weightsGiB,
    gpuCount: nodes.gpusPerNode,
    gpuMemoryGiB: nodes.gpuMemoryGiB ?? 0,
    nodeCount: nodes.count,
  });
  const count = (flag: string): number => Number(flags[flag] ?? '1');
  return { tensor: count('tensor-parallel-size'), pipeline: count('pipeline-parallel-size'), data: count('data-parallel-size') };
};
