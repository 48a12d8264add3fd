import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findPrice, foldRegion, pricedRegions } from '../../src/domain/azure-prices.ts';
import { cloudNames, findMachine, findMachinePrice, instanceTypesOf, suggestMachines } from '../../src/domain/clouds.ts';
import { dataFolder, hasData } from '../support/project.ts';

describe('the machines of each cloud', () => {
  it.each([['azure', 14], ['aws', 35], ['arc', 8]] as const)('%s has %i, no name twice', (cloud, count) => {
    expect(instanceTypesOf[cloud]).toHaveLength(count);
    expect(new Set(instanceTypesOf[cloud].map(({ name }) => name.toLowerCase())).size).toBe(count);
  });

  it('are found in any letter case, each in one cloud only', () => {
    for (const cloud of cloudNames) for (const machine of instanceTypesOf[cloud]) expect(findMachine(` ${machine.name.toUpperCase()}`)).toEqual({ cloud, machine });
    expect(findMachine('p5.48xlarge', ['azure', 'arc'])).toBeUndefined();
  });

  it('are suggested for what is nearly their name', () => {
    expect(suggestMachines('g5.xlrge')[0]).toBe('g5.xlarge');
    expect(suggestMachines('Standard_NC4_A3')).toContain('Standard_NC4_A2');
    expect(suggestMachines('nothing like it')).toEqual([]);
  });

  it('have a price in Azure only, and in no region that there is not', () => {
    expect(findMachinePrice('azure', 'Standard_NC24ads_A100_v4', 'East US')).toEqual({ usdPerHour: 3.673, asOf: '2026-06-18' });
    expect(findMachinePrice('aws', 'Standard_NC24ads_A100_v4', 'eastus')).toBeUndefined();
    expect(pricedRegions()).toContain(foldRegion('East US'));
    for (const region of ['eastus9', '', 'constructor', '__proto__']) {
      expect(findPrice('Standard_NC24ads_A100_v4', region)).toBeUndefined();
      expect(pricedRegions()).not.toContain(foldRegion(region));
    }
  });

  it.skipIf(!hasData).each(cloudNames)('of %s are those that KAITO has (needs ../shared/data/<cloud>-skus.json)', (cloud) => {
    const file: unknown = JSON.parse(readFileSync(join(dataFolder, `${cloud}-skus.json`), 'utf8'));
    const entries: Record<string, unknown>[] = Array.isArray(file) ? file : [];
    const byName = (left: { name: unknown }, right: { name: unknown }): number => String(left.name).localeCompare(String(right.name));
    expect(instanceTypesOf[cloud].map(({ name, gpuModel, gpuVendor, gpuCount, gpuMemoryGiB, computeCapability, hasNvme }) => ({ name, gpuModel, gpuVendor, gpuCount, gpuMemoryGiB, computeCapability, hasNvme })).sort(byName)).toEqual(
      entries
        .map((entry) => ({
          name: entry['name'], gpuModel: entry['gpuModel'], gpuVendor: entry['gpuVendor'], gpuCount: entry['gpuCount'], gpuMemoryGiB: entry['gpuMemGiB'],
          computeCapability: entry['cudaComputeCapability'] || undefined, hasNvme: entry['nvmeDiskEnabled'],
        }))
        .sort(byName),
    );
  });
});
