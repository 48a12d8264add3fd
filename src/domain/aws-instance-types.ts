import type { GpuMachine } from './instance-type.ts';

interface Family extends Pick<GpuMachine, 'gpuModel' | 'gpuVendor' | 'computeCapability'> {
  /** Of one GPU. */
  memoryGiB: number;
  /** By how many GPUs they have. */
  sizes: Readonly<Record<number, string>>;
  hasNvme?: false;
}

const families: readonly Family[] = [
  { gpuModel: 'NVIDIA A100', gpuVendor: 'NVIDIA', computeCapability: 8, memoryGiB: 40, sizes: { 8: 'p4d.24xlarge' } },
  { gpuModel: 'NVIDIA A100', gpuVendor: 'NVIDIA', computeCapability: 8, memoryGiB: 80, sizes: { 8: 'p4de.24xlarge' } },
  { gpuModel: 'NVIDIA H100', gpuVendor: 'NVIDIA', computeCapability: 9, memoryGiB: 80, sizes: { 8: 'p5.48xlarge' } },
  { gpuModel: 'NVIDIA H200', gpuVendor: 'NVIDIA', computeCapability: 9, memoryGiB: 141, sizes: { 8: 'p5e.48xlarge p5en.48xlarge' } },
  {
    gpuModel: 'NVIDIA L4',
    gpuVendor: 'NVIDIA',
    computeCapability: 8.9,
    memoryGiB: 24,
    sizes: { 1: 'g6.xlarge g6.2xlarge g6.4xlarge g6.8xlarge g6.16xlarge gr6.4xlarge gr6.8xlarge', 4: 'g6.12xlarge g6.24xlarge', 8: 'g6.48xlarge' },
  },
  {
    gpuModel: 'NVIDIA A10G',
    gpuVendor: 'NVIDIA',
    computeCapability: 8.6,
    memoryGiB: 24,
    sizes: { 1: 'g5.xlarge g5.2xlarge g5.4xlarge g5.8xlarge g5.16xlarge', 4: 'g5.12xlarge g5.24xlarge', 8: 'g5.48xlarge' },
  },
  { gpuModel: 'AMD Radeon Pro V520', gpuVendor: 'AMD', memoryGiB: 8, sizes: { 1: 'g4ad.xlarge g4ad.2xlarge g4ad.4xlarge', 2: 'g4ad.8xlarge', 4: 'g4ad.16xlarge' } },
  { gpuModel: 'AWS Trainium accelerators', gpuVendor: 'AWS', memoryGiB: 32, sizes: { 1: 'trn1.2xlarge', 16: 'trn1.32xlarge trn1n.32xlarge' } },
  { gpuModel: 'AWS Inferentia2 accelerators', gpuVendor: 'AWS', memoryGiB: 32, hasNvme: false, sizes: { 1: 'inf2.xlarge inf2.8xlarge', 6: 'inf2.24xlarge', 12: 'inf2.48xlarge' } },
];

/** KAITO's list of AWS machines: https://github.com/kaito-project/kaito/blob/056b8280/pkg/sku/aws_sku_handler.go#L23 */
export const awsInstanceTypes: readonly GpuMachine[] = families.flatMap(({ memoryGiB, sizes, hasNvme = true, ...gpu }) =>
  Object.entries(sizes).flatMap(([count, names]) => names.split(' ').map((name) => ({ name, ...gpu, gpuCount: Number(count), gpuMemoryGiB: Number(count) * memoryGiB, hasNvme }))),
);
