import type { Cluster } from '../cluster/cluster.ts';
import { AccessError, NotFoundError } from '../domain/errors.ts';
import type { MissingReference } from '../domain/facts.ts';
import type { Workspace } from '../domain/workspace.ts';

export interface References {
  missing: MissingReference[];
  /** Of the ConfigMap that the Workspace names. */
  configuration?: Record<string, string>;
}

/** A pod that mounts what is not there is never started, on nodes that are paid for. What may not be read is taken to be there. */
export const readReferences = async (workspace: Workspace, cluster: Cluster, signal: AbortSignal): Promise<References> => {
  const call = { namespace: workspace.metadata.namespace, signal };
  const [configMaps, claims] = await Promise.all([
    Promise.all(namedConfigMaps(workspace).map(async (name) => ({ kind: 'ConfigMap' as const, name, found: await readable(cluster.get('ConfigMap', name, call)) }))),
    Promise.all(namedClaims(workspace).map(async (name) => ({ kind: 'PersistentVolumeClaim' as const, name, found: await readable(cluster.get('PersistentVolumeClaim', name, call)) }))),
  ]);
  const configuration = configMaps.flatMap(({ found }) => (found === undefined || found === 'forbidden' ? [] : [found.data ?? {}]))[0];
  return {
    missing: [...configMaps, ...claims].flatMap(({ kind, name, found }) => (found === undefined ? [{ kind, name }] : [])),
    ...(configuration ? { configuration } : {}),
  };
};

/** Reading in a namespace that is not there finds nothing, and says nothing. */
export const refuseMissingNamespace = async (cluster: Cluster, namespace: string, signal: AbortSignal): Promise<void> => {
  if ((await readable(cluster.get('Namespace', namespace, { signal }))) !== undefined) return;
  throw new NotFoundError(`There is no namespace ${namespace}.`, {
    reason: 'NamespaceNotFound',
    fact: `Looked at ${cluster.target.server} (context ${cluster.target.contextName}).`,
    hints: [`kubectl create namespace ${namespace} --context ${cluster.target.contextName}`],
  });
};

const readable = async <T>(reading: Promise<T>): Promise<T | 'forbidden'> => {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof AccessError) return 'forbidden';
    throw error;
  }
};

const namedConfigMaps = ({ inference, tuning }: Workspace): string[] => [inference?.config, tuning?.config].filter((name) => name !== undefined);

const namedClaims = ({ inference, tuning }: Workspace): string[] => {
  const volumes = [tuning?.input.volumeSource, tuning?.output.volumeSource, ...(inference?.adapters ?? []).map(({ source }) => source.volumeSource)];
  return [...new Set(volumes.flatMap(claimNames))];
};

const claimNames = (volume: Record<string, unknown> | undefined): string[] => {
  const claim = volume?.['persistentVolumeClaim'];
  return typeof claim === 'object' && claim !== null && 'claimName' in claim && typeof claim.claimName === 'string' ? [claim.claimName] : [];
};
