import type { Cloud } from '../cloud/cloud.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Kind, Kinds } from '../cluster/kinds.ts';
import type { ManagedCluster } from '../domain/azure.ts';
import { AccessError, ConflictError } from '../domain/errors.ts';
import type { AzureFacts, Facts, NodeFacts, Permission, PullFacts, PushFacts, SecretFacts } from '../domain/facts.ts';
import { gpuMemoryOf, slicesOf } from '../domain/node-labels.ts';
import { recordName } from '../domain/record.ts';
import { workspaceKind, type Workspace } from '../domain/workspace.ts';
import { readReferences, refuseMissingNamespace } from './observe-references.ts';
import { allocatableGpus, isNodeReady } from './nodes.ts';
import { parseRecord } from './record.ts';

/** What a plan needs to know beyond the cluster itself. */
export interface Questions {
  /** Kinds whose objects the workspace may have left here. */
  kinds: readonly Kind[];
  /** Names of Secrets that the Workspace refers to. */
  secrets: readonly string[];
  /** Asks Azure too; the function because connecting costs and may fail. */
  azure?: () => Promise<Cloud>;
  /** How to find the AKS cluster when flags and environment do not say. */
  azureHint?: { subscriptionId?: string; resourceGroup?: string; name?: string };
  push?: (secrets: Record<string, Kinds['Secret'] | undefined>) => Promise<PushFacts>;
  pulls?: (secrets: Record<string, Kinds['Secret'] | undefined>) => Promise<Record<string, PullFacts>>;
}

/** Reads, and only reads, everything at once. */
export const observe = async (workspace: Workspace, cluster: Cluster, questions: Questions, signal: AbortSignal): Promise<Facts> => {
  const { name, namespace } = workspace.metadata;
  const call = { namespace, signal };
  await refuseMissingNamespace(cluster, namespace, signal);
  const [record, objects, nodes, storageClasses, secrets, { missing, configuration }, permissions] = await Promise.all([
    cluster.get('ConfigMap', recordName(name), call),
    Promise.all(questions.kinds.map((kind) => cluster.list(kind, { ...call, labelSelector: `kaito.sh/workspace=${name}` }))),
    cluster.list('Node', { signal }),
    readOrNothing(cluster.list('StorageClass', { signal })),
    Promise.all(questions.secrets.map(async (secret) => [secret, await cluster.get('Secret', secret, call)] as const)),
    readReferences(workspace, cluster, signal),
    askPermissions(cluster, namespace, workspaceKind(workspace), signal),
  ]);
  const nodeFacts = nodes.map(toNodeFacts);
  const secretObjects = Object.fromEntries(secrets);
  const [azure, push, pulls] = await Promise.all([
    questions.azure ? observeAzure(await questions.azure(), cluster, nodes, questions.azureHint ?? {}, signal) : undefined,
    questions.push?.(secretObjects),
    questions.pulls?.(secretObjects),
  ]);
  const stored = record && parseRecord(record);
  if (record && !stored) throw nameTaken(recordName(name), namespace);
  const defaultStorageClass = storageClasses.find(({ metadata }) => metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true')?.metadata.name;
  return {
    target: { context: cluster.target.contextName, server: cluster.target.server, namespace },
    ...(stored ? { record: stored } : {}),
    existing: [...(record ? [record] : []), ...objects.flat().filter((object) => object.metadata.name !== recordName(name))],
    nodes: nodeFacts,
    ...(defaultStorageClass === undefined ? {} : { defaultStorageClass }),
    storageClasses: storageClasses.map(({ metadata }) => metadata.name),
    secrets: Object.fromEntries(secrets.map(([secret, object]) => [secret, object ? toSecretFacts(object) : 'missing'])),
    missing,
    ...(configuration ? { configuration } : {}),
    permissions,
    ...(azure ? { azure } : {}),
    ...(push ? { push } : {}),
    ...(pulls ? { pulls } : {}),
  };
};

/** Writing the owner record would take the ConfigMap over, and deleting the workspace would delete it. */
const nameTaken = (configMap: string, namespace: string): ConflictError =>
  new ConflictError(`ConfigMap/${configMap} is there and was not made by kaito-ts.`, {
    reason: 'RecordNotOurs',
    fact: 'kaito-ts keeps its record of the workspace under this name.',
    hints: ['Choose another name for the workspace.', `kubectl get configmap ${configMap} -n ${namespace} -o yaml`],
  });

/** The AKS cluster behind a kubeconfig: named by flags, else recognised by the resource group that its nodes live in. */
const observeAzure = async (cloud: Cloud, cluster: Cluster, nodes: Kinds['Node'][], hint: { subscriptionId?: string; resourceGroup?: string; name?: string }, signal: AbortSignal): Promise<AzureFacts> => {
  const login = await cloud.login({ signal });
  const managedCluster = await findManagedCluster(cloud, cluster, nodes, hint, signal);
  const [usages, skus, agentPools] = await Promise.all([
    cloud.listUsages(managedCluster, { signal }),
    cloud.listSkus(managedCluster, { signal }),
    cloud.listAgentPools(managedCluster, { signal }),
  ]);
  return { login: login.description, cluster: managedCluster, usages, skus, agentPools };
};

export const findManagedCluster = async (cloud: Cloud, cluster: Cluster, nodes: Kinds['Node'][], hint: { subscriptionId?: string; resourceGroup?: string; name?: string }, signal: AbortSignal): Promise<ManagedCluster> => {
  const place = nodes.map((node) => /^azure:\/\/\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\//i.exec(node.spec?.providerID ?? '')).find((match) => match !== null);
  return await cloud.findManagedCluster(
    {
      ...(place?.[1] === undefined ? {} : { subscriptionId: place[1] }),
      ...(place?.[2] === undefined ? {} : { nodeResourceGroup: place[2] }),
      ...hint,
      fqdn: new URL(cluster.target.server).hostname,
    },
    { signal },
  );
};

/** StorageClasses are cluster-wide, and not everybody may list them: knowing nothing is not a reason to stop. */
const readOrNothing = async <T>(reading: Promise<T[]>): Promise<T[]> => {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof AccessError) return [];
    throw error;
  }
};

