import { type ErrorDetail, OperationFailure } from './errors.ts';
import type { Operation } from './operations.ts';
import { checkSpotQuota, isSpot } from './quota.ts';
import { toAgentPool, toManagedCluster } from './resources.ts';
import { findVmSize } from './vm-sizes.ts';
import { type AgentPoolState, type ManagedClusterState, newETag, type World } from './world.ts';

/** A pool, where it is. */
export interface PoolPlace {
  world: World;
  cluster: ManagedClusterState;
  pool: AgentPoolState;
}

/** In sandbox time. */
const minuteMs = 60_000;
const machineStartMs = 4 * minuteMs;
const bookkeepingMs = minuteMs;
const deletionMs = 3 * minuteMs;
const allocationMs = 2 * minuteMs;
const nodesNotReadyMs = 10 * minuteMs;
const slowNodesMs = 3 * 60 * minuteMs;
const abortMs = minuteMs / 2;

/** Brings the pool to the machines it asks for. `state` is what it is called meanwhile: `Creating`, `Scaling`, ... */
export const startMachines = (place: PoolPlace, state: string): Operation => {
  const { world, cluster, pool } = place;
  pool.machineCount = pool.properties.count;
  return startOperation(place, state, async (signal) => {
    await allocateMachines(place, signal);
    await world.clock.sleep(world.faults.has('slow-nodes') ? slowNodesMs : machineStartMs, signal);
    if (world.faults.has('pool-failed')) {
      await world.clock.sleep(nodesNotReadyMs, signal);
      throw nodesNotReady(pool);
    }
    const nodesReady = world.onPool.created(toAgentPool(world, cluster, pool), toManagedCluster(world, cluster), signal).catch((error: unknown) => {
      throw nodesNotReady(pool, error instanceof Error ? error.message : undefined);
    });
    await Promise.all([nodesReady, world.clock.sleep(bookkeepingMs, signal)]);
  });
};

/** Takes the machines away and keeps the pool. */
export const stopMachines = (place: PoolPlace): Operation =>
  startOperation(place, 'Stopping', async (signal) => {
    await removeMachines(place, signal);
    place.pool.machineCount = 0;
  });

/** A change that moves no machine: labels, tags, limits of the autoscaler. */
export const changeSettings = (place: PoolPlace): Operation =>
  startOperation(place, 'Updating', (signal) => place.world.clock.sleep(bookkeepingMs, signal));

export const deletePool = (place: PoolPlace): Operation =>
  startOperation(place, 'Deleting', async (signal) => {
    await removeMachines(place, signal);
    place.cluster.agentPools.delete(place.pool.name);
  });

/** Ends the pool's running operation as `Canceled`; it may still end by itself before that. */
export const abortOperation = ({ world, pool }: PoolPlace, running: Operation): Operation => {
  pool.provisioningState = 'Canceling';
  pool.eTag = newETag();
  return world.operations.start(
    async (signal) => {
      await world.clock.sleep(abortMs, signal);
      running.cancel();
      await running.settled;
    },
    () => undefined,
  );
};

const removeMachines = async ({ world, cluster, pool }: PoolPlace, signal: AbortSignal): Promise<void> => {
  await Promise.all([
    world.onPool.deleted(toAgentPool(world, cluster, pool), toManagedCluster(world, cluster), signal),
    world.clock.sleep(deletionMs, signal),
  ]);
};

/** Runs the work as the pool's operation, and lets the pool say how it went. */
const startOperation = ({ world, pool }: PoolPlace, state: string, work: (signal: AbortSignal) => Promise<void>): Operation => {
  pool.provisioningState = state;
  delete pool.provisioningError;
  pool.eTag = newETag();
  const operation = world.operations.start(work, (outcome) => {
    pool.provisioningState = outcome.status;
    if (outcome.status === 'Failed') pool.provisioningError = outcome.error;
    pool.eTag = newETag();
  });
  pool.operation = operation;
  return operation;
};

/** Compute gives the machines, or says why not; then there are none and the quota is free again. */
const allocateMachines = async (place: PoolPlace, signal: AbortSignal): Promise<void> => {
  const { world, pool } = place;
  try {
    await world.clock.sleep(0, signal);
    checkSpotQuota(world, pool);
    const hasGpu = (findVmSize(pool.properties.vmSize)?.gpuCount ?? 0) > 0;
    if (!hasGpu || !world.faults.has('capacity')) return;
    await world.clock.sleep(allocationMs, signal);
    throw new OperationFailure(noCapacity(place));
  } catch (error) {
    pool.machineCount = 0;
    throw error;
  }
};

/** https://learn.microsoft.com/troubleshoot/azure/azure-kubernetes/error-codes/zonalallocation-allocationfailed-error */
const noCapacity = ({ world, pool }: PoolPlace): ErrorDetail => {
  if (isSpot(pool)) {
    return {
      code: 'SkuNotAvailable',
      target: 'sku.name',
      message: `The requested VM size for resource 'Following SKUs have failed for Capacity Restrictions: ${pool.properties.vmSize}' is currently not available in location '${world.location}'. Please try another size or deploy to a different location or different zone. See https://aka.ms/azureskunotavailable for details.`,
    };
  }
  if (pool.properties.availabilityZones !== undefined) {
    return {
      code: 'ZonalAllocationFailed',
      message:
        'Allocation failed. We do not have sufficient capacity for the requested VM size in this zone. Read more about improving likelihood of allocation success at https://aka.ms/allocation-guidance. Please note that allocation success can also depend on other factors.',
    };
  }
  return {
    code: 'AllocationFailed',
    message:
      'Allocation failed. We do not have sufficient capacity for the requested VM size in this region. Read more about improving likelihood of allocation success at https://aka.ms/allocation-guidance',
  };
};

const nodesNotReady = ({ properties }: AgentPoolState, reason?: string): OperationFailure =>
  new OperationFailure({
    code: 'NodesNotReady',
    message: `Not all nodes reached Ready state. Expected: ${properties.count}, Actual: 0`,
    ...(reason === undefined ? {} : { details: [{ code: 'NodesNotReady', message: reason }] }),
  });
