import { armError } from './errors.ts';
import { skuVersions } from './providers.ts';
import type { Route } from './route.ts';
import { type VmSize, vmSizes } from './vm-sizes.ts';
import type { World } from './world.ts';

/** https://learn.microsoft.com/rest/api/compute/resource-skus/list */
export const skuRoutes = ({ location }: World): Route[] => [
  {
    method: 'GET',
    path: '/subscriptions/{subscription}/providers/Microsoft.Compute/skus',
    apiVersions: skuVersions,
    action: 'Microsoft.Compute/skus/read',
    answer({ query }) {
      const wanted = parseFilter(query.get('$filter'));
      if (wanted !== undefined && wanted !== location) return { status: 200, body: { value: [] } };
      return { status: 200, body: { value: [disk(location), ...vmSizes.map((size) => toSku(location, size))] } };
    },
  },
];

/** The location is all that can be filtered by. */
const parseFilter = (filter: string | null): string | undefined => {
  if (filter === null) return undefined;
  const [, location] = /^location eq '([^']*)'$/.exec(filter) ?? [];
  if (location === undefined) throw armError(400, 'InvalidFilter', `The filter '${filter}' is not supported. Only 'location' may be compared, with 'eq'.`);
  return location.toLowerCase();
};

const toSku = (location: string, size: VmSize): Record<string, unknown> => ({
  resourceType: 'virtualMachines',
  name: size.name,
  tier: 'Standard',
  size: size.name.replace(/^Standard_/, ''),
  family: size.family,
  locations: [location],
  locationInfo: [{ location, zones: size.zones, zoneDetails: [] }],
  capabilities: capabilities({
    vCPUs: size.vCpuCount,
    vCPUsAvailable: size.vCpuCount,
    MemoryGB: size.memoryGiB,
    ...(size.gpuCount > 0 ? { GPUs: size.gpuCount } : {}),
    CpuArchitectureType: 'x64',
    HyperVGenerations: 'V1,V2',
    PremiumIO: 'True',
    LowPriorityCapable: 'True',
    AcceleratedNetworkingEnabled: 'True',
    EphemeralOSDiskSupported: 'True',
  }),
  restrictions: restrictionsOf(location, size),
});

const restrictionsOf = (location: string, { restriction, zones }: VmSize): Record<string, unknown>[] => {
  if (restriction === undefined) return [];
  const isRegion = restriction === 'region';
  return [
    {
      type: isRegion ? 'Location' : 'Zone',
      values: [location],
      restrictionInfo: { locations: [location], zones: isRegion ? zones : restriction },
      reasonCode: 'NotAvailableForSubscription',
    },
  ];
};

/** All values are strings, numbers too. */
const capabilities = (values: Record<string, string | number>): { name: string; value: string }[] =>
  Object.entries(values).map(([name, value]) => ({ name, value: String(value) }));

/** The list has more than machines in it, and readers must look. */
const disk = (location: string): Record<string, unknown> => ({
  resourceType: 'disks',
  name: 'Premium_LRS',
  tier: 'Premium',
  size: 'P30',
  locations: [location],
  locationInfo: [{ location, zones: ['1', '2', '3'], zoneDetails: [] }],
  capabilities: capabilities({ MaxSizeGiB: 1024, MaxIOps: 5000 }),
  restrictions: [],
});
