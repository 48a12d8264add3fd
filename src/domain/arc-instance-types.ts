import type { GpuMachine } from './instance-type.ts';

/**
 * KAITO's list of machines of Azure Local and other clusters that Azure Arc manages: one GPU up to 8 vCPUs, two above.
 * https://github.com/kaito-project/kaito/blob/056b8280/pkg/sku/arc_sku_handker.go#L23
 */
export const arcInstanceTypes: readonly GpuMachine[] = ['A2', 'A16'].flatMap((gpu) =>
  [4, 8, 16, 32].map((vCpuCount): GpuMachine => {
    const gpuCount = vCpuCount > 8 ? 2 : 1;
    return { name: `Standard_NC${vCpuCount}_${gpu}`, gpuModel: `NVIDIA ${gpu}`, gpuVendor: 'NVIDIA', gpuCount, gpuMemoryGiB: gpuCount * 16, computeCapability: 8.6, hasNvme: false };
  }),
);
