import { isDeepStrictEqual } from 'node:util';
import { type AgentPoolProperties, invalidParameter } from './agent-pool-schema.ts';
import { aksError } from './errors.ts';
import { findVmSize, zonesOf } from './vm-sizes.ts';
import type { AgentPoolState, World } from './world.ts';

type Properties = AgentPoolState['properties'];

export const spotKey = 'kubernetes.azure.com/scalesetpriority';
export const spotTaint = `${spotKey}=spot:NoSchedule`;

/** https://aka.ms/aks-naming-rules */
export const checkName = (name: string): void => {
  if (/^[a-z][a-z0-9]{0,11}$/.test(name)) return;
  throw aksError(
    400,
    'InvalidParameter',
    'The value of parameter agentPoolProfile.name is invalid. Please see https://aka.ms/aks-naming-rules for more details.',
    'agentPoolProfile.name',
  );
};

/** What no pool can be without; `existing` says it already when the pool is there. */
export const checkComplete = (asked: AgentPoolProperties, existing?: Properties): Properties => {
  const vmSize = asked.vmSize ?? existing?.vmSize;
  if (asked.count === undefined) throw missingParameter('count');
  if (vmSize === undefined) throw missingParameter('vmSize');
  return { ...asked, count: asked.count, vmSize };
};

/** Everything that makes a pool impossible, in whatever state it is; throws an ArmError about the first. */
export const checkPossible = (world: World, name: string, properties: Properties): void => {
  checkKind(properties);
  checkSize(world, name, properties);
  checkScale(properties);
  checkSpot(properties);
  for (const [key, value] of Object.entries(properties.nodeLabels ?? {})) checkLabel(key, value, properties);
  for (const taint of properties.nodeTaints ?? []) {
    if (!/^[\w.-]+(\/[\w.-]+)?=[\w.-]*:(NoSchedule|PreferNoSchedule|NoExecute)$/.test(taint)) {
      throw invalidParameter('nodeTaints', `Taint '${taint}' is not of the form key=value:effect with effect NoSchedule, PreferNoSchedule or NoExecute.`);
    }
  }
  checkTags(properties.tags ?? {});
};

/** https://learn.microsoft.com/azure/aks/manage-node-pools: what is decided when a pool is created. */
const fixedProperties = [
  'vmSize',
  'type',
  'osType',
  'osDiskType',
  'osDiskSizeGB',
  'kubeletDiskType',
  'maxPods',
  'availabilityZones',
  'scaleSetPriority',
  'scaleSetEvictionPolicy',
  'spotMaxPrice',
  'gpuInstanceProfile',
  'gpuProfile',
  'vnetSubnetID',
  'podSubnetID',
  'hostGroupID',
  'proximityPlacementGroupID',
  'capacityReservationGroupID',
  'kubeletConfig',
  'linuxOSConfig',
] as const satisfies (keyof Properties)[];

/** A property left out stays as it is; one that is given must be what it was. */
export const checkChange = (existing: Properties, asked: AgentPoolProperties): void => {
  for (const name of fixedProperties) {
    const isSame = name === 'vmSize' ? asked.vmSize?.toLowerCase() === existing.vmSize.toLowerCase() : isDeepStrictEqual(asked[name], existing[name]);
    if (asked[name] !== undefined && !isSame) throw changeNotAllowed(name);
  }
  // AKS gave the taint itself, so taking it away is a change although nobody meant one.
  if (existing.scaleSetPriority === 'Spot' && asked.nodeTaints !== undefined && !asked.nodeTaints.includes(spotTaint)) throw changeNotAllowed('nodeTaints');
};

/** What was fixed at creation, out of the existing pool. */
export const fixedPropertiesOf = (existing: Properties): AgentPoolProperties =>
  Object.fromEntries(fixedProperties.flatMap((name) => (existing[name] === undefined ? [] : [[name, existing[name]]])));

const changeNotAllowed = (name: string): Error =>
  aksError(400, 'PropertyChangeNotAllowed', `Changing property 'properties.${name}' is not allowed.`, `properties.${name}`);

const missingParameter = (name: string): Error =>
  aksError(400, 'InvalidParameter', `Required parameter properties.${name} is missing (null).`, `properties.${name}`);

/** The sandbox says no where Azure would say yes: better than a pool that never becomes what was asked for. */
const checkKind = ({ type, osType, mode }: Properties): void => {
  if (type === 'VirtualMachineScaleSets' && osType === 'Linux' && mode !== 'Gateway') return;
  throw aksError(400, 'BadRequest', 'The sandbox only has Linux agent pools of type VirtualMachineScaleSets and of mode User or System.');
};

const checkSize = (world: World, name: string, { vmSize, availabilityZones, gpuInstanceProfile }: Properties): void => {
  const size = findVmSize(vmSize);
  if (size === undefined || size.restriction === 'region') {
    throw aksError(
      400,
      'VMSizeNotSupported',
      `Virtual Machine size: '${vmSize}' is not supported for subscription ${world.subscriptionId} in location '${world.location}'. Please refer to aka.ms/aks/vm-size-selector to view the list of supported VM sizes.`,
    );
  }
  const wrongZones = availabilityZones?.filter((zone) => !zonesOf(size).includes(zone)) ?? [];
  if (wrongZones.length > 0) {
    const [wrong, supported] = [wrongZones, zonesOf(size)].map((zones) => zones.map((zone) => `'${zone}'`).join(','));
    throw aksError(
      400,
      'AvailabilityZoneNotSupported',
      `Preflight validation check for resource(s) failed. The zone(s) ${wrong} for resource '${name}' is not supported. The supported zones for location '${world.location}' are ${supported}`,
    );
  }
  if (gpuInstanceProfile !== undefined && !/A100|H100|H200|^Standard_ND96asr_v4$/i.test(size.name)) {
    throw aksError(400, 'BadRequest', `GPU instance profile ${gpuInstanceProfile} is not supported by VM size '${vmSize}'.`);
  }
};

