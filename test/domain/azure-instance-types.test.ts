import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { alternativesTo, azureInstanceTypes, findInstanceType, findRetiredInstanceType, isSameQuotaFamily, retiredInstanceTypes, suggestInstanceTypes } from '../../src/domain/azure-instance-types.ts';

const kaitoTable = new URL('../../../shared/data/azure-skus.json', import.meta.url);

describe('azureInstanceTypes', () => {
  it.skipIf(!existsSync(kaitoTable))('agrees with the table of KAITO (needs ../shared/data/azure-skus.json)', () => {
    const rows: { name: string; gpuCount: number; gpuMemGiB: number; gpuModel: string; gpuVendor: string; nvmeDiskEnabled: boolean; cudaComputeCapability: number }[] =
      JSON.parse(readFileSync(kaitoTable, 'utf8'));
    expect(
      azureInstanceTypes.map((type) => ({
        name: type.name,
        gpuCount: type.gpuCount,
        gpuMemGiB: type.gpuMemoryGiB,
        gpuModel: type.gpuModel,
        gpuVendor: type.gpuVendor,
        nvmeDiskEnabled: type.hasNvme,
        cudaComputeCapability: type.computeCapability ?? 0,
      })),
    ).toEqual(
      rows.map(({ name, gpuCount, gpuMemGiB, gpuModel, gpuVendor, nvmeDiskEnabled, cudaComputeCapability }) => ({
        name, gpuCount, gpuMemGiB, gpuModel, gpuVendor, nvmeDiskEnabled, cudaComputeCapability,
      })),
    );
  });

  it('has as many vCPUs as the name of each machine says', () => {
    for (const { name, vCpuCount } of azureInstanceTypes) expect(name).toMatch(new RegExp(`^Standard_[A-Z]+${vCpuCount}[a-z]`));
  });
});

describe('findInstanceType', () => {
  it('answers in canonical case whatever case it is asked in', () => {
    expect(findInstanceType('standard_nc24ads_a100_V4')?.name).toBe('Standard_NC24ads_A100_v4');
  });

  it('knows no machine that KAITO does not know', () => {
    expect(findInstanceType('Standard_D4s_v5')).toBeUndefined();
  });
});

describe('suggestInstanceTypes', () => {
  it.each([
    ['Standard_NC24ads_A100_v5', 'Standard_NC24ads_A100_v4'],
    ['NC40ads_H100_v5', 'Standard_NC40ads_H100_v5'],
    ['standard_nv36ads_a10v5', 'Standard_NV36ads_A10_v5'],
    ['Standard_NC6s_v3', 'Standard_NV36ads_A10_v5'],
  ])('takes %s to mean %s', (given, meant) => {
    expect(suggestInstanceTypes(given)[0]).toBe(meant);
  });

  it('suggests nothing for what looks like none of them', () => {
    expect(suggestInstanceTypes('m7i.48xlarge-extra-large')).toEqual([]);
  });
});

describe('retired instance types', () => {
  it('are each replaced by a machine that exists', () => {
    for (const [name, { replacement }] of Object.entries(retiredInstanceTypes)) {
      expect(findInstanceType(name), name).toBeUndefined();
      expect(findInstanceType(replacement)?.name, name).toBe(replacement);
    }
  });

  it('are found in any letter case', () => {
    expect(findRetiredInstanceType('standard_nc4as_t4_v3')?.reason).toContain('compute capability 7.5');
  });
});

describe('alternativesTo', () => {
  it('names other quota families with at least as much memory, smallest first', () => {
    expect(alternativesTo('standard_nc24ads_a100_v4').map(({ name }) => name).slice(0, 2)).toEqual(['Standard_NC40ads_H100_v5', 'Standard_NCC40ads_H100_v5']);
  });
});

describe('isSameQuotaFamily', () => {
  it('ignores the letter case and the spaces that Azure is not sure about', () => {
    expect(isSameQuotaFamily('standard NDAMSv4_A100Family', 'StandardNDAMSv4_A100Family')).toBe(true);
    expect(isSameQuotaFamily('StandardNDASv4_A100Family', 'StandardNDAMSv4_A100Family')).toBe(false);
  });
});
