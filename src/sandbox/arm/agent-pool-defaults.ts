import { fixedPropertiesOf, spotKey, spotTaint } from './agent-pool-rules.ts';
import type { AgentPoolState, ManagedClusterState } from './world.ts';

type Properties = AgentPoolState['properties'];

/**
 * What the pool will be: what was asked for, over what was fixed when it was created, over AKS's defaults. A PUT describes
 * the whole pool, so whatever else it leaves out goes back to the default.
 */
export const completeProperties = (cluster: ManagedClusterState, asked: Properties, existing?: Properties): Properties => {
  const fixed = existing === undefined ? {} : fixedPropertiesOf(existing);
  const properties: Properties = { ...defaultsFor(cluster), ...fixed, ...asked };
  if (properties.osDiskSizeGB === 0) properties.osDiskSizeGB = defaultDiskGB;
  if (properties.orchestratorVersion === '') properties.orchestratorVersion = cluster.kubernetesVersion;
  return properties.scaleSetPriority === 'Spot' ? completeSpot(properties) : properties;
};

const defaultDiskGB = 128;

const defaultsFor = (cluster: ManagedClusterState): Partial<Properties> => ({
  type: 'VirtualMachineScaleSets',
  mode: 'User',
  osType: 'Linux',
  osSKU: 'Ubuntu',
  osDiskSizeGB: defaultDiskGB,
  osDiskType: 'Managed',
  kubeletDiskType: 'OS',
  workloadRuntime: 'OCIContainer',
  maxPods: 250,
  enableAutoScaling: false,
  scaleDownMode: 'Delete',
  powerState: { code: 'Running' },
  orchestratorVersion: cluster.kubernetesVersion,
  nodeImageVersion: 'AKSUbuntu-2204gen2containerd-202606.08.1',
  upgradeSettings: { maxSurge: '10%', maxUnavailable: '0' },
  enableNodePublicIP: false,
  enableEncryptionAtHost: false,
  enableUltraSSD: false,
  enableFIPS: false,
});

/** AKS marks Spot nodes by itself, so that nothing lands there that has not asked to. */
const completeSpot = (properties: Properties): Properties => ({
  ...properties,
  scaleSetEvictionPolicy: properties.scaleSetEvictionPolicy ?? 'Delete',
  spotMaxPrice: properties.spotMaxPrice ?? -1,
  nodeLabels: { ...properties.nodeLabels, [spotKey]: 'spot' },
  nodeTaints: [...new Set([...(properties.nodeTaints ?? []), spotTaint])],
});
