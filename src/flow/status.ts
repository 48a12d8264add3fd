import type { Kinds } from '../cluster/kinds.ts';
import type { OwnerRecord } from '../domain/record.ts';
import { gpuResourceOf } from '../domain/mig.ts';
import { describeAdapter } from '../domain/record.ts';
import type { Condition, WorkspaceState, WorkspaceStatus } from '../domain/status.ts';
import { presetName, workspaceKind } from '../domain/workspace.ts';
import { diagnosePods, type Diagnosis } from './diagnose.ts';
import { diagnoseCreation } from './diagnose-creation.ts';
import { diagnoseNodes } from './lost-nodes.ts';
import { allocatableGpus, describeNodes, isNodeReady } from './nodes.ts';

/** The live objects of one workspace. */
export interface WorkspaceObjects {
  record: OwnerRecord;
  job?: Kinds['Job'];
  workload?: Kinds['Deployment'] | Kinds['StatefulSet'];
  pods: Kinds['Pod'][];
  events: Kinds['Event'][];
  /** Those that carry the workspace's labels. */
  nodes: Kinds['Node'][];
  /** All that the cluster has, by name; absent where nobody asked. */
  clusterNodes?: ReadonlyMap<string, Kinds['Node']>;
}

/**
 * The operator's conditions, computed from live objects with its types, reasons and messages.
 * https://github.com/kaito-project/kaito/blob/056b8280/pkg/workspace/controllers/workspace_controller.go#L705
 */
export const computeStatus = (objects: WorkspaceObjects): WorkspaceStatus => {
  const { record, nodes } = objects;
  const { workspace, nodePool } = record;
  const kind = workspaceKind(workspace);
  const targetNodeCount = nodePool?.count ?? objects.workload?.spec?.replicas ?? 1;
  const resources = resourceConditions(objects, targetNodeCount);
  const isResourceReady = resources.some(({ type, status }) => type === 'ResourceReady' && status === 'True');
  const diagnosis = diagnose(objects);
  const workload = kind === 'tuning' ? tuningConditions(objects) : inferenceConditions(objects, isResourceReady, diagnosis);
  const isReleased = nodePool?.releasedAt !== undefined;
  return {
    name: workspace.metadata.name,
    namespace: workspace.metadata.namespace,
    kind,
    preset: presetName(workspace),
    instanceType: workspace.resource.instanceType ?? '',
    targetNodeCount,
    workerNodes: nodes.map(({ metadata }) => metadata.name).sort(),
    state: workload.state,
    conditions: [...resources, ...workload.conditions].sort((left, right) => (left.type < right.type ? -1 : 1)),
    createdAt: record.createdAt,
    ...explain(objects, workload.state, isResourceReady, diagnosis, targetNodeCount),
    ...(nodePool ? { nodePool: { name: nodePool.name, state: isReleased ? 'Removed' : nodePool.operation ? (nodePool.operation.kind === 'create' ? 'Creating' : 'Deleting') : 'Present', ...(nodePool.pricePerHourUsd === undefined ? {} : { pricePerHourUsd: nodePool.pricePerHourUsd }) } } : {}),
    ...(kind === 'inference' ? { endpoint: `http://${workspace.metadata.name}.${workspace.metadata.namespace}.svc.cluster.local/v1` } : {}),
    ...(record.result?.adapter ? { adapter: record.result.adapter } : {}),
    managedBy: 'kaito-ts',
  };
};

const diagnose = ({ job, workload, pods, events, clusterNodes }: WorkspaceObjects): Diagnosis | undefined => {
  if (pods.length === 0) return diagnoseCreation(job ?? workload, events);
  return (clusterNodes && diagnoseNodes(pods, (name) => clusterNodes.get(name) ?? 'gone')) ?? diagnosePods(pods, events);
};

const condition = (type: string, isTrue: boolean, reason: string, message: string): Condition => ({ type, status: isTrue ? 'True' : 'False', reason, message });

const resourceConditions = ({ nodes, record }: WorkspaceObjects, targetNodeCount: number): Condition[] => {
  const isOver = record.result !== undefined;
  const ready = nodes.filter(isNodeReady);
  const withGpus = ready.filter((node) => allocatableGpus(node, gpuResourceOf(record.workspace.resource.partition)) > 0);
  // A tuning that is over has given its nodes back: they were ready, and are not missed.
  if (isOver || withGpus.length >= targetNodeCount) {
    return [condition('NodesReady', true, 'NodesReady', 'Enough Nodes are ready'), condition('ResourceReady', true, 'workspaceResourceStatusSuccess', 'workspace resource is ready')];
  }
  const [reason, message] = ready.length >= targetNodeCount ? ['NodePluginsNotReady', 'waiting all node plugins to be ready'] : ['NodeNotReady', 'Not enough Nodes are ready'];
  return [condition('NodesReady', false, reason, message), condition('ResourceReady', false, reason, message)];
};

interface WorkloadVerdict {
  state: WorkspaceState;
  conditions: Condition[];
}

