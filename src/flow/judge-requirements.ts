import { azureInstanceTypes, isSameQuotaFamily } from '../domain/azure-instance-types.ts';
import type { ManagedCluster, Usage } from '../domain/azure.ts';
import type { NodeFacts, Permission, PushFacts } from '../domain/facts.ts';
import { sliceResource, wholeGpu } from '../domain/mig.ts';
import type { DevicePlugin, RequirementAnswer } from '../domain/requirement.ts';

/** Pod failure policies and the pod index label are on by default since 1.26 and 1.28; one more for good measure. https://kubernetes.io/docs/reference/command-line-tools-reference/feature-gates/ */
const oldestMinor = 29;

const passed = (fact: string): RequirementAnswer => ({ verdict: 'passed', fact });
const refused = (fact: string, remedy: string): RequirementAnswer => ({ verdict: 'refused', fact, remedy });
const unknown = (fact: string, remedy?: string): RequirementAnswer => ({ verdict: 'unknown', fact, ...(remedy === undefined ? {} : { remedy }) });

export const judgeKubernetesVersion = (version: string, server: string): RequirementAnswer => {
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  if (major === undefined || minor === undefined) return unknown(`${server} answers, and its version ${JSON.stringify(version)} is not understood`);
  if (Number(major) === 1 && Number(minor) < oldestMinor) return refused(`${version} at ${server}, and 1.${oldestMinor} is needed`, 'az aks upgrade --resource-group <group> --name <cluster> --kubernetes-version <version>');
  return passed(`${version} at ${server}`);
};

export const judgeAccess = (permissions: readonly Permission[], namespace: string): RequirementAnswer => {
  const missing = permissions.filter(({ isAllowed }) => !isAllowed);
  const [first] = missing;
  if (!first) return passed(`in namespace ${namespace}: ${permissions.map(({ what }) => what).join(', ')}`);
  return refused(`in namespace ${namespace}: ${missing.map(({ what, reason }) => `${what}: no${reason ? ` (${reason})` : ''}`).join('; ')}`, `kubectl auth can-i ${first.what}${first.isClusterWide ? '' : ` -n ${namespace}`}   # and ask whoever grants it`);
};

/** Without a registry the adapter goes to a claim, which needs a class. */
export const judgeStorageClasses = (classes: readonly { name: string; isDefault: boolean }[], registry: string | undefined): RequirementAnswer => {
  const byDefault = classes.find(({ isDefault }) => isDefault);
  if (byDefault) return passed(`${byDefault.name} is the default`);
  if (registry !== undefined) return passed('none is the default, and none is needed: adapters go to the registry');
  return refused(classes.length === 0 ? 'there is none' : `none is the default; there are: ${classes.map(({ name }) => name).join(', ')}`, 'Name one with --storage-class, or set KAITO_REGISTRY to push adapters instead.');
};

export const judgeDevicePlugins = (plugins: readonly DevicePlugin[], nodes: readonly NodeFacts[], provisioner: 'aks' | 'byo'): RequirementAnswer => {
  const withGpus = nodes.filter(hasGpus);
  const [plugin] = plugins;
  if (!plugin) {
    // AKS brings its own with managed GPU nodes, and so do other clouds.
    if (withGpus.length > 0) return passed(`no DaemonSet, and ${withGpus.length} nodes have their GPUs allocatable all the same`);
    return refused('no DaemonSet of NVIDIA’s device plugin or GPU operator: GPUs would never become allocatable', 'kaito-ts doctor --install-device-plugin');
  }
  const [useful] = plugins.filter(({ toleratesGpuTaint }) => toleratesGpuTaint);
  const text = plugins.map(({ namespace, name, readyCount, nodeCount }) => `${namespace}/${name} (${readyCount} of ${nodeCount} pods ready)`).join(', ');
  // Existing nodes carry whatever taints they carry; that their GPUs are there is proof enough.
  if (!useful && !(provisioner === 'byo' && withGpus.length > 0)) return refused(`${text} does not tolerate sku=gpu:NoSchedule, and so stays off GPU nodes`, tolerate(plugin));
  return passed(plugins.length > 1 ? `${text}; on one node only one of them may be` : text);
};

const tolerate = ({ name, namespace, hasTolerations }: DevicePlugin): string => {
  const toleration = { key: 'sku', operator: 'Equal', value: 'gpu', effect: 'NoSchedule' };
  const patch = [{ op: 'add', path: `/spec/template/spec/tolerations${hasTolerations ? '/-' : ''}`, value: hasTolerations ? toleration : [toleration] }];
  return `kubectl patch daemonset ${name} -n ${namespace} --type=json -p '${JSON.stringify(patch)}'`;
};

