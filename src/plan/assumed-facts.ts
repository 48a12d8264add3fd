import { azureInstanceTypes } from '../domain/azure-instance-types.ts';
import type { Facts } from '../domain/facts.ts';
import type { Workspace } from '../domain/workspace.ts';
import type { ProvisionerName } from '../provisioners/index.ts';

/**
 * What is taken to be so when nobody may be asked: an empty cluster in that region, quota for every machine, and Secrets
 * that are as they should be. Of existing nodes one is assumed, with one GPU of unknown memory.
 */
export const assumeFacts = ({ metadata, resource, inference, tuning }: Workspace, provisioner: ProvisionerName, region: string): Facts => ({
  target: { context: 'no cluster', server: '', namespace: metadata.namespace },
  existing: [],
  nodes: provisioner === 'byo' ? [{ name: 'existing-node', isReady: true, labels: resource.labelSelector.matchLabels, taints: [], gpuCount: 1 }] : [],
  storageClasses: [],
  secrets: Object.fromEntries([
    ...[...(tuning?.input.imagePullSecrets ?? []), ...(inference?.adapters ?? []).flatMap(({ source }) => source.imagePullSecrets ?? []), tuning?.output.imagePushSecret].flatMap((name) => (name === undefined ? [] : [[name, registrySecret] as const])),
    ...[inference?.preset.presetOptions?.modelAccessSecret].flatMap((name) => (name === undefined ? [] : [[name, { type: 'Opaque', keys: ['HF_TOKEN'] }] as const])),
  ]),
  permissions: [],
  azure: {
    login: '',
    cluster: { subscriptionId: '', resourceGroup: '', name: '', location: region, kubernetesVersion: '', nodeResourceGroup: '', fqdn: '', powerState: 'Running', provisioningState: 'Succeeded', hasNodeAutoProvisioning: false },
    usages: [...new Set(azureInstanceTypes.map(({ quotaFamily }) => quotaFamily)), 'cores', 'lowPriorityCores'].map((family) => ({ family, displayName: family, used: 0, limit: Number.MAX_SAFE_INTEGER })),
    skus: [],
    agentPools: [],
  },
});

const registrySecret = { type: 'kubernetes.io/dockerconfigjson', keys: ['.dockerconfigjson'] };
