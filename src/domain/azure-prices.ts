/**
 * What a machine costs by the hour where it is bought as it is used, in USD with Linux, as Azure's retail price list had
 * it on one day: https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices. An estimate for
 * sentences, never a bill. A pair that is not here has no price, and none is guessed.
 */
export const findPrice = (instanceType: string, region: string): Price | undefined => {
  const row = pricesUsdPerHour[canonicalNames.get(instanceType.toLowerCase()) ?? ''];
  const key = foldRegion(region);
  const usdPerHour = row && Object.hasOwn(row, key) ? row[key] : undefined;
  return usdPerHour === undefined ? undefined : { usdPerHour, asOf: priceListDay };
};

/** Where any machine has a price; none has one in a region that is misspelled. */
export const pricedRegions = (): string[] => [...new Set(Object.values(pricesUsdPerHour).flatMap((row) => Object.keys(row)))].sort();

/** `West Europe` is `westeurope`. */
export const foldRegion = (region: string): string => region.toLowerCase().replaceAll(' ', '');

export interface Price {
  usdPerHour: number;
  /** The day of the price list, as 2026-06-18. */
  asOf: string;
}

export const priceListDay = '2026-06-18';

const pricesUsdPerHour: Record<string, Record<string, number>> = {
  Standard_NV36ads_A10_v5: {
    australiaeast: 4.64, brazilsouth: 6.4, canadacentral: 3.84, centralindia: 4.48, centralus: 3.936, eastasia: 4.96, eastus: 3.2, eastus2: 3.2,
    francecentral: 4.0, germanywestcentral: 4.16, indonesiacentral: 3.92, israelcentral: 4.576, italynorth: 4.16, japaneast: 4.64,
    jioindiacentral: 4.48, jioindiawest: 4.48, koreacentral: 4.32, koreasouth: 4.0, malaysiawest: 3.744, mexicocentral: 3.532, northcentralus: 3.84,
    northeurope: 3.84, polandcentral: 4.16, qatarcentral: 4.576, southafricanorth: 4.672, southcentralus: 3.84, southeastasia: 4.16,
    spaincentral: 4.16, swedencentral: 4.16, switzerlandnorth: 4.576, uaenorth: 4.576, uksouth: 4.0, westeurope: 4.16, westus: 4.16, westus2: 3.2,
    westus3: 3.2,
  },
  Standard_NV72ads_A10_v5: {
    australiaeast: 9.454, brazilsouth: 13.04, canadacentral: 7.824, centralindia: 9.128, centralus: 8.02, eastasia: 10.106, eastus: 6.52,
    eastus2: 6.52, francecentral: 8.15, germanywestcentral: 8.476, indonesiacentral: 7.987, israelcentral: 9.324, italynorth: 8.476, japaneast: 9.454,
    jioindiacentral: 9.128, jioindiawest: 9.128, koreacentral: 8.802, koreasouth: 8.15, malaysiawest: 7.628, mexicocentral: 7.196,
    northcentralus: 7.824, northeurope: 7.824, polandcentral: 8.476, qatarcentral: 9.324, southafricanorth: 9.519, southcentralus: 7.824,
    southeastasia: 8.476, spaincentral: 8.476, swedencentral: 8.476, switzerlandnorth: 9.324, uaenorth: 9.324, uksouth: 8.15, westeurope: 8.476,
    westus: 8.476, westus2: 6.52, westus3: 6.52,
  },
  Standard_NC24ads_A100_v4: {
    australiaeast: 5.326, brazilsouth: 7.346, canadacentral: 4.408, centralindia: 5.142, centralus: 4.15, eastus: 3.673, eastus2: 3.673,
    francecentral: 4.591, germanywestcentral: 4.775, italynorth: 4.775, japaneast: 5.326, jioindiacentral: 5.142, jioindiawest: 5.142,
    koreacentral: 4.959, northcentralus: 4.408, northeurope: 4.408, polandcentral: 4.775, southcentralus: 4.408, southeastasia: 4.775,
    spaincentral: 4.775, swedencentral: 4.775, switzerlandnorth: 5.252, uksouth: 4.591, westeurope: 4.775, westus: 4.775, westus2: 3.673,
    westus3: 3.673,
  },
  Standard_NC48ads_A100_v4: {
    australiaeast: 10.652, brazilsouth: 14.692, canadacentral: 8.815, centralindia: 10.284, centralus: 8.301, eastus: 7.346, eastus2: 7.346,
    francecentral: 9.183, germanywestcentral: 9.55, italynorth: 9.55, japaneast: 10.652, jioindiacentral: 10.284, jioindiawest: 10.284,
    koreacentral: 9.917, northcentralus: 8.815, northeurope: 8.815, polandcentral: 9.55, southcentralus: 8.815, southeastasia: 9.55,
    spaincentral: 9.55, swedencentral: 9.55, switzerlandnorth: 10.505, uksouth: 9.183, westeurope: 9.55, westus: 9.55, westus2: 7.346, westus3: 7.346,
  },
  Standard_NC96ads_A100_v4: {
    australiaeast: 21.303, brazilsouth: 29.384, canadacentral: 17.63, centralindia: 20.569, centralus: 16.602, eastus: 14.692, eastus2: 14.692,
    francecentral: 18.365, germanywestcentral: 19.1, italynorth: 19.1, japaneast: 21.303, jioindiacentral: 20.569, jioindiawest: 20.569,
    koreacentral: 19.834, northcentralus: 17.63, northeurope: 17.63, polandcentral: 19.1, southcentralus: 17.63, southeastasia: 19.1,
    spaincentral: 19.1, swedencentral: 19.1, switzerlandnorth: 21.01, uksouth: 18.365, westeurope: 19.1, westus: 19.1, westus2: 14.692,
    westus3: 14.692,
  },
  Standard_ND96asr_A100_v4: {
    eastus: 27.197, italynorth: 35.357, southcentralus: 32.63, westeurope: 35.357, westus2: 27.197, westus3: 27.197,
  },
  Standard_ND96amsr_A100_v4: {
    australiaeast: 47.516, brazilsouth: 65.54, canadacentral: 39.324, canadaeast: 39.324, centralus: 37.03, eastus: 32.77, eastus2: 32.77,
    francecentral: 40.962, germanynorth: 55.381, italynorth: 40.962, japaneast: 47.517, japanwest: 50.794, norwayeast: 46.861, polandcentral: 46.89,
    southafricanorth: 47.844, southcentralus: 39.324, southindia: 49.483, spaincentral: 40.962, swedencentral: 40.962, switzerlandnorth: 46.861,
    switzerlandwest: 60.919, uaecentral: 60.919, uaenorth: 46.861, uksouth: 40.962, ukwest: 42.929, westeurope: 40.962, westus: 42.601,
    westus2: 32.77, westus3: 32.77,
  },
  Standard_NC40ads_H100_v5: {
    australiaeast: 10.121, canadacentral: 8.59, centralindia: 9.772, centralus: 8.585, eastus: 6.98, eastus2: 6.98, germanywestcentral: 9.074,
    indonesiacentral: 8.167, japaneast: 10.121, jioindiacentral: 9.772, jioindiawest: 9.772, koreacentral: 9.423, koreasouth: 8.725,
    malaysiawest: 8.167, northcentralus: 8.376, northeurope: 8.376, southcentralus: 8.38, southeastasia: 9.074, spaincentral: 9.074,
    swedencentral: 9.074, switzerlandnorth: 9.981, uaenorth: 9.98, uksouth: 8.725, westeurope: 9.08, westus: 9.074, westus2: 6.98, westus3: 6.98,
  },
  Standard_NC80adis_H100_v5: {
    australiaeast: 20.242, canadacentral: 17.18, centralindia: 19.544, centralus: 17.17, eastus: 13.96, eastus2: 13.96, germanywestcentral: 18.148,
    indonesiacentral: 16.333, japaneast: 20.242, jioindiacentral: 19.544, jioindiawest: 19.544, koreacentral: 18.846, koreasouth: 17.45,
    malaysiawest: 16.333, northcentralus: 16.752, northeurope: 16.752, southcentralus: 16.76, southeastasia: 18.148, spaincentral: 18.148,
    swedencentral: 18.148, switzerlandnorth: 19.963, uaenorth: 19.96, uksouth: 17.45, westeurope: 18.16, westus: 18.148, westus2: 13.96,
    westus3: 13.96,
  },
  Standard_ND96isr_H100_v5: {
    australiaeast: 142.6, canadacentral: 117.984, centralus: 120.934, eastus: 98.32, eastus2: 98.32, japaneast: 142.564, japanwest: 152.396,
    koreacentral: 132.732, northcentralus: 117.984, polandcentral: 127.816, southafricanorth: 168.672, southafricawest: 186.608,
    southcentralus: 117.968, spaincentral: 127.816, swedencentral: 127.816, switzerlandnorth: 140.598, uaenorth: 140.598, uksouth: 122.9,
    westcentralus: 117.984, westeurope: 127.816, westus: 127.816, westus2: 98.32, westus3: 98.32,
  },
  Standard_NCC40ads_H100_v5: {
    centralus: 9.73, eastus2: 8.82, southcentralus: 9.73, westeurope: 10.74,
  },
  Standard_ND96isr_H200_v5: {
    australiaeast: 122.96, australiasoutheast: 110.24, brazilsouth: 169.6, centralus: 95.824, eastus2: 84.8, francecentral: 106.0,
    germanywestcentral: 110.24, indonesiacentral: 99.216, italynorth: 110.24, japaneast: 106.0, japanwest: 131.44, koreasouth: 106.0,
    malaysiawest: 99.216, mexicocentral: 93.28, northcentralus: 101.76, northeurope: 101.76, norwayeast: 121.264, polandcentral: 130.592,
    southafricanorth: 123.808, southeastasia: 110.24, spaincentral: 110.24, swedencentral: 110.272, uaenorth: 121.264, uksouth: 106.0,
    ukwest: 111.088, westus: 110.24, westus2: 84.8, westus3: 84.8,
  },
  Standard_NG32ads_V620_v1: {
    centralus: 3.12, eastus2: 2.54, japaneast: 3.68, swedencentral: 3.302, uksouth: 3.18, westeurope: 3.302, westus3: 2.54,
  },
};

const canonicalNames = new Map(Object.keys(pricesUsdPerHour).map((name) => [name.toLowerCase(), name]));
