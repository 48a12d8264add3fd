import { azureInstanceTypes } from '../domain/azure-instance-types.ts';
import type { Facts, NodeFacts } from '../domain/facts.ts';
import type { Workspace, WorkspaceResource } from '../domain/workspace.ts';
import type { ProvisionerName } from '../provisioners/index.ts';

/**
 * What is taken to be so when nobody may be asked: an empty cluster in that region, quota for every machine, and Secrets
 * that are as they should be. Of existing nodes those are there that are `known`, else one that has what is wanted, and its
 * memory is unknown.
 */
export const assumeFacts = ({ metadata, resource, inference, tuning }: Workspace, provisioner: ProvisionerName, region: string, known: readonly NodeFacts[]): Facts => ({
  isAssumed: true,
  target: { context: 'no cluster', server: '', namespace: metadata.namespace },
  existing: [],
  nodes: provisioner !== 'byo' ? [] : known.length > 0 ? [...known] : [assumeNode(resource)],
  storageClasses: [],
  secrets: Object.fromEntries(
    [
      ...(tuning?.input.imagePullSecrets ?? []),
      ...(inference?.adapters ?? []).flatMap(({ source }) => source.imagePullSecrets ?? []),
      tuning?.output.imagePushSecret,
      inference?.preset.presetOptions?.modelAccessSecret,
    ].flatMap((name) => (name === undefined ? [] : [[name, anySecret] as const])),
  ),
  permissions: [],
  azure: {
    login: '',
    cluster: { subscriptionId: '', resourceGroup: '', name: '', location: region, kubernetesVersion: '', nodeResourceGroup: '', fqdn: '', powerState: 'Running', provisioningState: 'Succeeded', hasNodeAutoProvisioning: false },
    usages: [...new Set(azureInstanceTypes.map(({ quotaFamily }) => quotaFamily)), 'cores', 'lowPriorityCores'].map((family) => ({ family, displayName: family, used: 0, limit: Number.MAX_SAFE_INTEGER })),
    skus: [],
    agentPools: [],
  },
});

const assumeNode = ({ labelSelector, partition }: WorkspaceResource): NodeFacts => ({
  name: 'existing-node',
  isReady: true,
  labels: labelSelector.matchLabels,
  taints: [],
  gpuCount: partition?.mode === 'accelerator' ? partition.count : 1,
  ...(partition?.mode === 'mig' ? { slices: { [partition.profile]: 1 } } : {}),
});

/** Fit for a registry and for a token: nothing keeps one from being both. */
const anySecret = { type: 'kubernetes.io/dockerconfigjson', keys: ['.dockerconfigjson', 'HF_TOKEN'] };
