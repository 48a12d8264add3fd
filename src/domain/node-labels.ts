/** Memory of one GPU, in the operator's whole GiB: https://github.com/kaito-project/kaito/blob/056b8280/pkg/sku/helpers.go#L84 */
export const gpuMemoryOf = (labels: Readonly<Record<string, string>>): { gpuMemoryGiB?: number } => {
  const memoryMiB = countOf(labels['nvidia.com/gpu.memory']);
  return memoryMiB > 0 ? { gpuMemoryGiB: Math.round(memoryMiB / 1024) } : {};
};

/** MIG slices by profile, of a node's resources: `nvidia.com/mig-3g.40gb: "2"`. */
export const slicesOf = (resources: Readonly<Record<string, unknown>>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(resources).flatMap(([name, value]) => {
      const profile = /^nvidia\.com\/mig-(\d+g\.[\d.]+gb)$/.exec(name)?.[1];
      return profile === undefined ? [] : [[profile, countOf(value)] as const];
    }),
  );

/** 0 for what is no whole number. */
export const countOf = (value: unknown): number => (/^\+?\d+$/.test(String(value)) ? Number(value) : 0);
