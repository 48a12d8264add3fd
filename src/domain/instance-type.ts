/** A GPU machine one can rent: a VM size of Azure. Sizes in GiB as KAITO's table has them. */
export interface InstanceType {
  /** Canonical case: node readiness compares it exactly. */
  name: string;
  gpuModel: string;
  gpuVendor: 'NVIDIA' | 'AMD';
  gpuCount: number;
  gpuMemoryGiB: number;
  /** CUDA compute capability, such as 8.6; absent for AMD. */
  computeCapability?: number;
  hasNvme: boolean;
  vCpuCount: number;
  /** Azure's quota family, such as `StandardNCADSA100v4Family`: compare case-insensitively. */
  quotaFamily: string;
}
