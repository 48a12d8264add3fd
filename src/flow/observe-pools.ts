import type { Cloud } from '../cloud/cloud.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Kinds } from '../cluster/kinds.ts';
import { managedBy } from '../domain/annotations.ts';
import type { AgentPool, ManagedCluster } from '../domain/azure.ts';
import { AccessError, KaitoError, PreflightError } from '../domain/errors.ts';
import type { PoolFacts, PoolNodes } from '../domain/pool-facts.ts';
import { findManagedCluster } from './observe.ts';
import { parseRecord, recordSelector, type StoredRecord } from './record.ts';
import { jobOutcome } from './status.ts';

const workspaceLabel = 'kaito.sh/workspace';

export interface ObservedPools {
  facts: PoolFacts;
  /** The same records with what is needed to change them, by `namespace/workspace`. */
  stored: Map<string, StoredRecord>;
}

/** Reads what decides whether agent pools are needed. Pools first: a record that is written meanwhile is then seen, and its pool is not taken for an orphan. */
export const observePools = async (cluster: Cluster, cloud: Cloud, hint: { subscriptionId?: string; resourceGroup?: string; name?: string }, signal: AbortSignal): Promise<ObservedPools> => {
  const nodes = await cluster.list('Node', { signal });
  const managedCluster = await findManagedCluster(cloud, cluster, nodes, hint, signal);
  checkSameCluster(managedCluster, cluster, nodes);
  const pools = await cloud.listAgentPools(managedCluster, { signal });
  const namespaces = [...new Set([cluster.target.namespace, ...pools.filter(({ tags }) => tags['managed-by'] === managedBy).map(({ tags }) => tags['kaito-namespace'] ?? '')])].filter((namespace) => namespace !== '');
  const [records, jobs, poolNodes] = await Promise.all([
    listEverywhere(cluster, 'ConfigMap', recordSelector, namespaces, signal),
    listEverywhere(cluster, 'Job', workspaceLabel, namespaces, signal),
    observeNodes(cluster, nodes, pools, signal),
  ]);
  const read = readRecords(records.objects);
  const stored = new Map(read.stored.map((one) => [keyOf(one.record.workspace.metadata), one]));
  return {
    stored,
    facts: {
      cluster: managedCluster,
      pools,
      records: read.stored.map(({ record }) => record),
      unread: [...read.unread, ...records.refused, ...jobs.refused],
      jobOutcomes: Object.fromEntries(
        jobs.objects.flatMap((job) => {
          const outcome = jobOutcome(job);
          return outcome ? [[keyOf({ name: job.metadata.labels?.[workspaceLabel] ?? '', namespace: job.metadata.namespace ?? '' }), outcome]] : [];
        }),
      ),
      nodes: poolNodes,
    },
  };
};

const keyOf = ({ namespace, name }: { namespace: string; name: string }): string => `${namespace}/${name}`;

/** The records of another cluster would say nothing about these pools, and all of them would look forgotten. */
const checkSameCluster = (managedCluster: ManagedCluster, { target }: Cluster, nodes: readonly Kinds['Node'][]): void => {
  const group = `/resourcegroups/${managedCluster.nodeResourceGroup.toLowerCase()}/`;
  const hasItsNodes = nodes.some(({ spec }) => `${spec?.providerID?.toLowerCase() ?? ''}/`.includes(group));
  const hasItsName = new URL(target.server).hostname.toLowerCase() === managedCluster.fqdn.toLowerCase();
  if (hasItsNodes || hasItsName) return;
  throw new PreflightError(`It cannot be told that the kubeconfig points at AKS cluster ${managedCluster.name}.`, {
    reason: 'ManagedClusterMismatch',
    fact: `None of ${nodes.length} nodes is in resource group ${managedCluster.nodeResourceGroup}, and ${target.server} is not ${managedCluster.fqdn}.`,
    hints: [`az aks get-credentials --resource-group ${managedCluster.resourceGroup} --name ${managedCluster.name}`, 'kaito-ts doctor'],
  });
};

/** Whoever may not list all namespaces may still list those that matter; what cannot be seen is not judged. */
const listEverywhere = async <K extends 'ConfigMap' | 'Job'>(cluster: Cluster, kind: K, labelSelector: string, namespaces: readonly string[], signal: AbortSignal): Promise<{ objects: Kinds[K][]; refused: PoolFacts['unread'] }> => {
  try {
    return { objects: await cluster.list(kind, { allNamespaces: true, labelSelector, signal }), refused: [] };
  } catch (error) {
    if (!(error instanceof AccessError)) throw error;
  }
  const refused: PoolFacts['unread'] = [];
  const lists = await Promise.all(
    namespaces.map(async (namespace) => {
      try {
        return await cluster.list(kind, { namespace, labelSelector, signal });
      } catch (error) {
        if (!(error instanceof AccessError)) throw error;
        refused.push({ namespace, fact: error.message });
        return [];
      }
    }),
  );
  return { objects: lists.flat(), refused };
};

const readRecords = (objects: readonly Kinds['ConfigMap'][]): { stored: StoredRecord[]; unread: PoolFacts['unread'] } => {
  const stored: StoredRecord[] = [];
  const unread: PoolFacts['unread'] = [];
  for (const object of objects) {
    try {
      const record = parseRecord(object);
      if (record) stored.push(record);
    } catch (error) {
      if (!(error instanceof KaitoError)) throw error;
      const name = object.metadata.labels?.[workspaceLabel];
      unread.push({ namespace: object.metadata.namespace ?? '', ...(name === undefined ? {} : { name }), fact: error.message });
    }
  }
  return { stored, unread };
};

/** What runs on the nodes of our pools, asked node by node: a cluster may have thousands of pods that do not matter here. */
const observeNodes = async (cluster: Cluster, nodes: readonly Kinds['Node'][], pools: readonly AgentPool[], signal: AbortSignal): Promise<Record<string, PoolNodes>> => {
  const ours = new Set(pools.filter(({ tags }) => tags['managed-by'] === managedBy).map(({ name }) => name));
  const byPool = Map.groupBy(nodes, ({ metadata }) => metadata.labels?.['agentpool'] ?? '');
  const observed = [...byPool].filter(([pool]) => ours.has(pool)).map(async ([pool, own]) => {
    const lists = await Promise.all(own.map(({ metadata }) => cluster.list('Pod', { allNamespaces: true, fieldSelector: `spec.nodeName=${metadata.name}`, signal })));
    const [since] = own.map(({ metadata }) => metadata.creationTimestamp ?? '').filter((time) => time !== '').sort();
    const pods = lists.flat().filter(isWork).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
    return [pool, { ...(since === undefined ? {} : { since }), pods }] as const;
  });
  return Object.fromEntries(await Promise.all(observed));
};

/** Daemons and the cluster's own pods come with every node. */
const isWork = ({ metadata, status }: Kinds['Pod']): boolean =>
  metadata.namespace !== 'kube-system' && status?.phase !== 'Succeeded' && status?.phase !== 'Failed' && !metadata.ownerReferences?.some(({ kind }) => kind === 'DaemonSet' || kind === 'Node');
