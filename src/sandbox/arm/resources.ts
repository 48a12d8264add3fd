import {
  type AgentPoolResource,
  type AgentPoolState,
  clusterId,
  type ManagedClusterResource,
  type ManagedClusterState,
  type World,
} from './world.ts';

/** A pool as clients see it. */
export const toAgentPool = (world: World, cluster: ManagedClusterState, pool: AgentPoolState): AgentPoolResource => ({
  id: `${clusterId(world, cluster)}/agentPools/${pool.name}`,
  name: pool.name,
  type: 'Microsoft.ContainerService/managedClusters/agentPools',
  properties: propertiesOf(cluster, pool),
});

/** https://learn.microsoft.com/rest/api/aks/managed-clusters/get: what clients of a GPU pool look at. */
export const toManagedCluster = (world: World, cluster: ManagedClusterState): ManagedClusterResource => ({
  id: clusterId(world, cluster),
  name: cluster.name,
  type: 'Microsoft.ContainerService/ManagedClusters',
  location: world.location,
  kind: 'Base',
  sku: { name: cluster.nodeProvisioning === 'Auto' ? 'Automatic' : 'Base', tier: 'Standard' },
  identity: { type: 'SystemAssigned', principalId: '5a6d1b1c-0000-4000-8000-000000000001', tenantId: world.tenantId },
  properties: {
    provisioningState: 'Succeeded',
    powerState: { code: cluster.powerState },
    kubernetesVersion: cluster.kubernetesVersion,
    currentKubernetesVersion: cluster.kubernetesVersion,
    dnsPrefix: cluster.name,
    fqdn: cluster.fqdn,
    nodeResourceGroup: `MC_${cluster.resourceGroup}_${cluster.name}_${world.location}`,
    enableRBAC: true,
    disableLocalAccounts: false,
    networkProfile: { networkPlugin: 'azure', networkPluginMode: 'overlay', podCidr: '10.244.0.0/16', serviceCidr: '10.0.0.0/16', dnsServiceIP: '10.0.0.10' },
    nodeProvisioningProfile: { mode: cluster.nodeProvisioning },
    oidcIssuerProfile: { enabled: false },
    agentPoolProfiles: [...cluster.agentPools.values()].map((pool) => ({ name: pool.name, ...propertiesOf(cluster, pool) })),
  },
});

const propertiesOf = (cluster: ManagedClusterState, pool: AgentPoolState): AgentPoolResource['properties'] => ({
  ...pool.properties,
  eTag: pool.eTag,
  provisioningState: pool.provisioningState,
  currentOrchestratorVersion: cluster.kubernetesVersion,
  ...(pool.provisioningError === undefined ? {} : { status: { provisioningError: pool.provisioningError } }),
});
