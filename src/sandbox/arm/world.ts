import { randomUUID } from 'node:crypto';
import type { SandboxClock } from '../clock.ts';
import type { Faults } from '../faults.ts';
import type { AgentPoolProperties } from './agent-pool-schema.ts';
import { armError, type ErrorDetail } from './errors.ts';
import type { Operation, Operations } from './operations.ts';

/** Everything behind the API: what the routes read and change. */
export interface World {
  subscriptionId: string;
  tenantId: string;
  location: string;
  clusters: readonly ManagedClusterState[];
  operations: Operations;
  clock: SandboxClock;
  faults: Faults;
  onPool: PoolListener;
  /** vCPUs by quota family in lower case; families that are not named have plenty. */
  limits: ReadonlyMap<string, number>;
}

/** Told when machines come and go, so that somebody can make and remove the Kubernetes nodes. */
export interface PoolListener {
  /**
   * The pool's machines are to be `pool.properties.count` from now on: a new pool, a resized one, or one that was stopped.
   * Resolves when their nodes are Ready; a rejection makes the operation fail with `NodesNotReady`.
   */
  created(pool: AgentPoolResource, cluster: ManagedClusterResource, signal: AbortSignal): Promise<void>;
  /** All of the pool's machines go: it is deleted or stopped. */
  deleted(pool: AgentPoolResource, cluster: ManagedClusterResource, signal: AbortSignal): Promise<void>;
}

/** What a sandbox starts with. */
export interface ManagedClusterOptions {
  name: string;
  resourceGroup: string;
  kubernetesVersion: string;
  /** The host in the kubeconfig. */
  fqdn: string;
  powerState?: 'Running' | 'Stopped';
  /** `Auto`: node auto-provisioning. */
  nodeProvisioning?: 'Auto' | 'Manual';
  agentPools: readonly { name: string; vmSize: string; count: number; mode: 'System' | 'User'; vnetSubnetID?: string }[];
}

export interface ManagedClusterState extends Required<Omit<ManagedClusterOptions, 'agentPools'>> {
  agentPools: Map<string, AgentPoolState>;
}

export interface AgentPoolState {
  name: string;
  properties: AgentPoolProperties & { vmSize: string; count: number };
  provisioningState: string;
  provisioningError?: ErrorDetail;
  eTag: string;
  /** Machines that exist or are promised: what counts against the quota. */
  machineCount: number;
  /** The latest one. */
  operation?: Operation;
}

export interface AgentPoolResource {
  id: string;
  name: string;
  type: string;
  properties: AgentPoolState['properties'] & {
    eTag: string;
    provisioningState: string;
    currentOrchestratorVersion: string;
    status?: { provisioningError: ErrorDetail };
  };
}

export interface ManagedClusterResource {
  id: string;
  name: string;
  type: string;
  location: string;
  properties: { kubernetesVersion: string; fqdn: string; nodeResourceGroup: string } & Record<string, unknown>;
  [property: string]: unknown;
}

export const newETag = (): string => randomUUID();

/** Throws an ArmError when the path names no resource group or no cluster in it. */
export const findCluster = (world: World, { group = '', cluster = '' }: Readonly<Record<string, string>>): ManagedClusterState => {
  const inGroup = clustersInGroup(world, group);
  const found = inGroup.find(({ name }) => name.toLowerCase() === cluster.toLowerCase());
  if (found !== undefined) return found;
  throw armError(
    404,
    'ResourceNotFound',
    `The Resource 'Microsoft.ContainerService/managedClusters/${cluster}' under resource group '${group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
  );
};

/** Throws an ArmError when there is no such resource group. */
export const clustersInGroup = ({ clusters }: World, group: string): ManagedClusterState[] => {
  const found = clusters.filter(({ resourceGroup }) => resourceGroup.toLowerCase() === group.toLowerCase());
  if (found.length === 0) throw armError(404, 'ResourceGroupNotFound', `Resource group '${group}' could not be found.`);
  return found;
};

export const clusterId = ({ subscriptionId }: World, { resourceGroup, name }: ManagedClusterState): string =>
  `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.ContainerService/managedClusters/${name}`;
