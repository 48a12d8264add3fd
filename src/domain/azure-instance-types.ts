import { closest, distance } from 'fastest-levenshtein';
import type { InstanceType } from './instance-type.ts';

/** KAITO's own list of Azure machines with whole GPUs: `pkg/sku/azure_sku_handler.go` of kaito-project/kaito v0.12. */
export const azureInstanceTypes: readonly InstanceType[] = [
  nvidia('Standard_NV36ads_A10_v5', 'NVIDIA A10', { gpuCount: 1, gpuMemoryGiB: 24, computeCapability: 8.6, vCpuCount: 36, quotaFamily: 'StandardNVADSA10v5Family' }),
  nvidia('Standard_NV72ads_A10_v5', 'NVIDIA A10', { gpuCount: 2, gpuMemoryGiB: 48, computeCapability: 8.6, vCpuCount: 72, quotaFamily: 'StandardNVADSA10v5Family' }),
  nvidia('Standard_NC24ads_A100_v4', 'NVIDIA A100', { gpuCount: 1, gpuMemoryGiB: 80, computeCapability: 8, hasNvme: true, vCpuCount: 24, quotaFamily: 'StandardNCADSA100v4Family' }),
  nvidia('Standard_NC48ads_A100_v4', 'NVIDIA A100', { gpuCount: 2, gpuMemoryGiB: 160, computeCapability: 8, hasNvme: true, vCpuCount: 48, quotaFamily: 'StandardNCADSA100v4Family' }),
  nvidia('Standard_NC96ads_A100_v4', 'NVIDIA A100', { gpuCount: 4, gpuMemoryGiB: 320, computeCapability: 8, hasNvme: true, vCpuCount: 96, quotaFamily: 'StandardNCADSA100v4Family' }),
  nvidia('Standard_ND96asr_A100_v4', 'NVIDIA A100', { gpuCount: 8, gpuMemoryGiB: 320, computeCapability: 8, vCpuCount: 96, quotaFamily: 'StandardNDASv4_A100Family' }),
  nvidia('Standard_ND96amsr_A100_v4', 'NVIDIA A100', { gpuCount: 8, gpuMemoryGiB: 640, computeCapability: 8, hasNvme: true, vCpuCount: 96, quotaFamily: 'StandardNDAMSv4_A100Family' }),
  nvidia('Standard_NC40ads_H100_v5', 'NVIDIA H100', { gpuCount: 1, gpuMemoryGiB: 94, computeCapability: 9, hasNvme: true, vCpuCount: 40, quotaFamily: 'StandardNCadsH100v5Family' }),
  nvidia('Standard_NC80adis_H100_v5', 'NVIDIA H100', { gpuCount: 2, gpuMemoryGiB: 188, computeCapability: 9, hasNvme: true, vCpuCount: 80, quotaFamily: 'StandardNCadsH100v5Family' }),
  nvidia('Standard_ND96isr_H100_v5', 'NVIDIA H100', { gpuCount: 8, gpuMemoryGiB: 640, computeCapability: 9, hasNvme: true, vCpuCount: 96, quotaFamily: 'StandardNDSH100v5Family' }),
  nvidia('Standard_NCC40ads_H100_v5', 'NVIDIA H100', { gpuCount: 1, gpuMemoryGiB: 94, computeCapability: 9, vCpuCount: 40, quotaFamily: 'StandardNCCads2023Family' }),
  nvidia('Standard_ND96isr_H200_v5', 'NVIDIA H200', { gpuCount: 8, gpuMemoryGiB: 1128, computeCapability: 9, hasNvme: true, vCpuCount: 96, quotaFamily: 'StandardNDISRH200V5Family' }),
  amdV620('Standard_NG32ads_V620_v1'),
  amdV620('Standard_NG32adms_V620_v1'),
];

/** In any letter case; what comes back has the canonical one. */
export const findInstanceType = (name: string): InstanceType | undefined => {
  const wanted = name.trim().toLowerCase();
  return azureInstanceTypes.find((candidate) => candidate.name.toLowerCase() === wanted);
};