const hasGpus = ({ gpuCount, slices = {} }: NodeFacts): boolean => gpuCount > 0 || Object.values(slices).some((count) => count > 0);

/** `8 x nvidia.com/gpu`, and slices by their profiles. */
const describeGpus = ({ gpuCount, slices = {} }: NodeFacts): string =>
  [...(gpuCount > 0 ? [[wholeGpu, gpuCount] as const] : []), ...Object.entries(slices).flatMap(([profile, count]) => (count > 0 ? [[sliceResource(profile), count] as const] : []))].map(([resource, count]) => `${count} x ${resource}`).join(', ');

export const judgeGpuNodes = (nodes: readonly NodeFacts[], provisioner: 'aks' | 'byo'): RequirementAnswer => {
  const usable = nodes.filter((node) => node.isReady && hasGpus(node));
  if (usable.length > 0) return passed(usable.map((node) => `${node.name} (${describeGpus(node)})`).join(', '));
  if (provisioner === 'aks') return passed('none yet: an agent pool is added when one is needed');
  return refused(`none of ${nodes.length} nodes is Ready with nvidia.com/gpu allocatable`, 'Add GPU nodes with a device plugin, or leave out --provisioner byo to have them added in AKS.');
};

/** What it collects: https://github.com/Azure/gpu-provisioner/blob/v0.4.3/pkg/controllers/instance/garbagecollection/controller.go */
export const judgeGpuProvisioner = (found: readonly string[]): RequirementAnswer =>
  found.length === 0
    ? passed('does not run')
    : passed(`${found.join(', ')} runs: it removes agent pools that carry its label karpenter.sh/nodepool and have no NodeClaim. Those of kaito-ts never carry it; add it to none by hand`);

export const judgeManagedCluster = ({ name, resourceGroup, location, powerState, provisioningState }: ManagedCluster): RequirementAnswer => {
  const fact = `${name} in ${resourceGroup} (${location}) is ${powerState}`;
  if (powerState !== 'Running') return refused(fact, `az aks start --resource-group ${resourceGroup} --name ${name}`);
  if (provisioningState !== 'Succeeded') return unknown(`${fact}, and ${provisioningState}: Azure may refuse agent pools until that has ended`, `az aks show --resource-group ${resourceGroup} --name ${name} --query provisioningState`);
  return passed(fact);
};

export const judgeNodeAutoProvisioning = ({ hasNodeAutoProvisioning }: ManagedCluster): RequirementAnswer =>
  passed(hasNodeAutoProvisioning ? 'is on: agent pools are added beside the nodes that it makes' : 'is off: agent pools are added for each workspace');

/** Quota is counted in vCPUs of a family; a subscription that was never granted any has 0. */
export const judgeGpuQuota = (usages: readonly Usage[], location: string): RequirementAnswer => {
  const families = [...new Set(azureInstanceTypes.filter(({ gpuVendor }) => gpuVendor === 'NVIDIA').map(({ quotaFamily }) => quotaFamily))];
  const known = families.flatMap((family) => usages.filter((usage) => isSameQuotaFamily(usage.family, family)).map(({ used, limit }) => ({ family, used, limit })));
  if (known.length === 0) return unknown(`Azure names no quota of a GPU family in ${location}`, `az vm list-usage --location ${location} --output table`);
  const granted = known.filter(({ limit }) => limit > 0);
  if (granted.length === 0) return refused(`no vCPU of any GPU family is granted in ${location} (${known.map(({ family }) => family).join(', ')})`, 'Ask for some: https://learn.microsoft.com/azure/quotas/view-quotas');
  const region = usages.find(({ family }) => family === 'cores');
  return passed([...granted.map(({ family, used, limit }) => `${family} ${used} of ${limit}`), ...(region ? [`all of ${location} ${region.used} of ${region.limit}`] : [])].join(', ') + ' vCPUs used');
};

export const judgeRegistry = (registry: string, push: PushFacts, secret: string | undefined): RequirementAnswer => {
  if (push.canPush) return passed(`${registry} accepts a push`);
  if (push.reason === 'unreachable') return unknown(`${registry} cannot be reached from here: ${push.fact}`);
  return refused(`${registry} refuses a push: ${push.fact}`, secret === undefined ? 'Name the Secret with the credentials: KAITO_OUTPUT_IMAGE_SECRET or --output-image-secret' : `Check the credentials in Secret ${secret}: they must allow pushing.`);
};
