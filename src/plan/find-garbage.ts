import { managedBy } from '../domain/annotations.ts';
import type { AgentPool } from '../domain/azure.ts';
import { findPrice } from '../domain/azure-prices.ts';
import type { OwnerRecord } from '../domain/record.ts';
import type { PoolFacts } from '../domain/pool-facts.ts';

/** An agent pool that this program made and that nothing needs any more. */
export interface Garbage {
  pool: AgentPool;
  workspace: PoolWorkspace;
  why: string;
  /** RFC 3339: since when it is of no use, or else since when it is there. */
  since?: string;
  /** List price of its nodes; absent: unknown. */
  perHourUsd?: number;
}

export interface PoolWorkspace {
  name: string;
  namespace: string;
}

export interface GarbageReport {
  garbage: Garbage[];
  /** Pools of ours that stay, each with why. */
  kept: { pool: AgentPool; workspace: PoolWorkspace; why: string; isUnknown: boolean }[];
  /** Records of pools that are not there any more: they cost nothing, and confuse. */
  withoutPool: { workspace: PoolWorkspace; pool: string }[];
}

/** A record is written some moments before its pool can be seen. */
const newRecordMs = 15 * 60_000;

/** When in doubt a pool stays: what is lost with a pool in use is dearer than an hour of a pool that is not. */
export const findGarbage = (facts: PoolFacts, now: number): GarbageReport => {
  const report: GarbageReport = { garbage: [], kept: [], withoutPool: [] };
  for (const pool of facts.pools) {
    const workspace = workspaceOf(pool);
    if (!workspace) continue;
    const verdict = judgePool(pool, workspace, facts);
    if (verdict.verdict === 'garbage') report.garbage.push({ pool, workspace, why: verdict.why, ...sinceOf(pool, workspace, facts), ...priceOf(pool, facts) });
    else report.kept.push({ pool, workspace, why: verdict.why, isUnknown: verdict.verdict === 'unknown' });
  }
  const names = new Set(facts.pools.map(({ name }) => name));
  for (const { workspace, nodePool } of facts.records) {
    if (!nodePool || nodePool.releasedAt !== undefined || names.has(nodePool.name)) continue;
    if (!isSame(nodePool.cluster, facts.cluster.name) || !isSame(nodePool.resourceGroup, facts.cluster.resourceGroup)) continue;
    if (now - Date.parse(nodePool.requestedAt) < newRecordMs) continue;
    report.withoutPool.push({ workspace: { name: workspace.metadata.name, namespace: workspace.metadata.namespace }, pool: nodePool.name });
  }
  return report;
};

/** Undefined for a pool that is not ours. */
const workspaceOf = ({ tags }: AgentPool): PoolWorkspace | undefined => {
  const { 'managed-by': manager, 'kaito-workspace': name, 'kaito-namespace': namespace } = tags;
  return manager === managedBy && name && namespace ? { name, namespace } : undefined;
};

interface Verdict {
  verdict: 'garbage' | 'needed' | 'unknown';
  why: string;
}

const judgePool = (pool: AgentPool, workspace: PoolWorkspace, facts: PoolFacts): Verdict => {
  const { name, namespace } = workspace;
  const unread = facts.unread.find((candidate) => candidate.namespace === namespace && (candidate.name === undefined || candidate.name === name));
  if (unread) return { verdict: 'unknown', why: unread.fact };
  const [pod] = facts.nodes[pool.name]?.pods ?? [];
  // Whatever the records say: somebody works there.
  if (pod !== undefined) return { verdict: 'needed', why: `pod ${pod} runs there` };
  const record = recordOf(workspace, facts);
  if (!record) return { verdict: 'garbage', why: `there is no workspace ${name} in namespace ${namespace}` };
  const { nodePool } = record;
  if (nodePool?.name !== pool.name) return { verdict: 'garbage', why: nodePool ? `workspace ${name} has agent pool ${nodePool.name} now` : `workspace ${name} has no agent pool of its own` };
  if (nodePool.releasedAt !== undefined) return { verdict: 'garbage', why: `workspace ${name} has given it back` };
  const outcome = record.workspace.tuning && (record.result?.outcome ?? facts.jobOutcomes[`${namespace}/${name}`]);
  if (outcome) return { verdict: 'garbage', why: `tuning ${name} has ${outcome === 'Succeeded' ? 'succeeded' : 'failed'}` };
  return { verdict: 'needed', why: `workspace ${name} uses it` };
};

const recordOf = ({ name, namespace }: PoolWorkspace, { records }: PoolFacts): OwnerRecord | undefined =>
  records.find(({ workspace: { metadata } }) => metadata.name === name && metadata.namespace === namespace);

const sinceOf = (pool: AgentPool, workspace: PoolWorkspace, facts: PoolFacts): { since?: string } => {
  const record = recordOf(workspace, facts);
  const own = record?.nodePool?.name === pool.name ? record : undefined;
  const since = own?.nodePool?.releasedAt ?? own?.result?.finishedAt ?? own?.nodePool?.requestedAt ?? facts.nodes[pool.name]?.since;
  return since ? { since } : {};
};

/** A pool that has scaled down to nothing costs nothing. */
const priceOf = ({ instanceType, count }: AgentPool, { cluster }: PoolFacts): { perHourUsd?: number } => {
  if (count === 0) return { perHourUsd: 0 };
  const price = findPrice(instanceType, cluster.location);
  return price ? { perHourUsd: price.usdPerHour * count } : {};
};

/** Azure's names know no letter case. */
const isSame = (left: string, right: string): boolean => left.toLowerCase() === right.toLowerCase();