export const toNodeFacts = (node: Kinds['Node']): NodeFacts => {
  const labels = node.metadata.labels ?? {};
  return {
    name: node.metadata.name,
    isReady: isNodeReady(node),
    labels,
    taints: (node.spec?.taints ?? []).map(({ key, value, effect }) => `${key}${value === undefined ? '' : `=${value}`}:${effect}`),
    gpuCount: allocatableGpus(node),
    ...gpuMemoryOf(labels),
    slices: slicesOf(node.status?.allocatable ?? {}),
  };
};

const toSecretFacts = (secret: Kinds['Secret']): SecretFacts => ({ type: secret.type ?? 'Opaque', keys: Object.keys(secret.data ?? {}) });

interface Needed {
  verb: string;
  group: string;
  resource: string;
  subresource?: string;
  isClusterWide?: true;
}

/** What a plan will do and what is watched meanwhile, asked beforehand: a refusal after the nodes have come would have cost them. */
export const askPermissions = async (cluster: Cluster, namespace: string, kind: 'inference' | 'tuning', signal: AbortSignal): Promise<Permission[]> => {
  const wanted: Needed[] = [
    ...toApply('', 'configmaps'),
    ...toFollow('', 'pods'),
    ...toFollow('', 'events'),
    { verb: 'watch', group: '', resource: 'nodes', isClusterWide: true },
    ...(kind === 'tuning'
      ? [
          ...toApply('batch', 'jobs'),
          { verb: 'watch', group: 'batch', resource: 'jobs' },
          // One whose pod cannot start would hold its nodes until the time limit.
          { verb: 'delete', group: 'batch', resource: 'jobs' },
          ...toApply('', 'persistentvolumeclaims'),
        ]
      : [
          ...['deployments', 'statefulsets'].flatMap((resource) => [...toApply('apps', resource), { verb: 'watch', group: 'apps', resource }]),
          ...toApply('', 'services'),
          // A WebSocket is opened with GET, and since 1.35 the server asks for the permission to create as well.
          { verb: 'get', group: '', resource: 'pods', subresource: 'portforward' },
          { verb: 'create', group: '', resource: 'pods', subresource: 'portforward' },
        ]),
  ];
  return await Promise.all(
    wanted.map(async ({ verb, group, resource, subresource, isClusterWide }) => {
      const review = await cluster.create<Kinds['SelfSubjectAccessReview']>(
        {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SelfSubjectAccessReview',
          metadata: { name: '' },
          spec: { resourceAttributes: { ...(isClusterWide ? {} : { namespace }), verb, group, resource, ...(subresource ? { subresource } : {}) } },
        },
        { signal },
      );
      const reason = review.status?.reason;
      return {
        what: `${verb} ${resource}${subresource ? `/${subresource}` : ''}${group ? `.${group}` : ''}`,
        isAllowed: review.status?.allowed === true,
        ...(reason ? { reason } : {}),
        ...(isClusterWide ? { isClusterWide } : {}),
      };
    }),
  );
};

/** An apply looks at what is there, and needs both others where that is nothing. */
const toApply = (group: string, resource: string): Needed[] => ['get', 'create', 'patch'].map((verb) => ({ verb, group, resource }));

const toFollow = (group: string, resource: string): Needed[] => ['list', 'watch'].map((verb) => ({ verb, group, resource }));
