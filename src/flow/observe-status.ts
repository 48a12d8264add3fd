import type { Cluster } from '../cluster/cluster.ts';
import type { Kinds } from '../cluster/kinds.ts';
import { KaitoError } from '../domain/errors.ts';
import type { OwnerRecord } from '../domain/record.ts';
import type { WorkspaceStatus } from '../domain/status.ts';
import { parseRecord, recordSelector } from './record.ts';
import { computeStatus } from './status.ts';

export interface StatusScope {
  namespace?: string;
  allNamespaces?: boolean;
  /** One workspace only. */
  name?: string;
}

const workspaceLabel = 'kaito.sh/workspace';

/** Every workspace's status from a fixed number of lists, however many workspaces there are. */
export const observeStatuses = async (cluster: Cluster, { name, ...scope }: StatusScope, signal: AbortSignal): Promise<WorkspaceStatus[]> => {
  const ours = { ...scope, signal, labelSelector: name === undefined ? workspaceLabel : `${workspaceLabel}=${name}` };
  const [records, jobs, deployments, statefulSets, pods, events, nodes] = await Promise.all([
    cluster.list('ConfigMap', { ...scope, signal, labelSelector: name === undefined ? recordSelector : `${recordSelector},${workspaceLabel}=${name}` }),
    cluster.list('Job', ours),
    cluster.list('Deployment', ours),
    cluster.list('StatefulSet', ours),
    cluster.list('Pod', ours),
    cluster.list('Event', { ...scope, signal, fieldSelector: 'type=Warning' }),
    // All of them: existing nodes that a workspace uses carry no label of ours.
    cluster.list('Node', { signal }),
  ]);
  const jobsOf = groupByWorkspace(jobs);
  const deploymentsOf = groupByWorkspace(deployments);
  const statefulSetsOf = groupByWorkspace(statefulSets);
  const podsOf = groupByWorkspace(pods);
  const eventsOf = Map.groupBy(events, ({ involvedObject }) => involvedObject.uid ?? '');
  const nodesOf = Map.groupBy(nodes, ({ metadata }) => `${metadata.labels?.['kaito.sh/workspacenamespace'] ?? ''}/${metadata.labels?.[workspaceLabel] ?? ''}`);
  return records
    .map((object) => {
      const record = readOrExplain(object);
      if (record === undefined || 'why' in record) return record;
      const { name: workspaceName, namespace } = record.workspace.metadata;
      const key = `${namespace}/${workspaceName}`;
      const ownPods = podsOf.get(key) ?? [];
      const job = jobsOf.get(key)?.[0];
      const workload = deploymentsOf.get(key)?.[0] ?? statefulSetsOf.get(key)?.[0];
      return computeStatus({
        record,
        ...(job ? { job } : {}),
        ...(workload ? { workload } : {}),
        pods: ownPods,
        events: [...ownPods, job, workload].flatMap((owner) => (owner?.metadata.uid === undefined ? [] : (eventsOf.get(owner.metadata.uid) ?? []))),
        nodes: nodesOf.get(key) ?? existingNodes(record, ownPods, nodes),
      });
    })
    .filter((status) => status !== undefined)
    .sort((left, right) => (`${left.namespace}/${left.name}` < `${right.namespace}/${right.name}` ? -1 : 1));
};

/** A record that cannot be read must be seen: its nodes may cost money. */
const readOrExplain = (object: Kinds['ConfigMap']): OwnerRecord | WorkspaceStatus | undefined => {
  try {
    return parseRecord(object)?.record;
  } catch (error) {
    if (!(error instanceof KaitoError)) throw error;
    const { name, namespace = '', labels, creationTimestamp = '' } = object.metadata;
    return {
      name: labels?.[workspaceLabel] ?? name,
      namespace,
      kind: 'inference',
      preset: '',
      instanceType: '',
      targetNodeCount: 0,
      workerNodes: [],
      state: 'NotReady',
      conditions: [],
      createdAt: creationTimestamp,
      why: [error.message, error.fact].filter(Boolean).join(' '),
      ...(error.hints[0] === undefined ? {} : { next: error.hints[0] }),
      managedBy: 'kaito-ts',
    };
  }
};

const groupByWorkspace = <T extends Kinds['Job'] | Kinds['Deployment'] | Kinds['StatefulSet'] | Kinds['Pod']>(objects: T[]): Map<string, T[]> =>
  Map.groupBy(objects, ({ metadata }) => `${metadata.namespace ?? ''}/${metadata.labels?.[workspaceLabel] ?? ''}`);

/** Existing nodes carry no label of ours: those that the pods run on count, and until there are any, those that they may run on. */
const existingNodes = ({ workspace }: OwnerRecord, pods: Kinds['Pod'][], nodes: Kinds['Node'][]): Kinds['Node'][] => {
  const names = new Set(pods.map(({ spec }) => spec?.nodeName));
  const used = nodes.filter(({ metadata }) => names.has(metadata.name));
  const labels = Object.entries(workspace.resource.labelSelector.matchLabels);
  if (used.length > 0 || labels.length === 0) return used;
  return nodes.filter(({ metadata }) => labels.every(([label, value]) => metadata.labels?.[label] === value));
};
