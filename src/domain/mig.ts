/** A whole GPU, as device plugins announce it. */
export const wholeGpu = 'nvidia.com/gpu';

/** A slice of a GPU, where MIG devices of several sizes are announced by their profile (strategy `mixed`). */
export const sliceResource = (profile: string): string => `nvidia.com/mig-${profile}`;

/** Compute slices and memory of a profile such as `3g.40gb`; undefined for what is none. The memory counts in whole GiB, as KAITO counts it. */
export const parseMigProfile = (profile: string): { memoryGiB: number } | undefined => {
  const memory = /^\d+g\.([\d.]+)gb$/.exec(profile)?.[1];
  return memory === undefined ? undefined : { memoryGiB: Math.floor(Number(memory)) };
};

/** Whether a node's GPUs are slices, as its labels tell: https://docs.nvidia.com/datacenter/cloud-native/gpu-operator/latest/gpu-operator-mig.html */
export const isSliced = (labels: Readonly<Record<string, string>>): boolean => {
  const config = labels['nvidia.com/mig.config'] ?? '';
  return config !== '' && config !== 'all-disabled' && labels['nvidia.com/mig.config.state'] === 'success';
};
