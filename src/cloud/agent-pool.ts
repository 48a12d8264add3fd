import type { AgentPool as ArmAgentPool } from '@azure/arm-containerservice';
import type { AgentPool, AgentPoolRequest } from '../domain/azure.ts';
import { UsageError } from '../domain/errors.ts';

/** The body of the PUT. What cannot be changed afterwards (size, priority, zones, disk) is all said here. */
export const toArmAgentPool = (request: AgentPoolRequest): ArmAgentPool => ({
  mode: 'User',
  typePropertiesType: 'VirtualMachineScaleSets',
  osType: 'Linux',
  osSKU: request.operatingSystem ?? 'Ubuntu',
  vmSize: request.instanceType,
  count: request.count,
  osDiskSizeGB: request.osDiskGiB,
  nodeLabels: request.labels,
  nodeTaints: request.taints,
  tags: request.tags,
  ...(request.autoscale ? { enableAutoScaling: true, ...request.autoscale } : { enableAutoScaling: false }),
  // An upgrade that adds a node first would need quota for one GPU machine more, and AKS asks for that quota from the start.
  // Spot pools never have such nodes.
  ...(request.spot ? { scaleSetPriority: 'Spot', scaleSetEvictionPolicy: 'Delete', spotMaxPrice: -1 } : { upgradeSettings: { maxSurge: '0', maxUnavailable: '1' } }),
  ...(request.subnetId === undefined ? {} : { vnetSubnetID: request.subnetId }),
  ...(request.zones === undefined || request.zones.length === 0 ? {} : { availabilityZones: request.zones }),
});

export const toAgentPool = (pool: ArmAgentPool): AgentPool => ({
  id: pool.id ?? '',
  name: pool.name ?? '',
  instanceType: pool.vmSize ?? '',
  count: pool.count ?? 0,
  ...(pool.enableAutoScaling ? { autoscale: { minCount: pool.minCount ?? 0, maxCount: pool.maxCount ?? 0 } } : {}),
  // Azure Resource Manager: a resource without a state is one that succeeded.
  provisioningState: pool.provisioningState ?? 'Succeeded',
  powerState: pool.powerState?.code ?? 'Running',
  labels: pool.nodeLabels ?? {},
  taints: pool.nodeTaints ?? [],
  tags: pool.tags ?? {},
  spot: pool.scaleSetPriority === 'Spot',
  ...(pool.eTag === undefined ? {} : { eTag: pool.eTag }),
  ...(pool.status?.provisioningError
    ? { provisioningError: { code: pool.status.provisioningError.code ?? '', message: pool.status.provisioningError.message ?? '' } }
    : {}),
});

/** Every other state is one of "in progress". */
export const isTerminalState = (provisioningState: string): boolean => ['succeeded', 'failed', 'canceled'].includes(provisioningState.toLowerCase());

/** Whether the pool is what this request would have made: told by what the request says of itself and cannot be changed. */
export const isMadeBy = (pool: AgentPool, request: AgentPoolRequest): boolean =>
  pool.instanceType.toLowerCase() === request.instanceType.toLowerCase() &&
  pool.spot === request.spot &&
  Object.keys(request.tags).length > 0 &&
  Object.entries(request.tags).every(([key, value]) => pool.tags[key] === value);

/** `Creating, 1 x Standard_NC24ads_A100_v4, tags owner=ana`: what is there, for a sentence about a conflict. */
export const describeAgentPool = (pool: AgentPool): string => {
  const tags = Object.entries(pool.tags).map(([key, value]) => `${key}=${value}`);
  return [`${pool.provisioningState}, ${pool.count} x ${pool.instanceType}${pool.spot ? ' Spot' : ''}`, tags.length === 0 ? 'no tags' : `tags ${tags.join(' ')}`].join(', ');
};

/**
 * The SDK sends whatever it is given, and Azure answers one problem at a time, after a while. UsageError with all problems.
 * Limits from the API's own definition and https://learn.microsoft.com/azure/aks/use-labels.
 */
export const checkAgentPoolRequest = ({ name, count, autoscale, osDiskGiB, labels, taints }: AgentPoolRequest): void => {
  const problems = [
    /^[a-z][a-z0-9]{0,11}$/.test(name) ? '' : `its name ${JSON.stringify(name)} is not 1 to 12 lower-case letters and digits that begin with a letter`,
    isWhole(count, 0, 1000) ? '' : `its count ${count} is not between 0 and 1000`,
    isWhole(osDiskGiB, 0, 2048) ? '' : `its disk of ${osDiskGiB} GiB is not between 0 and 2048`,
    !autoscale || (isWhole(autoscale.minCount, 0, count) && isWhole(autoscale.maxCount, Math.max(1, count), 1000))
      ? ''
      : `its count ${count} is not between its least (${autoscale.minCount}) and most (${autoscale.maxCount}) nodes`,
    ...Object.keys(labels).map((key) => (isReservedLabel(key) ? `its label ${key} is reserved for AKS and Kubernetes` : '')),
    ...taints.map((taint) => (/^[^=:\s]+(=[^=:\s]*)?:(NoSchedule|PreferNoSchedule|NoExecute)$/.test(taint) ? '' : `its taint ${JSON.stringify(taint)} is not key=value:Effect`)),
  ].filter((problem) => problem !== '');
  if (problems.length > 0) throw new UsageError(`Agent pool ${name} cannot be asked for: ${problems.join('; ')}.`, { reason: 'InvalidParameter' });
};

const isWhole = (value: number, least: number, most: number): boolean => Number.isInteger(value) && value >= least && value <= most;

const isReservedLabel = (key: string): boolean => {
  const prefix = key.includes('/') ? key.slice(0, key.indexOf('/')) : '';
  if (prefix === 'kubelet.kubernetes.io' || prefix === 'node.kubernetes.io') return false;
  return /(^|\.)(kubernetes\.azure\.com|kubernetes\.io|k8s\.io)$/.test(prefix) || ['agentpool', 'accelerator', 'storageprofile', 'storagetier'].includes(key);
};
