import type { ManagedCluster as ArmManagedCluster } from '@azure/arm-containerservice';
import type { ManagedCluster } from '../domain/azure.ts';
import { NotFoundError, UsageError } from '../domain/errors.ts';
import type { ManagedClusterHint } from './cloud.ts';

/** A managed cluster and every name that its API server may have in a kubeconfig. */
export interface FoundCluster {
  cluster: ManagedCluster;
  fqdns: string[];
}

export const toFoundCluster = (cluster: ArmManagedCluster, subscriptionId: string): FoundCluster => {
  const pools = cluster.agentPoolProfiles ?? [];
  const subnetId = (pools.find((pool) => pool.mode === 'System') ?? pools[0])?.vnetSubnetID;
  const found: ManagedCluster = {
    subscriptionId,
    resourceGroup: /\/resourceGroups\/([^/]+)/i.exec(cluster.id ?? '')?.[1] ?? '',
    name: cluster.name ?? '',
    location: cluster.location,
    kubernetesVersion: cluster.currentKubernetesVersion ?? cluster.kubernetesVersion ?? '',
    nodeResourceGroup: cluster.nodeResourceGroup ?? '',
    fqdn: cluster.fqdn ?? cluster.privateFqdn ?? '',
    powerState: cluster.powerState?.code ?? 'Running',
    provisioningState: cluster.provisioningState ?? 'Succeeded',
    hasNodeAutoProvisioning: cluster.nodeProvisioningProfile?.mode === 'Auto',
    ...(subnetId === undefined ? {} : { subnetId }),
  };
  return { cluster: found, fqdns: [cluster.fqdn, cluster.privateFqdn, cluster.azurePortalFqdn].filter((fqdn) => fqdn !== undefined) };
};

/** The one cluster of the subscription that fits the hint. NotFoundError or UsageError, with the candidates, when not one does. */
export const chooseManagedCluster = (clusters: readonly FoundCluster[], hint: ManagedClusterHint): ManagedCluster => {
  const named = clusters.filter(({ cluster }) => isSame(cluster.name, hint.name) && isSame(cluster.resourceGroup, hint.resourceGroup));
  const found = named.filter((candidate) => fitsKubeconfig(candidate, hint)).map(({ cluster }) => cluster);
  const [first] = found;
  if (first && found.length === 1) return first;
  const candidates = clusters.map(({ cluster }) => `${cluster.name} (resource group ${cluster.resourceGroup}, ${cluster.location})`);
  const wanted = describeHint(hint);
  const hints = ['Name it: --resource-group <group> --cluster <name>', 'No Azure at all: --provisioner byo with existing GPU nodes.'];
  if (found.length > 1) {
    throw new UsageError(`Several AKS clusters of the subscription fit ${wanted}.`, { reason: 'ManagedClusterAmbiguous', fact: found.map(({ name, resourceGroup }) => `${name} (resource group ${resourceGroup})`).join(', '), hints });
  }
  throw new NotFoundError(`No AKS cluster of the subscription fits ${wanted}.`, {
    reason: 'ManagedClusterNotFound',
    fact: candidates.length === 0 ? 'The subscription has no AKS cluster that this login may see.' : `There are: ${candidates.join(', ')}.`,
    hints: ['In another subscription: --subscription <id>', ...hints],
  });
};

/**
 * A cluster that was named may still be another one than the kubeconfig points at, and GPU nodes would be added there.
 * The node resource group is compared where it is known; a server's name may be a proxy's, so it proves nothing alone.
 */
export const checkSameCluster = (cluster: ManagedCluster, hint: ManagedClusterHint): ManagedCluster => {
  if (hint.nodeResourceGroup !== undefined && !isSame(cluster.nodeResourceGroup, hint.nodeResourceGroup)) {
    throw new UsageError(`The kubeconfig points at another cluster than ${cluster.name} in ${cluster.resourceGroup}.`, {
      reason: 'ManagedClusterMismatch',
      fact: `The nodes are in resource group ${hint.nodeResourceGroup}, those of ${cluster.name} in ${cluster.nodeResourceGroup}.`,
      hints: [`az aks get-credentials --resource-group ${cluster.resourceGroup} --name ${cluster.name}`, 'Or leave out the name: the cluster is found from the kubeconfig.'],
    });
  }
  return cluster;
};

const fitsKubeconfig = ({ cluster, fqdns }: FoundCluster, { nodeResourceGroup, fqdn, name }: ManagedClusterHint): boolean => {
  if (nodeResourceGroup !== undefined) return isSame(cluster.nodeResourceGroup, nodeResourceGroup);
  if (fqdn === undefined) return name !== undefined;
  const server = hostName(fqdn);
  return name !== undefined || fqdns.some((candidate) => isSame(candidate, server));
};

/** Undefined asks for nothing. Azure's names know no letter case, and its answers mix them. */
const isSame = (actual: string, wanted: string | undefined): boolean => wanted === undefined || actual.toLowerCase() === wanted.toLowerCase();

/** `https://x.hcp.eastus.azmk8s.io:443` as kubeconfigs have it, or the bare name. */
const hostName = (server: string): string => URL.parse(server.includes('://') ? server : `https://${server}`)?.hostname ?? server;

const describeHint = ({ name, resourceGroup, nodeResourceGroup, fqdn }: ManagedClusterHint): string => {
  const parts = [
    name === undefined ? '' : `name ${name}`,
    resourceGroup === undefined ? '' : `resource group ${resourceGroup}`,
    nodeResourceGroup === undefined ? '' : `node resource group ${nodeResourceGroup}`,
    fqdn === undefined ? '' : `server ${hostName(fqdn)}`,
  ].filter((part) => part !== '');
  return parts.length === 0 ? 'as nothing says which is meant' : parts.join(', ');
};
