import { createHash, randomUUID } from 'node:crypto';
import type { VmSize } from '../arm/vm-sizes.ts';
import { toTimestamp } from '../kube/store.ts';
import { kubernetesVersion } from '../kubernetes-version.ts';
import type { NewObject } from './objects.ts';

/** Where a cluster's machines are. */
export interface NodePlace {
  subscriptionId: string;
  /** `MC_<group>_<cluster>_<location>`. */
  nodeResourceGroup: string;
  location: string;
}

/** What the machines of one pool have in common. */
export interface NodePool {
  name: string;
  mode: 'System' | 'User';
  size: VmSize;
  labels: Readonly<Record<string, string>>;
  /** `key=value:Effect`. */
  taints: readonly string[];
  isSpot: boolean;
  zones: readonly string[];
  osDiskGiB: number;
}

/** `aks-<pool>-<8 digits>-vmss`: the digits are the cluster's. */
export const scaleSetName = (pool: string, { subscriptionId, nodeResourceGroup }: NodePlace): string => {
  const digest = createHash('sha256').update(`${subscriptionId}/${nodeResourceGroup}`.toLowerCase()).digest();
  return `aks-${pool}-${String(10_000_000 + (digest.readUInt32BE(0) % 90_000_000))}-vmss`;
};

/** Machines of a scale set are numbered in base 36. */
export const nodeName = (scaleSet: string, index: number): string => `${scaleSet}${index.toString(36).padStart(6, '0')}`;

export const notReadyTaints = [
  { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' },
];

/** A node as it registers: everything but Ready, and without the devices that a plugin has still to announce. */
export const createNode = (pool: NodePool, index: number, place: NodePlace, now: Date) => {
  const scaleSet = scaleSetName(pool.name, place);
  const name = nodeName(scaleSet, index);
  const resourceGroup = place.nodeResourceGroup.toLowerCase();
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: labelsOf(pool, name, index, place), annotations: { 'node.alpha.kubernetes.io/ttl': '0', 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' } },
    spec: {
      podCIDR: `10.244.${index % 256}.0/24`,
      providerID: `azure:///subscriptions/${place.subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.Compute/virtualMachineScaleSets/${scaleSet}/virtualMachines/${index}`,
      taints: [...pool.taints.map(parseTaint), ...(pool.isSpot ? [spotTaint] : []), ...notReadyTaints],
    },
    status: {
      ...resourcesOf(pool),
      addresses: [
        { type: 'InternalIP', address: addressOf(name) },
        { type: 'Hostname', address: name },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } },
      conditions: conditionsOf(toTimestamp(now)),
      nodeInfo: nodeInfo(),
    },
  } satisfies NewObject;
};

const spotTaint = { key: 'kubernetes.azure.com/scalesetpriority', value: 'spot', effect: 'NoSchedule' };

/** `sku=gpu:NoSchedule`; the value may be missing. */
export const parseTaint = (text: string): { key: string; value?: string; effect: string } => {
  const [, key = '', value, effect = 'NoSchedule'] = /^([^=:]+)(?:=([^:]*))?:(.+)$/.exec(text) ?? [];
  return { key, ...(value === undefined ? {} : { value }), effect };
};

/** https://learn.microsoft.com/azure/aks/use-labels */
const labelsOf = ({ name: pool, mode, size, labels, isSpot, zones }: NodePool, name: string, index: number, { location, nodeResourceGroup }: NodePlace): Record<string, string> => {
  const zone = zones.length > 0 ? `${location}-${zones[index % zones.length]}` : '0';
  return {
    agentpool: pool,
    'beta.kubernetes.io/arch': 'amd64',
    'beta.kubernetes.io/instance-type': size.name,
    'beta.kubernetes.io/os': 'linux',
    'failure-domain.beta.kubernetes.io/region': location,
    'failure-domain.beta.kubernetes.io/zone': zone,
    'kubernetes.azure.com/agentpool': pool,
    'kubernetes.azure.com/cluster': nodeResourceGroup.slice(0, 63),
    'kubernetes.azure.com/mode': mode.toLowerCase(),
    'kubernetes.azure.com/os-sku': 'Ubuntu',
    'kubernetes.azure.com/role': 'agent',
    'kubernetes.azure.com/scalesetpriority': isSpot ? 'spot' : 'regular',
    'kubernetes.io/arch': 'amd64',
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/role': 'agent',
    'node.kubernetes.io/instance-type': size.name,
    'topology.kubernetes.io/region': location,
    'topology.kubernetes.io/zone': zone,
    ...(size.gpuCount > 0 ? { accelerator: 'nvidia', 'kubernetes.azure.com/accelerator': 'nvidia' } : {}),
    ...labels,
  };
};

/** Of its memory a node keeps some for itself: 5 % up to 128 GiB here, and 100 MiB that pods must leave free. */
const resourcesOf = ({ size, osDiskGiB }: NodePool): { capacity: Record<string, string>; allocatable: Record<string, string> } => {
  const memoryKib = Math.floor(size.memoryGiB * 0.985 * 2 ** 20);
  const diskKib = Math.floor((osDiskGiB || 128) * 0.969 * 2 ** 20);
  const shared = { 'hugepages-1Gi': '0', 'hugepages-2Mi': '0', pods: '250' };
  return {
    capacity: { cpu: String(size.vCpuCount), 'ephemeral-storage': `${diskKib}Ki`, memory: `${memoryKib}Ki`, ...shared },
    allocatable: {
      cpu: `${size.vCpuCount * 1000 - 140 - Math.ceil(size.vCpuCount * 2.5)}m`,
      'ephemeral-storage': String(Math.floor(diskKib * 1024 * 0.9)),
      memory: `${memoryKib - Math.min(Math.floor(memoryKib * 0.05), 6.4 * 2 ** 20) - 100 * 1024}Ki`,
      ...shared,
    },
  };
};

const addressOf = (name: string): string => {
  const digest = createHash('sha256').update(name).digest();
  return `10.224.${digest.readUInt8(0)}.${4 + (digest.readUInt8(1) % 250)}`;
};

const conditionsOf = (now: string) => [
  { type: 'MemoryPressure', status: 'False', reason: 'KubeletHasSufficientMemory', message: 'kubelet has sufficient memory available', lastHeartbeatTime: now, lastTransitionTime: now },
  { type: 'DiskPressure', status: 'False', reason: 'KubeletHasNoDiskPressure', message: 'kubelet has no disk pressure', lastHeartbeatTime: now, lastTransitionTime: now },
  { type: 'PIDPressure', status: 'False', reason: 'KubeletHasSufficientPID', message: 'kubelet has sufficient PID available', lastHeartbeatTime: now, lastTransitionTime: now },
  {
    type: 'Ready',
    status: 'False',
    reason: 'KubeletNotReady',
    message: 'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized',
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  },
];

const nodeInfo = () => ({
  architecture: 'amd64',
  bootID: randomUUID(),
  containerRuntimeVersion: 'containerd://2.1.5-1',
  kernelVersion: '5.15.0-1098-azure',
  kubeProxyVersion: '',
  kubeletVersion: `v${kubernetesVersion}`,
  machineID: randomUUID().replaceAll('-', ''),
  operatingSystem: 'linux',
  osImage: 'Ubuntu 22.04.5 LTS',
  systemUUID: randomUUID(),
});
