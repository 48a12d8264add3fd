import type { Partition } from './workspace.ts';

/** A whole GPU, as device plugins announce it. */
export const wholeGpu = 'nvidia.com/gpu';

/** A slice of a GPU, where MIG devices of several sizes are announced by their profile (strategy `mixed`). */
export const sliceResource = (profile: string): string => `nvidia.com/mig-${profile}`;

/** What pods of a workspace ask of a node. */
export const gpuResourceOf = (partition: Partition | undefined): string => (partition?.mode === 'mig' ? sliceResource(partition.profile) : wholeGpu);

/** Memory of a profile such as `3g.40gb`, in whole GiB as KAITO counts it; undefined for what is none. */
export const parseMigProfile = (profile: string): { memoryGiB: number } | undefined => {
  const memory = /^\d+g\.([\d.]+)gb$/.exec(profile)?.[1];
  return memory === undefined ? undefined : { memoryGiB: Math.floor(Number(memory)) };
};

/** Whether a node's GPUs are slices, as its labels tell: https://docs.nvidia.com/datacenter/cloud-native/gpu-operator/latest/gpu-operator-mig.html */
export const isSliced = (labels: Readonly<Record<string, string>>): boolean => {
  const config = labels['nvidia.com/mig.config'] ?? '';
  return config !== '' && config !== 'all-disabled' && labels['nvidia.com/mig.config.state'] === 'success';
};
