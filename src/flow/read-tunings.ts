import { ownAnnotation } from '../domain/annotations.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { TuningFacts } from '../domain/facts.ts';
import { presetName, workspaceKind, type Workspace } from '../domain/workspace.ts';
import { readRecord } from './read-record.ts';

/** What is known of the tunings of these names in the target's namespace. */
export const readTunings = async (cluster: Cluster, names: readonly string[], signal: AbortSignal): Promise<Record<string, TuningFacts | 'missing'>> =>
  Object.fromEntries(await Promise.all(names.map(async (name) => [name, (await readTuning(cluster, name, signal)) ?? 'missing'] as const)));

const readTuning = async (cluster: Cluster, name: string, signal: AbortSignal): Promise<TuningFacts | undefined> => {
  const record = await readRecord(cluster, name, signal);
  if (!record?.workspace.tuning) return undefined;
  const { workspace, result } = record;
  const secret = workspace.tuning?.output.imagePushSecret;
  return {
    kind: workspaceKind(workspace),
    preset: presetName(workspace),
    rank: rankOf(workspace),
    ...(secret === undefined ? {} : { imagePullSecret: secret }),
    ...(result ? { result } : {}),
  };
};

const defaultRank = 8;

const rankOf = (workspace: Workspace): number => {
  try {
    const overrides: unknown = JSON.parse(workspace.metadata.annotations?.[ownAnnotation.training] ?? '{}');
    const rank = typeof overrides === 'object' && overrides !== null && 'r' in overrides ? Number(overrides.r) : defaultRank;
    return Number.isSafeInteger(rank) && rank > 0 ? rank : defaultRank;
  } catch {
    return defaultRank;
  }
};
