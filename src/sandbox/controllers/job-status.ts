import { toTimestamp } from '../kube/store.ts';
import { hasCondition, withCondition } from './conditions.ts';
import type { Reconciliation } from './controller.ts';
import type { Objects, Pod } from './object-types.ts';
import { changeStatus, controllerOf, isActive, isDeleted, isFinished, isReady, list } from './objects.ts';

type Job = Objects['jobs.batch'];
type JobCondition = NonNullable<NonNullable<Job['status']>['conditions']>[number];

export interface Counted {
  succeeded: number;
  failed: number;
  /** Pods that are counted by this, and from which the finalizer can go. */
  finished: Pod[];
}

export interface Ending {
  type: 'SuccessCriteriaMet' | 'FailureTarget';
  reason: string;
  message: string;
}

/** Keeps a pod in the API until it has been counted, so that each is counted once. */
export const trackingFinalizer = 'batch.kubernetes.io/job-tracking';

export const isTracked = ({ metadata }: Pod): boolean => metadata.finalizers?.includes(trackingFinalizer) ?? false;

export const releasePod = (pod: Pod, store: Reconciliation['store']): void => {
  if (!isTracked(pod)) return;
  changeStatus(store, 'pods', pod, ({ metadata }) => {
    metadata.finalizers = (metadata.finalizers ?? []).filter((finalizer) => finalizer !== trackingFinalizer);
    if (metadata.finalizers.length === 0) delete metadata.finalizers;
  });
};

/** The condition that says how it will end comes first; the one that says it has ended waits until the last pod is gone. */
export const writeJobStatus = (job: Job, { succeeded, failed, finished }: Counted, ending: Ending | undefined, { store, clock, record }: Reconciliation): void => {
  const now = toTimestamp(clock.now());
  const pods = list(store, 'pods', job.metadata.namespace).filter((pod) => controllerOf(pod)?.uid === job.metadata.uid);
  const active = pods.filter(isActive);
  const terminating = pods.filter((pod) => isDeleted(pod) && !isFinished(pod)).length;
  const earlier = job.status?.conditions ?? [];
  const isSuspended = job.spec?.suspend === true;
  const wasSuspended = hasCondition(earlier, 'Suspended');

  let conditions: JobCondition[] = earlier;
  const put = (type: string, status: 'True' | 'False', reason: string, message: string): void => {
    const known = conditions.find((condition) => condition.type === type);
    if (known?.status !== status || known.reason !== reason) conditions = withCondition(conditions, { type, status, reason, message, lastProbeTime: now }, now);
  };
  if (!ending && isSuspended) put('Suspended', 'True', 'JobSuspended', 'Job suspended');
  else if (!ending && wasSuspended) put('Suspended', 'False', 'JobResumed', 'Job resumed');
  if (ending) put(ending.type, 'True', ending.reason, ending.message);
  const isEnded = ending !== undefined && terminating === 0 && active.length === 0;
  if (isEnded) put(ending.type === 'FailureTarget' ? 'Failed' : 'Complete', 'True', ending.reason, ending.message);

  const isStarted = !isSuspended && (job.status?.startTime === undefined || wasSuspended);
  changeStatus(store, 'jobs.batch', job, (draft) => {
    const { startTime, ...status } = draft.status ?? {};
    draft.status = {
      ...status,
      ...(conditions.length > 0 ? { conditions } : {}),
      ...(isStarted ? { startTime: now } : startTime === undefined || isSuspended ? {} : { startTime }),
      ...(isEnded && ending.type === 'SuccessCriteriaMet' ? { completionTime: now } : {}),
      ...(active.length > 0 ? { active: active.length } : {}),
      ...(succeeded > 0 ? { succeeded } : {}),
      ...(failed > 0 ? { failed } : {}),
      ready: active.filter(isReady).length,
      terminating,
      uncountedTerminatedPods: {},
    };
    if (active.length === 0) delete draft.status.active;
  });
  for (const pod of finished) releasePod(pod, store);

  if (isSuspended && !wasSuspended && !ending) record(job, { type: 'Normal', reason: 'Suspended', message: 'Job suspended' });
  if (!isSuspended && wasSuspended && !ending) record(job, { type: 'Normal', reason: 'Resumed', message: 'Job resumed' });
  if (!isEnded) return;
  if (ending.type === 'FailureTarget') record(job, { type: 'Warning', reason: ending.reason, message: ending.message });
  else record(job, { type: 'Normal', reason: 'Completed', message: 'Job completed' });
};
