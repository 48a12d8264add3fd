import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { azureInstanceTypes } from '../../src/domain/azure-instance-types.ts';
import { findPrice } from '../../src/domain/azure-prices.ts';

const priceList = new URL('../../../shared/data/gpu-ondemand-prices.json', import.meta.url);

describe('findPrice', () => {
  it('tells the price and the day it is from', () => {
    expect(findPrice('Standard_NC24ads_A100_v4', 'eastus')).toEqual({ usdPerHour: 3.673, asOf: '2026-06-18' });
  });

  it('reads machine and region as people write them', () => {
    expect(findPrice('standard_nc24ads_a100_v4', 'East US')?.usdPerHour).toBe(3.673);
  });

  it.each([
    ['Standard_NC24ads_A100_v4', 'australiacentral'],
    ['Standard_NC24ads_A100_v4', 'nowhere'],
    ['Standard_NG32adms_V620_v1', 'eastus'],
    ['Standard_D4s_v5', 'eastus'],
    ['constructor', 'constructor'],
  ])('guesses no price for %s in %s', (instanceType, region) => {
    expect(findPrice(instanceType, region)).toBeUndefined();
  });

  it.skipIf(!existsSync(priceList))('agrees with the whole price list (needs ../shared/data/gpu-ondemand-prices.json)', () => {
    const { regions }: { regions: Record<string, Record<string, number>> } = JSON.parse(readFileSync(priceList, 'utf8'));
    let compared = 0;
    for (const [region, prices] of Object.entries(regions)) {
      for (const { name } of azureInstanceTypes) {
        expect(findPrice(name, region)?.usdPerHour, `${name} in ${region}`).toBe(prices[name]);
        if (prices[name] !== undefined) compared += 1;
      }
    }
    expect(compared).toBe(304);
  });
});