const checkScale = ({ count, mode, enableAutoScaling, minCount, maxCount }: Properties): void => {
  if (mode === 'System' && count === 0) throw invalidParameter('count', 'A system pool must have at least 1 node.');
  if (enableAutoScaling !== true) {
    if (minCount !== undefined) throw invalidParameter('minCount', 'minCount may only be set when enableAutoScaling is true.');
    if (maxCount !== undefined) throw invalidParameter('maxCount', 'maxCount may only be set when enableAutoScaling is true.');
    return;
  }
  if (minCount === undefined) throw missingParameter('minCount');
  if (maxCount === undefined) throw missingParameter('maxCount');
  if (mode === 'System' && minCount === 0) throw invalidParameter('minCount', 'A system pool must have at least 1 node.');
  if (minCount > maxCount) throw invalidParameter('minCount', `minCount ${minCount} is greater than maxCount ${maxCount}.`);
  if (count < minCount || count > maxCount) throw invalidParameter('count', `count ${count} is not between minCount ${minCount} and maxCount ${maxCount}.`);
};

/** https://learn.microsoft.com/azure/aks/spot-node-pool#limitations */
const checkSpot = ({ scaleSetPriority, scaleSetEvictionPolicy, spotMaxPrice, mode }: Properties): void => {
  if (scaleSetPriority !== 'Spot') {
    if (scaleSetEvictionPolicy !== undefined) throw invalidParameter('scaleSetEvictionPolicy', 'It may only be set when scaleSetPriority is Spot.');
    if (spotMaxPrice !== undefined && spotMaxPrice !== -1) throw invalidParameter('spotMaxPrice', 'It may only be set when scaleSetPriority is Spot.');
    return;
  }
  if (mode === 'System') throw aksError(400, 'BadRequest', 'A Spot agent pool cannot be a system pool.');
  const isPrice = spotMaxPrice === undefined || spotMaxPrice === -1 || (spotMaxPrice > 0 && Number(spotMaxPrice.toFixed(5)) === spotMaxPrice);
  if (!isPrice) throw invalidParameter('spotMaxPrice', 'It must be -1, or greater than 0 with up to 5 decimal places.');
};

/** https://learn.microsoft.com/azure/aks/use-labels#reserved-system-labels */
const checkLabel = (key: string, value: string, { scaleSetPriority }: Properties): void => {
  const [prefix = '', name] = key.includes('/') ? key.split('/', 2) : ['', key];
  if (prefix === 'kubernetes.azure.com' || prefix.endsWith('.kubernetes.azure.com')) {
    if (key === spotKey && value === 'spot' && scaleSetPriority === 'Spot') return;
    throw aksError(400, 'BadRequest', `Invalid node label key ${key}. The 'kubernetes.azure.com' prefix is preserved by aks system labels.`);
  }
  if (/(^|\.)(kubernetes|k8s)\.io$/.test(prefix) && !/(^|\.)(kubelet|node)\.kubernetes\.io$/.test(prefix)) {
    throw aksError(
      400,
      'BadRequest',
      `Invalid node label key ${key}. node label keys in the 'kubernetes.io' or 'k8s.io' namespace must begin with an allowed prefix (kubelet.kubernetes.io, node.kubernetes.io).`,
    );
  }
  if (['agentpool', 'accelerator', 'storageprofile', 'storagetier'].includes(key)) {
    throw aksError(400, 'BadRequest', `Invalid node label key ${key}. It is preserved by aks system labels.`);
  }
  const isDomain = prefix === '' ? !key.includes('/') : prefix.length <= 253 && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(prefix);
  if (!isDomain || !isName(name) || (value !== '' && !isName(value))) throw invalidParameter('nodeLabels', `'${key}=${value}' is not a Kubernetes label.`);
};

const isName = (text: string | undefined): boolean => text !== undefined && /^[a-z0-9A-Z]([\w.-]{0,61}[a-z0-9A-Z])?$/.test(text);

/** https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources#limitations */
const checkTags = (tags: Record<string, string>): void => {
  const reserved = Object.keys(tags).filter((name) => /[<>%&\\?/]/.test(name) || name.length > 512);
  if (reserved.length > 0) {
    throw aksError(
      400,
      'InvalidTagNameCharacters',
      `The tag names '${reserved.join(',')}' have reserved characters '<,>,%,&,\\,?,/' or control characters.`,
    );
  }
  const long = Object.entries(tags).find(([, value]) => value.length > 256);
  if (long !== undefined) throw aksError(400, 'InvalidTagValueLength', `The value of tag '${long[0]}' exceeds the maximum length of 256 characters.`);
  if (Object.keys(tags).length > 50) throw aksError(400, 'InvalidTagCount', 'A resource can have at most 50 tags.');
};
