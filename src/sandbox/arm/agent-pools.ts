import type { HttpsResponse } from '../https.ts';
import { completeProperties } from './agent-pool-defaults.ts';
import { abortOperation, changeSettings, deletePool, type PoolPlace, startMachines, stopMachines } from './agent-pool-lifecycle.ts';
import { checkChange, checkComplete, checkName, checkPossible } from './agent-pool-rules.ts';
import { parseAgentPool } from './agent-pool-schema.ts';
import { checkPreconditions } from './e-tags.ts';
import { aksError } from './errors.ts';
import { operationLinks } from './operation-routes.ts';
import type { Operation } from './operations.ts';
import { containerServiceVersions } from './providers.ts';
import { checkQuota } from './quota.ts';
import { toAgentPool } from './resources.ts';
import type { ArmCall, Route } from './route.ts';
import { type AgentPoolState, findCluster, type ManagedClusterState, newETag, type World } from './world.ts';

const pools = '/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/{cluster}/agentPools';
const action = 'Microsoft.ContainerService/managedClusters/agentPools';

/** https://learn.microsoft.com/rest/api/aks/agent-pools */
export const agentPoolRoutes = (world: World): Route[] => [
  {
    method: 'GET',
    path: pools,
    apiVersions: containerServiceVersions,
    action: `${action}/read`,
    answer({ params }) {
      const cluster = findCluster(world, params);
      return { status: 200, body: { value: [...cluster.agentPools.values()].map((pool) => toAgentPool(world, cluster, pool)) } };
    },
  },
  {
    method: 'GET',
    path: `${pools}/{pool}`,
    apiVersions: containerServiceVersions,
    action: `${action}/read`,
    answer(call) {
      const { cluster, pool } = findPool(world, call);
      if (pool === undefined) throw aksError(404, 'NotFound', `Agent Pool not found. Could not find the agent pool ${call.params['pool']} in managed cluster ${cluster.name}.`);
      return { status: 200, body: toAgentPool(world, cluster, pool) };
    },
  },
  { method: 'PUT', path: `${pools}/{pool}`, apiVersions: containerServiceVersions, action: `${action}/write`, answer: (call) => putPool(world, call) },
  {
    method: 'DELETE',
    path: `${pools}/{pool}`,
    apiVersions: containerServiceVersions,
    action: `${action}/delete`,
    answer(call) {
      const { cluster, pool } = findPool(world, call);
      if (pool === undefined) return { status: 204 };
      checkPreconditions(call.headers, pool.eTag);
      checkIdle(pool);
      const others = [...cluster.agentPools.values()].filter((other) => other !== pool);
      if (!others.some(({ properties }) => properties.mode === 'System')) {
        throw aksError(400, 'OperationNotAllowed', 'There has to be at least one system agent pool.');
      }
      return { status: 202, headers: operationLinks(world, call, deletePool({ world, cluster, pool }), 'with result') };
    },
  },
  {
    method: 'POST',
    path: `${pools}/{pool}/abort`,
    apiVersions: containerServiceVersions,
    action: `${action}/abort/action`,
    answer(call) {
      const { cluster, pool } = findPool(world, call);
      const running = pool && runningOperation(pool);
      if (pool === undefined || running === undefined) {
        throw aksError(409, 'OperationNotAllowed', `There is no running operation on agent pool ${call.params['pool']} that could be aborted.`);
      }
      return { status: 202, headers: operationLinks(world, call, abortOperation({ world, cluster, pool }, running), 'with result') };
    },
  },
];

/** The order of these checks is the order in which a request can be wrong. */
const putPool = (world: World, call: ArmCall): HttpsResponse => {
  const { cluster, pool: existing } = findPool(world, call);
  const name = call.params['pool'] ?? '';
  checkName(name);
  checkPreconditions(call.headers, existing?.eTag);
  checkRunning(cluster);
  if (existing !== undefined) checkIdle(existing);

  const asked = checkComplete(parseAgentPool(call.body), existing?.properties);
  if (existing !== undefined) checkChange(existing.properties, asked);
  const properties = completeProperties(cluster, asked, existing?.properties);
  checkPossible(world, name, properties);
  const wantedCount = properties.powerState?.code === 'Stopped' ? 0 : properties.count;
  checkQuota(world, { properties }, wantedCount - (existing?.machineCount ?? 0));

  if (existing === undefined) {
    const pool: AgentPoolState = { name, properties, provisioningState: 'Creating', eTag: newETag(), machineCount: 0 };
    cluster.agentPools.set(name, pool);
    return accepted(world, call, { world, cluster, pool }, 201, startMachines({ world, cluster, pool }, 'Creating'));
  }
  const place = { world, cluster, pool: existing };
  const before = existing.properties;
  existing.properties = properties;
  return accepted(world, call, place, 200, update(place, before, wantedCount));
};

const update = (place: PoolPlace, before: AgentPoolState['properties'], wantedCount: number): Operation => {
  const { pool } = place;
  const wasStopped = before.powerState?.code === 'Stopped';
  if (pool.properties.powerState?.code === 'Stopped' && !wasStopped) return stopMachines(place);
  if (wantedCount === pool.machineCount) return changeSettings(place);
  if (wasStopped) return startMachines(place, 'Starting');
  return startMachines(place, 'Scaling');
};

const accepted = (world: World, call: ArmCall, { cluster, pool }: PoolPlace, status: number, operation: Operation): HttpsResponse => ({
  status,
  headers: operationLinks(world, call, operation),
  body: toAgentPool(world, cluster, pool),
});

const findPool = (world: World, { params }: ArmCall): { cluster: ManagedClusterState; pool: AgentPoolState | undefined } => {
  const cluster = findCluster(world, params);
  return { cluster, pool: cluster.agentPools.get(params['pool'] ?? '') };
};

const runningOperation = ({ operation }: AgentPoolState): Operation | undefined => (operation?.outcome === undefined ? operation : undefined);

const checkIdle = (pool: AgentPoolState): void => {
  if (runningOperation(pool) === undefined) return;
  throw aksError(
    409,
    'OperationNotAllowed',
    `Operation is not allowed: Another agentpool operation (${pool.name} - ${pool.provisioningState}) is in progress, please wait for it to finish before starting a new operation. See https://aka.ms/aks-pending-operation for more details`,
  );
};

const checkRunning = ({ powerState }: ManagedClusterState): void => {
  if (powerState === 'Running') return;
  throw aksError(
    400,
    'OperationNotAllowed',
    `managed cluster is in Provisioning State(Succeeded) and Power State(${powerState}), the operation cannot be performed`,
  );
};
