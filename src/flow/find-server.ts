import type { Cluster } from '../cluster/cluster.ts';
import type { Kinds } from '../cluster/kinds.ts';
import { NotFoundError, UsageError, WorkloadError } from '../domain/errors.ts';
import { type Diagnosis, diagnosePods } from './diagnose.ts';
import { newestPod } from './newest-pod.ts';

const workspaceLabel = 'kaito.sh/workspace';

/** The served workspace of that name, or the only one there is: ours and the operator's alike, found by their pods. `command` is who asks, for the hints. */
export const findServedWorkspace = async (cluster: Cluster, name: string | undefined, signal: AbortSignal, command: 'chat' | 'endpoint' = 'chat'): Promise<string> => {
  const { namespace, contextName } = cluster.target;
  const pods = await cluster.list('Pod', { labelSelector: workspaceLabel, signal });
  const all = [...new Set(pods.filter(isServer).map(({ metadata }) => metadata.labels?.[workspaceLabel] ?? ''))].sort();
  const served = name === undefined ? all : all.filter((candidate) => candidate === name);
  const [only, ...others] = served;
  if (only === undefined) {
    throw new NotFoundError(name === undefined ? `No model is served in namespace ${namespace} of ${contextName}.` : `No model is served as ${name} in namespace ${namespace} of ${contextName}.`, {
      reason: 'ServerNotFound',
      hints: all.length > 0 ? all.map((candidate) => `kaito-ts ${command} ${candidate}`) : ['kaito-ts status -A', 'kaito-ts serve --preset <name>'],
    });
  }
  if (others.length > 0) throw new UsageError(`${served.length} models are served in namespace ${namespace}.`, { reason: 'SeveralServers', hints: served.map((candidate) => `kaito-ts ${command} ${candidate}`) });
  return only;
};

/** Its newest pod that runs; with several nodes the leader, pod 0, is the one that serves. */
export const findServerPod = async (cluster: Cluster, name: string, signal: AbortSignal): Promise<{ name: string; namespace: string }> => {
  const pods = await cluster.list('Pod', { labelSelector: `${workspaceLabel}=${name}`, signal });
  const newest = newestPod(pods.filter((pod) => isServer(pod) && pod.status?.phase === 'Running' && pod.metadata.deletionTimestamp === undefined && (pod.metadata.labels?.['apps.kubernetes.io/pod-index'] ?? '0') === '0'));
  if (newest) return { name: newest.metadata.name, namespace: newest.metadata.namespace ?? cluster.target.namespace };
  throw new NotFoundError(`No pod of ${name} runs right now.`, { reason: 'PodNotFound', hints: [`kaito-ts status ${name}`, `kaito-ts logs ${name}`] });
};

/** What to tell of a server that does not answer. */
export const whenSilent = (cluster: Cluster, name: string): { explain(signal: AbortSignal): Promise<string | undefined>; hints: string[] } => ({
  explain: (signal) => explainServer(cluster, name, signal),
  // Said in a conversation too, where nobody completes them.
  hints: [`kaito-ts status ${name} -n ${cluster.target.namespace}`, `kaito-ts logs ${name} -n ${cluster.target.namespace}`],
});

/** Why its pods do not serve; undefined when they look well. Rejects when no waiting will mend it. */
const explainServer = async (cluster: Cluster, name: string, signal: AbortSignal): Promise<string | undefined> => {
  const pods = await cluster.list('Pod', { labelSelector: `${workspaceLabel}=${name}`, signal });
  const current = pods.filter((pod) => isServer(pod) && pod.metadata.deletionTimestamp === undefined);
  const diagnosis = diagnosePods(current);
  if (diagnosis?.isFatal) throw cannotRun(name, diagnosis);
  if (diagnosis) return diagnosis.message;
  return current.some(({ status }) => status?.phase === 'Running') ? undefined : 'its pod does not run yet';
};

export const cannotRun = (name: string, { reason, message, hints }: Diagnosis): WorkloadError =>
  new WorkloadError('The model server cannot run.', { reason, fact: message, hints: [...hints, ...(reason === 'ContainerCrashLoopBackOff' ? [`kaito-ts logs ${name} --previous`] : [])] });

/** Tuning pods carry the same label, and a Job's besides. */
const isServer = (pod: Kinds['Pod']): boolean => pod.metadata.labels?.['batch.kubernetes.io/job-name'] === undefined;
