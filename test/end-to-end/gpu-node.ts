import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import { type NodeOptions, startNode, stopNode } from '../cluster/real/nodes.ts';
import { ownCluster } from '../cluster/real/the-cluster.ts';

export interface GpuNode {
  name: string;
  /** What `--nodes` takes. */
  selector: string;
}

/**
 * A node with a GPU for the tests of a file, where it does not matter where nodes come from. Asked for before the rig: what
 * comes first goes last, and pods end only while their node is there.
 */
export const useGpuNode = (options: Omit<NodeOptions, 'name' | 'labels' | 'taints'> = {}): (() => GpuNode) => {
  let node: GpuNode | undefined;
  beforeAll(async () => {
    node = await startGpuNode(options);
  });
  afterAll(async () => {
    if (node) await stopNode(ownCluster(), node.name);
  });
  return () => {
    if (!node) throw new Error('The node starts with the tests, and is not there while they are collected.');
    return node;
  };
};

/** One that a test ends by itself. The taint keeps other tests' pods away. */
const startGpuNode = async (options: Omit<NodeOptions, 'name' | 'labels' | 'taints'> = {}): Promise<GpuNode> => {
  const name = `gpu-${randomBytes(4).toString('hex')}`;
  await startNode(ownCluster(), { gpuCount: 1, ...options, name, labels: { owner: name, 'nvidia.com/gpu.memory': '24576' }, taints: [{ key: 'sku', value: 'gpu', effect: 'NoSchedule' }] });
  return { name, selector: `owner=${name}` };
};
