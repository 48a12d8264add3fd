import type { Cluster } from '../cluster/cluster.ts';
import { AccessError, NotFoundError } from '../domain/errors.ts';
import type { MissingReference } from '../domain/facts.ts';
import type { Workspace } from '../domain/workspace.ts';

/** A pod that mounts what is not there is never started, on nodes that are paid for. What may not be read is taken to be there. */
export const readMissingReferences = async (workspace: Workspace, cluster: Cluster, signal: AbortSignal): Promise<MissingReference[]> => {
  const { namespace } = workspace.metadata;
  const found = await Promise.all(
    namedObjects(workspace).map(async (reference) => ((await isThere(cluster.get(reference.kind, reference.name, { namespace, signal }))) ? [] : [reference])),
  );
  return found.flat();
};

/** Reading in a namespace that is not there finds nothing, and says nothing. */
export const refuseMissingNamespace = async (cluster: Cluster, namespace: string, signal: AbortSignal): Promise<void> => {
  if (await isThere(cluster.get('Namespace', namespace, { signal }))) return;
  throw new NotFoundError(`There is no namespace ${namespace}.`, {
    reason: 'NamespaceNotFound',
    fact: `Looked at ${cluster.target.server} (context ${cluster.target.contextName}).`,
    hints: [`kubectl create namespace ${namespace} --context ${cluster.target.contextName}`],
  });
};

const isThere = async (reading: Promise<object | undefined>): Promise<boolean> => {
  try {
    return (await reading) !== undefined;
  } catch (error) {
    if (error instanceof AccessError) return true;
    throw error;
  }
};

const namedObjects = ({ inference, tuning }: Workspace): MissingReference[] => {
  const configs = [inference?.config, tuning?.config].filter((name) => name !== undefined);
  const volumes = [tuning?.input.volumeSource, tuning?.output.volumeSource, ...(inference?.adapters ?? []).map(({ source }) => source.volumeSource)];
  return [
    ...configs.map((name) => ({ kind: 'ConfigMap' as const, name })),
    ...[...new Set(volumes.flatMap(claimNames))].map((name) => ({ kind: 'PersistentVolumeClaim' as const, name })),
  ];
};

const claimNames = (volume: Record<string, unknown> | undefined): string[] => {
  const claim = volume?.['persistentVolumeClaim'];
  return typeof claim === 'object' && claim !== null && 'claimName' in claim && typeof claim.claimName === 'string' ? [claim.claimName] : [];
};
