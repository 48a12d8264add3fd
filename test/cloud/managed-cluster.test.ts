import type { ManagedCluster as ArmManagedCluster } from '@azure/arm-containerservice';
import { describe, expect, it } from 'vitest';
import { chooseManagedCluster, toFoundCluster } from '../../src/cloud/managed-cluster.ts';
import { startAzure, subscriptionId } from './support.ts';

const armCluster = (name: string, group: string, more: Partial<ArmManagedCluster> = {}): ArmManagedCluster => ({
  id: `/subscriptions/${subscriptionId}/resourcegroups/${group}/providers/Microsoft.ContainerService/managedClusters/${name}`,
  name,
  location: 'eastus',
  nodeResourceGroup: `MC_${group}_${name}_eastus`,
  fqdn: `${name}-dns-1.hcp.eastus.azmk8s.io`,
  kubernetesVersion: '1.33',
  currentKubernetesVersion: '1.33.2',
  powerState: { code: 'Running' },
  provisioningState: 'Succeeded',
  agentPoolProfiles: [
    { name: 'gpu', mode: 'User', vnetSubnetID: '/subnets/gpu' },
    { name: 'system', mode: 'System', vnetSubnetID: '/subnets/system' },
  ],
  ...more,
});

const clusters = [armCluster('one', 'demo'), armCluster('one', 'other', { privateFqdn: 'one.privatelink.eastus.azmk8s.io' }), armCluster('two', 'demo')].map((cluster) =>
  toFoundCluster(cluster, subscriptionId),
);

describe('chooseManagedCluster', () => {
  it.each([
    ['the node resource group, in any letter case', { nodeResourceGroup: 'mc_demo_two_eastus' }, 'two', 'demo'],
    ['the server of a kubeconfig', { fqdn: 'https://TWO-dns-1.hcp.eastus.azmk8s.io:443' }, 'two', 'demo'],
    ['the private name of the server', { fqdn: 'one.privatelink.eastus.azmk8s.io' }, 'one', 'other'],
    ['the nodes rather than the server, which may be a proxy', { nodeResourceGroup: 'MC_demo_two_eastus', fqdn: 'proxy.example.com' }, 'two', 'demo'],
    ['a name alone', { name: 'TWO' }, 'two', 'demo'],
    ['a name that is not unique and the nodes', { name: 'one', nodeResourceGroup: 'MC_other_one_eastus' }, 'one', 'other'],
  ])('finds by %s', (_what, hint, name, resourceGroup) => {
    expect(chooseManagedCluster(clusters, hint)).toMatchObject({ name, resourceGroup });
  });

  it('reads what planning needs, and takes the subnet of the system pool', () => {
    expect(chooseManagedCluster([toFoundCluster(armCluster('x', 'g', { nodeProvisioningProfile: { mode: 'Auto' }, powerState: { code: 'Stopped' } }), 's')], { name: 'x' })).toEqual({
      subscriptionId: 's',
      resourceGroup: 'g',
      name: 'x',
      location: 'eastus',
      kubernetesVersion: '1.33.2',
      nodeResourceGroup: 'MC_g_x_eastus',
      fqdn: 'x-dns-1.hcp.eastus.azmk8s.io',
      powerState: 'Stopped',
      provisioningState: 'Succeeded',
      hasNodeAutoProvisioning: true,
      subnetId: '/subnets/system',
    });
  });

  it('lists all clusters when none fits', () => {
    expect(() => chooseManagedCluster(clusters, { fqdn: 'three.example.com' })).toThrow(
      expect.objectContaining({
        exitCode: 3,
        message: 'No AKS cluster of the subscription fits server three.example.com.',
        fact: 'There are: one (resource group demo, eastus), one (resource group other, eastus), two (resource group demo, eastus).',
      }),
    );
  });

  it('lists those that fit when several do, rather than take one', () => {
    expect(() => chooseManagedCluster(clusters, { name: 'one' })).toThrow(expect.objectContaining({ exitCode: 2, fact: 'one (resource group demo), one (resource group other)' }));
  });

  it('takes no cluster without a hint, not even the only one', () => {
    expect(() => chooseManagedCluster(clusters.slice(0, 1), {})).toThrow(expect.objectContaining({ exitCode: 3 }));
  });
});

describe('findManagedCluster', () => {
  it('gets a cluster that is named, without listing the others', async () => {
    const azure = await startAzure(() => ({ status: 200, body: wire(armCluster('one', 'demo')) }));
    const cloud = azure.open({ environment: { AZURE_RESOURCE_GROUP: 'demo', AZURE_AKS_CLUSTER: 'one' } });
    expect(await cloud.findManagedCluster({ nodeResourceGroup: 'mc_demo_one_eastus' })).toMatchObject({ name: 'one', subscriptionId });
    expect(azure.asked).toHaveLength(1);
  });

  it('refuses a named cluster that is not the one whose nodes the kubeconfig shows', async () => {
    const azure = await startAzure(() => ({ status: 200, body: wire(armCluster('one', 'demo')) }));
    await expect(azure.open().findManagedCluster({ resourceGroup: 'demo', name: 'one', nodeResourceGroup: 'MC_demo_two_eastus' })).rejects.toMatchObject({ exitCode: 2, reason: 'ManagedClusterMismatch' });
  });

  it('follows the pages of the list, and says what there is instead of a cluster that does not exist', async () => {
    const azure = await startAzure(({ path }, { url }) => {
      if (path.includes('/managedClusters/')) return { status: 404, body: { error: { code: 'ResourceNotFound', message: 'Not found.' } } };
      return path.includes('page=2')
        ? { status: 200, body: { value: [wire(armCluster('two', 'demo'))] } }
        : { status: 200, body: { value: [wire(armCluster('one', 'demo'))], nextLink: `${url}/subscriptions/${subscriptionId}/providers/Microsoft.ContainerService/managedClusters?page=2` } };
    });
    await expect(azure.open().findManagedCluster({ resourceGroup: 'demo', name: 'three' })).rejects.toMatchObject({
      exitCode: 3,
      fact: 'There are: one (resource group demo, eastus), two (resource group demo, eastus).',
    });
  });

  it.each([undefined, 'My subscription'])('asks for the subscription by flag and by variable when it is %j', async (given) => {
    const azure = await startAzure(() => ({ status: 500 }));
    await expect(azure.open({ environment: { AZURE_SUBSCRIPTION_ID: given } }).findManagedCluster({})).rejects.toMatchObject({
      exitCode: 2,
      hints: [expect.stringMatching(/--subscription <id>, or AZURE_SUBSCRIPTION_ID/), 'az account list --output table'],
    });
    expect(azure.asked).toEqual([]);
  });
});

const wire = (cluster: ArmManagedCluster): object => {
  const { id, name, location, ...properties } = cluster;
  return { id, name, location, properties };
};