const tuningConditions = ({ job, record }: WorkspaceObjects): WorkloadVerdict => {
  const started = condition('JobStarted', true, 'WorkspaceTuningJobStatusStarted', 'Tuning job has started');
  const outcome = record.result?.outcome ?? jobOutcome(job);
  if (outcome === 'Failed') {
    return {
      state: 'Failed',
      conditions: [condition('JobStarted', false, 'WorkspaceTuningJobStatusFailed', 'tuning job failed'), condition('WorkspaceSucceeded', false, 'workspaceFailed', 'tuning job failed')],
    };
  }
  if (outcome === 'Succeeded') return { state: 'Succeeded', conditions: [started, condition('WorkspaceSucceeded', true, 'workspaceSucceeded', 'workspace succeeds')] };
  if ((job?.status?.active ?? 0) > 0 || (job?.status?.ready ?? 0) > 0) {
    return { state: 'Running', conditions: [started, condition('WorkspaceSucceeded', false, 'workspacePending', 'workspace has not completed yet, tuning job is running')] };
  }
  return {
    state: 'Pending',
    conditions: [
      condition('JobStarted', false, 'WorkspaceTuningJobStatusPending', 'Tuning job has not started'),
      condition('WorkspaceSucceeded', false, 'workspacePending', 'workspace is initializing, tuning job has not started'),
    ],
  };
};

export const jobOutcome = (job: Kinds['Job'] | undefined): 'Succeeded' | 'Failed' | undefined => {
  const isTrue = (type: string): boolean => job?.status?.conditions?.some((candidate) => candidate.type === type && candidate.status === 'True') ?? false;
  if (isTrue('Failed')) return 'Failed';
  return isTrue('Complete') ? 'Succeeded' : undefined;
};

const inferenceConditions = ({ workload }: WorkspaceObjects, isResourceReady: boolean, diagnosis: Diagnosis | undefined): WorkloadVerdict => {
  const isInferenceReady = workload !== undefined && (workload.status?.readyReplicas ?? 0) === (workload.spec?.replicas ?? 1);
  if (isInferenceReady && isResourceReady) {
    return {
      state: 'Ready',
      conditions: [
        condition('InferenceReady', true, 'WorkspaceInferenceStatusSuccess', 'Inference has been deployed successfully'),
        condition('WorkspaceSucceeded', true, 'workspaceSucceeded', 'workspace succeeds'),
      ],
    };
  }
  // A rollout that was complete once has been Available; the operator keeps that in its own status.
  const wasReady = workload?.status !== undefined && 'conditions' in workload.status && (workload.status.conditions ?? []).some(({ type, reason }) => type === 'Progressing' && reason === 'NewReplicaSetAvailable');
  return {
    state: wasReady ? 'NotReady' : 'Pending',
    conditions: [
      condition('InferenceReady', false, diagnosis?.reason ?? 'WorkspaceInferenceStatusPending', diagnosis?.message ?? 'Inference workload is not ready'),
      condition('WorkspaceSucceeded', false, 'workspacePending', 'workspace is waiting for inference workload readiness'),
    ],
  };
};

const explain = (objects: WorkspaceObjects, state: WorkspaceState, isResourceReady: boolean, diagnosis: Diagnosis | undefined, targetNodeCount: number): { why: string; next?: string; progress?: string } => {
  const { record, job, workload, nodes } = objects;
  const { name } = record.workspace.metadata;
  const { result } = record;
  const isSpending = record.nodePool !== undefined && record.nodePool.releasedAt === undefined;
  const price = record.nodePool?.pricePerHourUsd;
  const spending = isSpending ? ` Agent pool ${record.nodePool?.name} is still there${price === undefined ? '' : ` and costs about $${price.toFixed(2)} an hour`}.` : '';
  switch (state) {
    case 'Succeeded':
      if (!result) return { why: `The Job has succeeded, and nobody has taken note of its adapter yet.${spending}`, next: resume(record) };
      return {
        why: `Tuned${result.steps === undefined ? '' : ` in ${result.steps} steps`}${result.finalLoss === undefined ? '' : `, last loss ${result.finalLoss}`}${result.adapter ? `; the adapter is ${describeAdapter(result.adapter)}` : ''}.${spending}`,
        next: `kaito-ts serve --preset ${presetName(record.workspace)} --adapter ${name}`,
      };
    case 'Failed':
      // The Job controller has deleted the pod, and its log with it.
      if (result?.reason === 'DeadlineExceeded' && result.logTail === undefined && !isSpending) return { why: 'Tuning reached its time limit and was stopped.', next: `kaito-ts tune ${name} --time-limit <duration>` };
      return { why: `${result?.reason ?? 'Tuning failed'}${result?.message ? `: ${result.message.replace(/\.$/, '')}` : ''}.${spending}`, next: isSpending ? `kaito-ts delete ${name}` : `kaito-ts logs ${name}` };
    case 'Ready':
      return { why: 'The model server answers.', next: `kaito-ts chat ${name} "Hello"` };
    case 'Running':
      // A pod that does not run has no log.
      return { why: diagnosis?.message ?? 'The tuning Job runs.', next: diagnosis?.hints[0] ?? `kaito-ts logs ${name} -f` };
    case 'Pending':
    case 'NotReady':
      if (!isResourceReady && diagnosis?.reason !== 'NodeNotReady' && diagnosis?.reason !== 'NodeLost') return { why: `Waiting for nodes: ${describeNodes(nodes, targetNodeCount, gpuResourceOf(record.workspace.resource.partition))}.`, next: resume(record) };
      if (diagnosis) return { why: diagnosis.isFatal ? `${diagnosis.message.replace(/\.$/, '')}.${spending}` : diagnosis.message, ...(diagnosis.hints[0] === undefined ? {} : { next: diagnosis.hints[0] }) };
      if (!job && !workload) return { why: `Nothing was submitted yet: an earlier run was interrupted.${spending}`, next: resume(record) };
      return { why: 'The pod is starting.', next: `kaito-ts logs ${name} -f` };
  }
};

/** The command that goes on where an interrupted one stopped: everything else is in the record. */
const resume = ({ workspace }: OwnerRecord): string => `kaito-ts ${workspaceKind(workspace) === 'tuning' ? 'tune' : 'serve'} ${workspace.metadata.name}`;
