/** A machine with accelerators that one can rent. Sizes in GiB as KAITO's tables have them. */
export interface GpuMachine {
  /** Canonical case: node readiness compares it exactly. */
  name: string;
  gpuModel: string;
  /** The images need NVIDIA's. */
  gpuVendor: 'NVIDIA' | 'AMD' | 'AWS';
  gpuCount: number;
  /** Of all its GPUs. */
  gpuMemoryGiB: number;
  /** CUDA compute capability, such as 8.6; absent for other vendors. */
  computeCapability?: number;
  hasNvme: boolean;
}

/** A VM size of Azure. */
export interface InstanceType extends GpuMachine {
  gpuVendor: 'NVIDIA' | 'AMD';
  vCpuCount: number;
  /** Azure's quota family, such as `StandardNCADSA100v4Family`: compare case-insensitively. */
  quotaFamily: string;
}
