/** A size of virtual machine as Microsoft.Compute knows it; numbers as in its `resourceSkus`. */
export interface VmSize {
  name: string;
  /** Quota family. */
  family: string;
  vCpuCount: number;
  memoryGiB: number;
  gpuCount: number;
  zones: readonly string[];
  /** Why it cannot be had in this subscription: nowhere in the region, or not in these zones. */
  restriction?: 'region' | readonly string[];
}

const size = (name: string, family: string, [vCpuCount, memoryGiB, gpuCount]: [number, number, number], zones: readonly string[]): VmSize => ({
  name,
  family,
  vCpuCount,
  memoryGiB,
  gpuCount,
  zones,
});

/** What the sandbox's region offers: the GPU sizes that KAITO knows, and two without GPUs for system pools. */
export const vmSizes: readonly VmSize[] = [
  size('Standard_D4s_v5', 'standardDSv5Family', [4, 16, 0], ['1', '2', '3']),
  size('Standard_D8s_v5', 'standardDSv5Family', [8, 32, 0], ['1', '2', '3']),
  size('Standard_NV36ads_A10_v5', 'StandardNVADSA10v5Family', [36, 440, 1], ['1', '2', '3']),
  size('Standard_NV72ads_A10_v5', 'StandardNVADSA10v5Family', [72, 880, 2], ['1', '2', '3']),
  size('Standard_NC24ads_A100_v4', 'StandardNCADSA100v4Family', [24, 220, 1], ['1', '2', '3']),
  size('Standard_NC48ads_A100_v4', 'StandardNCADSA100v4Family', [48, 440, 2], ['1', '2', '3']),
  size('Standard_NC96ads_A100_v4', 'StandardNCADSA100v4Family', [96, 880, 4], ['1', '2', '3']),
  size('Standard_ND96asr_v4', 'StandardNDASv4_A100Family', [96, 900, 8], ['2']),
  size('Standard_ND96asr_A100_v4', 'StandardNDASv4_A100Family', [96, 900, 8], ['2']),
  size('Standard_ND96amsr_A100_v4', 'standardNDAMSv4_A100Family', [96, 1900, 8], ['2']),
  size('Standard_NC40ads_H100_v5', 'StandardNCadsH100v5Family', [40, 320, 1], ['1', '2', '3']),
  size('Standard_NC80adis_H100_v5', 'StandardNCadsH100v5Family', [80, 640, 2], ['1', '2', '3']),
  size('Standard_ND96isr_H100_v5', 'standardNDSH100v5Family', [96, 1900, 8], ['1']),
  size('Standard_NCC40ads_H100_v5', 'StandardNCCads2023Family', [40, 320, 1], ['1']),
  { ...size('Standard_ND96isr_H200_v5', 'standardNDSH200v5Family', [96, 1850, 8], ['1', '3']), restriction: ['3'] },
  { ...size('Standard_NG32ads_V620_v1', 'StandardNGADSV620v1Family', [32, 64, 1], ['1']), restriction: 'region' },
  { ...size('Standard_NG32adms_V620_v1', 'StandardNGADSV620v1Family', [32, 176, 1], ['1']), restriction: 'region' },
];

/** Names of sizes do not care about case. */
export const findVmSize = (name: string): VmSize | undefined => vmSizes.find((candidate) => candidate.name.toLowerCase() === name.toLowerCase());

/** Zones in which this subscription can have that size. */
export const zonesOf = ({ zones, restriction }: VmSize): readonly string[] =>
  restriction === 'region' ? [] : zones.filter((zone) => restriction?.includes(zone) !== true);