/** For "did you mean": the nearest names, nearest first; none when nothing is near. */
export const suggestInstanceTypes = (name: string): string[] => {
  const retired = findRetiredInstanceType(name);
  if (retired) return [retired.replacement];
  const wanted = shorten(name);
  const nearest = closest(wanted, azureInstanceTypes.map((candidate) => shorten(candidate.name)));
  const shortest = distance(wanted, nearest);
  if (shortest > Math.max(3, nearest.length / 3)) return [];
  return azureInstanceTypes
    .map(({ name: candidate }) => ({ candidate, edits: distance(wanted, shorten(candidate)) }))
    .filter(({ edits }) => edits <= shortest + 1)
    .sort((left, right) => left.edits - right.edits)
    .map(({ candidate }) => candidate)
    .slice(0, 3);
};

/** What to try when this machine is not to be had: other families with at least its GPU memory, smallest first. */
export const alternativesTo = (name: string): InstanceType[] => {
  const wanted = findInstanceType(name);
  if (!wanted) return [];
  return azureInstanceTypes
    .filter((candidate) => candidate.gpuVendor === wanted.gpuVendor && candidate.quotaFamily !== wanted.quotaFamily && candidate.gpuMemoryGiB >= wanted.gpuMemoryGiB)
    .sort((left, right) => left.gpuMemoryGiB - right.gpuMemoryGiB || left.vCpuCount - right.vCpuCount);
};

/** Quota families are spelled with other letter case and other spaces by each of Azure's APIs. */
export const isSameQuotaFamily = (left: string, right: string): boolean => familyKey(left) === familyKey(right);

export interface RetiredInstanceType {
  /** Why it is of no use here, as the end of a sentence about it. */
  reason: string;
  /** The smallest machine of `azureInstanceTypes` that has at least as much GPU memory. */
  replacement: string;
}

export const findRetiredInstanceType = (name: string): RetiredInstanceType | undefined => retiredByLowerCaseName.get(name.trim().toLowerCase());

const reasons = {
  k80: 'has K80 GPUs, and Azure has retired the NC series',
  p100: 'has P100 GPUs, and Azure has retired the NCv2 series',
  p40: 'has P40 GPUs, and Azure has retired the ND series',
  v100: 'has V100 GPUs of compute capability 7.0, where bfloat16 needs 8.0, and Azure has retired the series',
  t4: 'has T4 GPUs of compute capability 7.5, where bfloat16 needs 8.0',
  m60: 'has M60 GPUs of compute capability 5.2, where bfloat16 needs 8.0',
  partA10: 'has only a part of an A10, and models are sized for whole GPUs',
  partAmd: 'has only a part of an AMD GPU, and models are sized for whole GPUs',
  otherName: 'is listed by KAITO under another name',
} as const;

const smallestA10 = 'Standard_NV36ads_A10_v5';
const twoA10 = 'Standard_NV72ads_A10_v5';
const oneA100 = 'Standard_NC24ads_A100_v4';
const twoA100 = 'Standard_NC48ads_A100_v4';
const fourA100 = 'Standard_NC96ads_A100_v4';
const oneV620 = 'Standard_NG32ads_V620_v1';

