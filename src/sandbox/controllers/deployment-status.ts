import { toTimestamp } from '../kube/store.ts';
import type { Reconciliation } from './controller.ts';
import type { Objects } from './object-types.ts';
import { changeStatus } from './objects.ts';

type Deployment = Objects['deployments.apps'];
type ReplicaSet = Objects['replicasets.apps'];
type DeploymentStatus = NonNullable<Deployment['status']>;
type DeploymentCondition = NonNullable<DeploymentStatus['conditions']>[number];

const sum = (sets: readonly ReplicaSet[], count: (set: ReplicaSet) => number | undefined): number => sets.reduce((total, set) => total + (count(set) ?? 0), 0);

/**
 * Counts, and the two conditions that tell how the rollout goes.
 * https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/controller/deployment/progress.go
 */
export const writeDeploymentStatus = (deployment: Deployment, sets: readonly ReplicaSet[], current: ReplicaSet | undefined, context: Reconciliation): void => {
  const { store, clock } = context;
  const replicas = sum(sets, ({ status }) => status?.replicas);
  const ready = sum(sets, ({ status }) => status?.readyReplicas);
  const available = sum(sets, ({ status }) => status?.availableReplicas);
  const updated = current?.status?.replicas ?? 0;
  const unavailable = Math.max(0, sum(sets, ({ spec }) => spec?.replicas) - available);
  const counts: DeploymentStatus = {
    ...(deployment.metadata.generation === undefined ? {} : { observedGeneration: deployment.metadata.generation }),
    ...(replicas > 0 ? { replicas } : {}),
    ...(updated > 0 ? { updatedReplicas: updated } : {}),
    ...(ready > 0 ? { readyReplicas: ready } : {}),
    ...(available > 0 ? { availableReplicas: available } : {}),
    ...(unavailable > 0 ? { unavailableReplicas: unavailable } : {}),
    terminatingReplicas: sum(sets, ({ status }) => status?.terminatingReplicas),
  };
  changeStatus(store, 'deployments.apps', deployment, (draft) => {
    const now = toTimestamp(clock.now());
    const availability = availabilityOf(deployment, available);
    const progress = progressOf(deployment, counts, current, context);
    const conditions = put(put(draft.status?.conditions ?? [], availability, now), progress, now);
    draft.status = { ...counts, ...(conditions.length > 0 ? { conditions } : {}) };
  });
};

type NewCondition = Omit<DeploymentCondition, 'lastTransitionTime' | 'lastUpdateTime'>;

/** The same status and reason are no news; progress is the exception, whose time is what the deadline counts from. */
const put = (conditions: DeploymentCondition[], condition: NewCondition | undefined, now: string): DeploymentCondition[] => {
  if (condition === undefined) return conditions;
  const earlier = conditions.find(({ type }) => type === condition.type);
  if (earlier?.status === condition.status && earlier.reason === condition.reason) return conditions;
  const lastTransitionTime = earlier?.status === condition.status && earlier.lastTransitionTime !== undefined ? earlier.lastTransitionTime : now;
  return [...conditions.filter((other) => other !== earlier), { ...condition, lastUpdateTime: now, lastTransitionTime }];
};

const availabilityOf = (deployment: Deployment, available: number): NewCondition => {
  const isMet = available >= (deployment.spec?.replicas ?? 1) - maxUnavailableOf(deployment);
  return isMet
    ? { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.' }
    : { type: 'Available', status: 'False', reason: 'MinimumReplicasUnavailable', message: 'Deployment does not have minimum availability.' };
};

const progressOf = (deployment: Deployment, counts: DeploymentStatus, current: ReplicaSet | undefined, { hasPassed }: Reconciliation): NewCondition | undefined => {
  const earlier = deployment.status?.conditions?.find(({ type }) => type === 'Progressing');
  const deadlineSeconds = deployment.spec?.progressDeadlineSeconds ?? 600;
  const what = current ? `ReplicaSet "${current.metadata.name}"` : `Deployment "${deployment.metadata.name}"`;
  if (isComplete(deployment, counts)) return progressing('NewReplicaSetAvailable', `${what} has successfully progressed.`);
  if (earlier?.reason === 'NewReplicaSetAvailable' && counts.updatedReplicas === counts.replicas) return undefined;
  if (current === undefined) return undefined;

  // Each step of progress starts the deadline anew: what was reached is part of the question.
  const reached = [current.metadata.name, counts.updatedReplicas, counts.readyReplicas, counts.availableReplicas, (counts.replicas ?? 0) - (counts.updatedReplicas ?? 0)].join(' ');
  if (hasPassed(`progress beyond ${reached}`, deadlineSeconds * 1000)) {
    return { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: `${what} has timed out progressing.` };
  }
  if (counts.updatedReplicas === undefined) return progressing('NewReplicaSetCreated', `Created new replica set "${current.metadata.name}"`);
  return earlier?.reason === 'ProgressDeadlineExceeded' && counts.availableReplicas === deployment.status?.availableReplicas
    ? undefined
    : progressing('ReplicaSetUpdated', `${what} is progressing.`);
};

const progressing = (reason: string, message: string): NewCondition => ({ type: 'Progressing', status: 'True', reason, message });

export const isComplete = ({ spec }: Deployment, { updatedReplicas = 0, replicas = 0, availableReplicas = 0 }: DeploymentStatus): boolean => {
  const wanted = spec?.replicas ?? 1;
  return updatedReplicas === wanted && replicas === wanted && availableReplicas === wanted;
};

export const maxUnavailableOf = (deployment: Deployment): number => {
  const { replicas = 1, strategy } = deployment.spec ?? {};
  if (strategy?.type !== 'RollingUpdate' || replicas === 0) return 0;
  const unavailable = scaled(strategy.rollingUpdate?.maxUnavailable ?? '25%', replicas, Math.floor);
  // Where both round to none, nothing could ever move.
  return Math.min(replicas, unavailable === 0 && maxSurgeOf(deployment) === 0 ? 1 : unavailable);
};

export const maxSurgeOf = ({ spec }: Deployment): number =>
  spec?.strategy?.type === 'RollingUpdate' ? scaled(spec.strategy.rollingUpdate?.maxSurge ?? '25%', spec.replicas ?? 1, Math.ceil) : 0;

const scaled = (value: number | string, of: number, round: (value: number) => number): number =>
  typeof value === 'number' ? value : value.endsWith('%') ? round((Number.parseInt(value, 10) * of) / 100) : Number.parseInt(value, 10) || 0;
