import { aksError, OperationFailure } from './errors.ts';
import { findVmSize, type VmSize, vmSizes } from './vm-sizes.ts';
import type { AgentPoolState, World } from './world.ts';

/** vCPUs used and allowed. `name` is `cores` for the region, `lowPriorityCores` for all Spot machines, else a family. */
export interface Quota {
  name: string;
  used: number;
  limit: number;
}

const spotQuota = 'lowPriorityCores';
const regionQuota = 'cores';
const plentyVCpus = 2000;
const plentyRegionVCpus = 10_000;

/** All quotas of the region, counted from the agent pools that are there. */
export const countQuotas = (world: World): Quota[] => {
  const families = [...new Set(vmSizes.map(({ family }) => family))];
  return [regionQuota, spotQuota, ...families].map((name) => ({ name, used: usedVCpus(world, name), limit: limitOf(world, name) }));
};

/**
 * Refuses more machines than the quotas allow, before anything has been started. Spot machines pass: AKS looks at the
 * family and the region only, and it is Compute that refuses them later, see `checkSpotQuota`.
 */
export const checkQuota = (world: World, pool: Pick<AgentPoolState, 'properties'>, addedCount: number): void => {
  const size = findVmSize(pool.properties.vmSize);
  if (size === undefined || addedCount <= 0 || isSpot(pool)) return;
  const requested = addedCount * size.vCpuCount;
  const leftInRegion = leftOf(world, regionQuota);
  const advice = `If you want to increase the quota, please follow this instruction: https://learn.microsoft.com/en-us/azure/quotas/view-quotas. Surge nodes would also consume vcpu quota, please consider use smaller maxSurge or use maxUnavailable to proceed upgrade without surge nodes, details: aka.ms/aks/maxUnavailable.`;
  if (requested > leftInRegion) {
    throw insufficientQuota(`Insufficient regional vcpu quota left for location ${world.location}. left regional vcpu quota ${leftInRegion}, requested quota ${requested}. ${advice}`);
  }
  const leftInFamily = leftOf(world, size.family);
  if (requested > leftInFamily) {
    throw insufficientQuota(`Insufficient vcpu quota requested ${requested}, remaining ${leftInFamily} for family ${size.family} for region ${world.location}. ${advice}`);
  }
};

/** Compute's refusal, which ends the operation. `pool` already counts in the quota. */
export const checkSpotQuota = (world: World, pool: AgentPoolState): void => {
  const limit = limitOf(world, spotQuota);
  const used = usedVCpus(world, spotQuota);
  if (!isSpot(pool) || used <= limit) return;
  const required = pool.machineCount * (findVmSize(pool.properties.vmSize)?.vCpuCount ?? 0);
  const message = `Operation could not be completed as it results in exceeding approved LowPriorityCores quota. Additional details - Deployment Model: Resource Manager, Location: ${world.location}, Current Limit: ${limit}, Current Usage: ${used - required}, Additional Required: ${required}, (Minimum) New Limit Required: ${used}. Setup Alerts when Quota reaches threshold. Submit a request for Quota increase at https://aka.ms/ProdportalCRP by specifying parameters listed in the ‘Details’ section for deployment to succeed.`;
  throw new OperationFailure({ code: 'QuotaExceeded', message, details: [{ code: 'OperationNotAllowed', message }] });
};

export const isSpot = ({ properties }: Pick<AgentPoolState, 'properties'>): boolean => properties.scaleSetPriority === 'Spot';

const insufficientQuota = (message: string): Error => aksError(400, 'ErrCode_InsufficientVCPUQuota', message);

const leftOf = (world: World, name: string): number => Math.max(0, limitOf(world, name) - usedVCpus(world, name));

const limitOf = (world: World, name: string): number => {
  if (world.faults.has('quota') && (name === spotQuota || hasGpu(name))) return 0;
  return world.limits.get(name.toLowerCase()) ?? (name === regionQuota ? plentyRegionVCpus : plentyVCpus);
};

const usedVCpus = (world: World, name: string): number =>
  world.clusters
    .flatMap(({ agentPools }) => [...agentPools.values()])
    .reduce((total, pool) => {
      const size = findVmSize(pool.properties.vmSize);
      return size !== undefined && countsIn(name, pool, size) ? total + pool.machineCount * size.vCpuCount : total;
    }, 0);

const countsIn = (name: string, pool: AgentPoolState, size: VmSize): boolean =>
  isSpot(pool) ? name === spotQuota : name === regionQuota || name === size.family;

const hasGpu = (family: string): boolean => vmSizes.some((size) => size.family === family && size.gpuCount > 0);
