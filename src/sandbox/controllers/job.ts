import { hasCondition } from './conditions.ts';
import { createController, type Reconciliation } from './controller.ts';
import { type Counted, type Ending, isTracked, releasePod, trackingFinalizer, writeJobStatus } from './job-status.ts';
import type { Objects, Pod } from './object-types.ts';
import { change, claimPods, controllerOf, create, find, isActive, isDeleted, isFinished, isOf, podFromTemplate, remove } from './objects.ts';
import { judgeFailure } from './pod-failure-policy.ts';

type Job = Objects['jobs.batch'];

/** https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/controller/job/job_controller.go */
export const jobController = createController({
  name: 'job-controller',
  resource: 'jobs.batch',
  affectedBy(happened, store) {
    if (!isOf('pods', happened)) return [];
    const owner = controllerOf(happened.object);
    if (owner?.kind !== 'Job') return [];
    const job = find(store, 'jobs.batch', happened.object.metadata.namespace, owner.name);
    if (job?.metadata.uid === owner.uid) return [job];
    // Nobody will count this pod any more.
    if (happened.type !== 'DELETED') releasePod(happened.object, store);
    return [];
  },
  reconcile(job, context) {
    if (isOver(job)) {
      deleteAfterTtl(job, context);
      return;
    }
    if (job.spec === undefined || job.spec.selector === undefined) return;
    const pods = claimPods(context.store, job, job.spec.selector);
    const counted = countPods(job, pods);
    const ending = endingOf(job, pods, counted, context);
    if (ending) for (const pod of pods.filter(isActive)) deletePod(job, pod, context);
    else if (!isDeleted(job)) managePods(job, pods, counted, context);
    writeJobStatus(job, counted, ending, context);
  },
});

const isOver = ({ status }: Job): boolean => hasCondition(status?.conditions, 'Complete') || hasCondition(status?.conditions, 'Failed');

const deleteAfterTtl = (job: Job, { store, hasPassed }: Reconciliation): void => {
  const seconds = job.spec?.ttlSecondsAfterFinished;
  if (seconds === undefined || isDeleted(job) || !hasPassed('ttl', seconds * 1000)) return;
  // The TTL controller deletes in the foreground.
  change(store, 'jobs.batch', job, ({ metadata }) => {
    metadata.finalizers = [...new Set([...(metadata.finalizers ?? []), 'foregroundDeletion'])];
  });
  remove(store, 'jobs.batch', job);
};

/** With a failure policy a pod has to have ended before it counts, unless it never ran; without one it counts when it is deleted. */
const isFailed = ({ spec }: Job, pod: Pod): boolean => {
  if (isFinished(pod)) return pod.status?.phase === 'Failed';
  return isDeleted(pod) && (spec?.podReplacementPolicy !== 'Failed' || pod.spec?.nodeName === undefined);
};

const countPods = (job: Job, pods: readonly Pod[]): Counted => {
  const tracked = pods.filter(isTracked);
  const succeeded = tracked.filter(({ status }) => status?.phase === 'Succeeded');
  const failed = tracked.filter((pod) => isFailed(job, pod));
  const ignored = failed.filter((pod) => !judgeFailure(job.spec?.podFailurePolicy, pod).isCounted);
  return { succeeded: (job.status?.succeeded ?? 0) + succeeded.length, failed: (job.status?.failed ?? 0) + failed.length - ignored.length, finished: [...succeeded, ...failed] };
};

const endingOf = (job: Job, pods: readonly Pod[], { succeeded, failed }: Counted, { hasPassed }: Reconciliation): Ending | undefined => {
  const { spec, status } = job;
  for (const type of ['SuccessCriteriaMet', 'FailureTarget'] as const) {
    const earlier = status?.conditions?.find((condition) => condition.type === type && condition.status === 'True');
    if (earlier) return { type, reason: earlier.reason ?? '', message: earlier.message ?? '' };
  }
  const failJobMessage = pods.filter((pod) => isFailed(job, pod)).map((pod) => judgeFailure(spec?.podFailurePolicy, pod).failJobMessage).find((message) => message !== undefined);
  if (failJobMessage !== undefined) return { type: 'FailureTarget', reason: 'PodFailurePolicy', message: failJobMessage };
  if (failed > (spec?.backoffLimit ?? 6) || isPastRestarts(job, pods)) return { type: 'FailureTarget', reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' };
  const deadlineSeconds = spec?.activeDeadlineSeconds;
  // A resumed Job starts its time anew.
  if (deadlineSeconds !== undefined && !spec?.suspend && hasPassed(`active since ${status?.startTime ?? ''}`, deadlineSeconds * 1000)) {
    return { type: 'FailureTarget', reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' };
  }
  const active = pods.filter(isActive).length;
  const isComplete = spec?.completions === undefined ? succeeded > 0 && active === 0 : succeeded >= spec.completions && active === 0;
  return isComplete ? { type: 'SuccessCriteriaMet', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' } : undefined;
};

/** Where containers restart in their pod, restarts count instead of pods. */
const isPastRestarts = ({ spec }: Job, pods: readonly Pod[]): boolean => {
  if (spec?.template.spec?.restartPolicy !== 'OnFailure') return false;
  const restarts = pods
    .filter(({ status }) => status?.phase === 'Running' || status?.phase === 'Pending')
    .flatMap(({ status }) => [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])])
    .reduce((sum, { restartCount }) => sum + restartCount, 0);
  const limit = spec.backoffLimit ?? 6;
  return limit === 0 ? restarts > 0 : restarts >= limit;
};

const managePods = (job: Job, pods: readonly Pod[], { succeeded, failed }: Counted, context: Reconciliation): void => {
  const { spec } = job;
  const active = pods.filter(isActive);
  if (spec === undefined) return;
  if (spec.suspend) {
    for (const pod of active) dropPod(job, pod, context);
    return;
  }
  const parallelism = spec.parallelism ?? 1;
  const wanted = spec.completions === undefined ? (succeeded > 0 ? active.length : parallelism) : Math.max(0, Math.min(parallelism, spec.completions - succeeded));
  for (const pod of active.slice(wanted)) dropPod(job, pod, context);
  const terminating = spec.podReplacementPolicy === 'Failed' ? pods.filter((pod) => isDeleted(pod) && !isFinished(pod)).length : 0;
  const missing = wanted - active.length - terminating;
  if (missing <= 0) return;
  // Ten seconds after the first failure, doubled with each, ten minutes at most.
  if (failed > 0 && !context.hasPassed(`back-off ${failed}`, Math.min(10_000 * 2 ** (failed - 1), 600_000))) return;
  for (let index = 0; index < missing; index += 1) {
    const pod = create(context.store, 'pods', podFromTemplate(spec.template, job, { generateName: `${job.metadata.name}-`, finalizers: [trackingFinalizer] }));
    context.record(job, { type: 'Normal', reason: 'SuccessfulCreate', message: `Created pod: ${pod.metadata.name}` });
  }
};

const deletePod = (job: Job, pod: Pod, { store, record }: Reconciliation): void => {
  remove(store, 'pods', pod);
  record(job, { type: 'Normal', reason: 'SuccessfulDelete', message: `Deleted pod: ${pod.metadata.name}` });
};

/** One that is not wanted any more counts for nothing. */
const dropPod = (job: Job, pod: Pod, context: Reconciliation): void => {
  releasePod(pod, context.store);
  deletePod(job, pod, context);
};