/** Machines that documents, old manifests and habit still name, with what to take instead. */
export const retiredInstanceTypes: Readonly<Record<string, RetiredInstanceType>> = {
  Standard_NC6: { reason: reasons.k80, replacement: smallestA10 },
  Standard_NC12: { reason: reasons.k80, replacement: smallestA10 },
  Standard_NC24: { reason: reasons.k80, replacement: twoA10 },
  Standard_NC24r: { reason: reasons.k80, replacement: twoA10 },
  Standard_NC6s_v2: { reason: reasons.p100, replacement: smallestA10 },
  Standard_NC12s_v2: { reason: reasons.p100, replacement: twoA10 },
  Standard_NC24s_v2: { reason: reasons.p100, replacement: oneA100 },
  Standard_NC24rs_v2: { reason: reasons.p100, replacement: oneA100 },
  Standard_NC6s_v3: { reason: reasons.v100, replacement: smallestA10 },
  Standard_NC12s_v3: { reason: reasons.v100, replacement: twoA10 },
  Standard_NC24s_v3: { reason: reasons.v100, replacement: oneA100 },
  Standard_NC24rs_v3: { reason: reasons.v100, replacement: oneA100 },
  Standard_NC4as_T4_v3: { reason: reasons.t4, replacement: smallestA10 },
  Standard_NC8as_T4_v3: { reason: reasons.t4, replacement: smallestA10 },
  Standard_NC16as_T4_v3: { reason: reasons.t4, replacement: smallestA10 },
  Standard_NC64as_T4_v3: { reason: reasons.t4, replacement: oneA100 },
  Standard_ND6s: { reason: reasons.p40, replacement: smallestA10 },
  Standard_ND12s: { reason: reasons.p40, replacement: twoA10 },
  Standard_ND24s: { reason: reasons.p40, replacement: twoA100 },
  Standard_ND24rs: { reason: reasons.p40, replacement: twoA100 },
  Standard_ND40s_v2: { reason: reasons.v100, replacement: fourA100 },
  Standard_ND40rs_v2: { reason: reasons.v100, replacement: fourA100 },
  Standard_ND96asr_v4: { reason: reasons.otherName, replacement: 'Standard_ND96asr_A100_v4' },
  Standard_NV6: { reason: reasons.m60, replacement: smallestA10 },
  Standard_NV12: { reason: reasons.m60, replacement: smallestA10 },
  Standard_NV24: { reason: reasons.m60, replacement: twoA10 },
  Standard_NV12s_v3: { reason: reasons.m60, replacement: smallestA10 },
  Standard_NV24s_v3: { reason: reasons.m60, replacement: smallestA10 },
  Standard_NV48s_v3: { reason: reasons.m60, replacement: twoA10 },
  Standard_NV6ads_A10_v5: { reason: reasons.partA10, replacement: smallestA10 },
  Standard_NV12ads_A10_v5: { reason: reasons.partA10, replacement: smallestA10 },
  Standard_NV18ads_A10_v5: { reason: reasons.partA10, replacement: smallestA10 },
  Standard_NV4as_v4: { reason: reasons.partAmd, replacement: oneV620 },
  Standard_NV8as_v4: { reason: reasons.partAmd, replacement: oneV620 },
  Standard_NV16as_v4: { reason: reasons.partAmd, replacement: oneV620 },
  Standard_NG8ads_V620_v1: { reason: reasons.partAmd, replacement: oneV620 },
  Standard_NG16ads_V620_v1: { reason: reasons.partAmd, replacement: oneV620 },
};

const retiredByLowerCaseName = new Map(Object.entries(retiredInstanceTypes).map(([name, retired]) => [name.toLowerCase(), retired]));

type Figures = Omit<InstanceType, 'name' | 'gpuModel' | 'gpuVendor' | 'hasNvme'> & { hasNvme?: true };

function nvidia(name: string, gpuModel: string, figures: Figures): InstanceType {
  return { name, gpuModel, gpuVendor: 'NVIDIA', hasNvme: false, ...figures };
}

function amdV620(name: string): InstanceType {
  return { name, gpuModel: 'AMD Radeon PRO V620', gpuVendor: 'AMD', gpuCount: 1, gpuMemoryGiB: 32, hasNvme: false, vCpuCount: 32, quotaFamily: 'StandardNGADSV620v1Family' };
}

const familyKey = (family: string): string => family.toLowerCase().replaceAll(' ', '');

/** People leave `Standard_` out, and it would make every name look alike. */
const shorten = (name: string): string => name.trim().toLowerCase().replace(/^standard_/, '');
