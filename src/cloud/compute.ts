import type { ResourceSku, Usage as ArmUsage } from '@azure/arm-compute';
import type { Sku, Usage } from '../domain/azure.ts';

/** Azure writes `Standard NDASv4_A100 Family` here and `StandardNDASv4_A100Family` for the sizes: spaces are left out. */
export const toUsage = ({ name, currentValue, limit }: ArmUsage): Usage => {
  const family = (name.value ?? '').replaceAll(' ', '');
  return { family, displayName: name.localizedValue ?? family, used: currentValue, limit };
};

/** Undefined for what is no machine (disks, snapshots) or has no GPU. */
export const toSku = (sku: ResourceSku, location: string): Sku | undefined => {
  if (sku.resourceType !== 'virtualMachines' || sku.name === undefined) return undefined;
  const capability = (name: string): number => Number(sku.capabilities?.find((candidate) => candidate.name === name)?.value ?? 0);
  const gpuCount = capability('GPUs');
  if (!(gpuCount > 0)) return undefined;
  const restrictions = sku.restrictions ?? [];
  const here = sku.locationInfo?.find((candidate) => candidate.location?.toLowerCase() === location.toLowerCase());
  const offered = here?.zones ?? [];
  const refused = new Set(restrictions.filter(({ type }) => type === 'Zone').flatMap((restriction) => restriction.restrictionInfo?.zones ?? []));
  const zones = offered.filter((zone) => !refused.has(zone)).sort();
  const inLocation = restrictions.find(({ type }) => type === 'Location');
  // Where every zone is refused, what is left is a machine without a zone, and whether there is one is not said.
  const restriction = inLocation?.reasonCode;
  return {
    name: sku.name,
    family: (sku.family ?? '').replaceAll(' ', ''),
    vCpuCount: capability('vCPUs'),
    gpuCount,
    zones,
    ...(restriction === undefined && !inLocation ? {} : { restriction: restriction ?? 'NotAvailableForSubscription' }),
  };
};
