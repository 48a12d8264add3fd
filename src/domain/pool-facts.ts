import type { AgentPool, ManagedCluster } from './azure.ts';
import type { OwnerRecord } from './record.ts';

/** What decides whether agent pools are still needed. Keys of maps are `namespace/workspace`, or the names of pools. */
export interface PoolFacts {
  cluster: ManagedCluster;
  /** All pools of the cluster, whoever made them. */
  pools: AgentPool[];
  records: OwnerRecord[];
  /** Owner records that are there and cannot be read; without a name all of that namespace. */
  unread: { namespace: string; name?: string; fact: string }[];
  /** Tuning Jobs that have ended, also when nobody took note. */
  jobOutcomes: Record<string, 'Succeeded' | 'Failed'>;
  nodes: Record<string, PoolNodes>;
}

export interface PoolNodes {
  /** RFC 3339: when the oldest came. */
  since?: string;
  /** Running pods, `namespace/name`, without daemons and the cluster's own. */
  pods: string[];
}
