import type { Cluster } from '../cluster/cluster.ts';
import type { Kinds } from '../cluster/kinds.ts';
import { KaitoError } from '../domain/errors.ts';
import type { OwnerRecord } from '../domain/record.ts';
import type { WorkspaceStatus } from '../domain/status.ts';
import { parseRecord, recordSelector } from './record.ts';
import { computeStatus, type WorkspaceObjects } from './status.ts';

export interface StatusScope {
  namespace?: string;
  allNamespaces?: boolean;
  /** One workspace only. */
  name?: string;
}

const workspaceLabel = 'kaito.sh/workspace';

/**
 * Every workspace's status from a fixed number of lists, however many workspaces there are. Pods, which are the largest of
 * them, are asked for only where they say something: of what is ready or over they say nothing.
 */
export const observeStatuses = async (cluster: Cluster, { name, ...scope }: StatusScope, signal: AbortSignal): Promise<WorkspaceStatus[]> => {
  const listPods = async (selector: string): Promise<[Kinds['Pod'][], Kinds['Event'][]]> =>
    await Promise.all([cluster.list('Pod', { ...scope, signal, labelSelector: selector }), cluster.list('Event', { ...scope, signal, fieldSelector: 'type=Warning' })]);
  const ours = { ...scope, signal, labelSelector: name === undefined ? workspaceLabel : `${workspaceLabel}=${name}` };
  const [records, jobs, deployments, statefulSets, nodes, early] = await Promise.all([
    cluster.list('ConfigMap', { ...scope, signal, labelSelector: name === undefined ? recordSelector : `${recordSelector},${workspaceLabel}=${name}` }),
    cluster.list('Job', ours),
    cluster.list('Deployment', ours),
    cluster.list('StatefulSet', ours),
    // All of them: existing nodes that a workspace uses carry no label of ours.
    cluster.list('Node', { signal }),
    name === undefined ? undefined : listPods(ours.labelSelector),
  ]);
  const jobsOf = groupByWorkspace(jobs);
  const deploymentsOf = groupByWorkspace(deployments);
  const statefulSetsOf = groupByWorkspace(statefulSets);
  const nodesOf = Map.groupBy(nodes, ({ metadata }) => `${metadata.labels?.['kaito.sh/workspacenamespace'] ?? ''}/${metadata.labels?.[workspaceLabel] ?? ''}`);
  const clusterNodes = new Map(nodes.map((node) => [node.metadata.name, node]));
  const toObjects = (record: OwnerRecord): WorkspaceObjects => {
    const key = keyOf(record);
    const job = jobsOf.get(key)?.[0];
    const workload = deploymentsOf.get(key)?.[0] ?? statefulSetsOf.get(key)?.[0];
    return { record, ...(job ? { job } : {}), ...(workload ? { workload } : {}), pods: [], events: [], nodes: nodesOf.get(key) ?? [], clusterNodes };
  };
  const read = records.map(readOrExplain).filter((record) => record !== undefined);
  const workspaces = read.flatMap((record) => ('why' in record ? [] : [toObjects(record)]));
  const told = workspaces.map((objects) => ({ objects, status: computeStatus(objects) }));
  // Which of the existing nodes are used, only the pods tell.
  const isExplained = ({ status: { state }, objects: { nodes: own, record } }: (typeof told)[number]): boolean =>
    (state === 'Ready' || state === 'Succeeded' || state === 'Failed') && (own.length > 0 || record.workspace.resource.instanceType !== undefined);
  const open = told.filter((one) => !isExplained(one)).map(({ objects }) => objects);
  const [pods, events] = early ?? (open.length === 0 ? [[], []] : await listPods(selectorOf(open)));
  const podsOf = groupByWorkspace(pods);
  const eventsOf = Map.groupBy(events, ({ involvedObject }) => involvedObject.uid ?? '');
  const complete = (objects: WorkspaceObjects): WorkspaceObjects => {
    const ownPods = podsOf.get(keyOf(objects.record)) ?? [];
    return {
      ...objects,
      pods: ownPods,
      events: [...ownPods, objects.job, objects.workload].flatMap((owner) => (owner?.metadata.uid === undefined ? [] : (eventsOf.get(owner.metadata.uid) ?? []))),
      nodes: objects.nodes.length > 0 ? objects.nodes : existingNodes(objects.record, ownPods, nodes),
    };
  };
  return [...read.filter((record) => 'why' in record), ...told.filter(isExplained).map(({ status }) => status), ...open.map((objects) => computeStatus(complete(objects)))].sort((left, right) =>
    `${left.namespace}/${left.name}` < `${right.namespace}/${right.name}` ? -1 : 1,
  );
};

const keyOf = ({ workspace: { metadata } }: OwnerRecord): string => `${metadata.namespace}/${metadata.name}`;

/** By name as long as that is a short question. */
const selectorOf = (workspaces: readonly WorkspaceObjects[]): string => (workspaces.length > 20 ? workspaceLabel : `${workspaceLabel} in (${workspaces.map(({ record }) => record.workspace.metadata.name).join(',')})`);

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
