import type { Cluster } from '../cluster/cluster.ts';
import { recordName, type OwnerRecord } from '../domain/record.ts';
import { parseRecord } from './record.ts';

/** What an earlier run recorded under this name in the target's namespace. */
export const readRecord = async (cluster: Cluster, workspaceName: string, signal: AbortSignal): Promise<OwnerRecord | undefined> => {
  const object = await cluster.get('ConfigMap', recordName(workspaceName), { signal });
  return object && parseRecord(object)?.record;
};
