import type { Kinds } from '../cluster/kinds.ts';
import type { Clock } from '../domain/clock.ts';
import { KaitoError, TimeoutError, WorkloadError } from '../domain/errors.ts';
import type { Event } from '../domain/event.ts';
import type { FollowTuningStep } from '../domain/plan.ts';
import type { AdapterLocation } from '../domain/record.ts';
import { containerStatuses, diagnosePods, type PodReason } from './diagnose.ts';
import { diagnoseCreation } from './diagnose-creation.ts';
import { diagnoseNodes, followNodes, type FindNode } from './lost-nodes.ts';
import { newestPod } from './newest-pod.ts';
import type { Session } from './session.ts';
import { createTrainingLog, type TrainingLog, type TrainingLogUpdate } from './training-log.ts';
import { readTrainingSchedule, type TrainingSchedule } from './training-schedule.ts';
import { explainTuningFailure } from './tuning-failure.ts';
import { pause, track, Tracked, untilDefined, waitFor, type Verdict } from './wait.ts';

type Pod = Kinds['Pod'];

/** What each container of the tuning pod does, in the order in which they run. */
const phases: Record<string, string> = {
  weights: 'pulling the weights',
  dataset: 'fetching the dataset',
  tuner: 'training',
  push: 'pushing the adapter',
};

/**
 * Follows the tuning Job to its end: what the pod is doing, how training goes, and where the adapter went. The outcome is
 * written to the owner record, so that later commands know it when the Job is long gone.
 */
export async function* followTuning(step: FollowTuningStep, session: Session): AsyncGenerator<Event, string> {
  const { cluster, clock } = session;
  const namespace = session.plan.workspace.metadata.namespace;
  const jobs = new Tracked<'Job'>();
  const pods = new Tracked<'Pod'>();
  const events = new Tracked<'Event'>();
  const nodes = followNodes(cluster, clock, pods);
  const training = createTrainingProgress();
  const podSelector = `batch.kubernetes.io/job-name=${step.job.name}`;
  try {
    yield* waitFor({
      what: 'the tuning Job',
      timeoutMs: step.timeoutMs,
      clock,
      signal: session.signal,
      sources: (signal) => [
        track(cluster, 'Job', { namespace, fieldSelector: `metadata.name=${step.job.name}` }, jobs, signal),
        track(cluster, 'Pod', { namespace, labelSelector: podSelector }, pods, signal),
        track(cluster, 'Event', { namespace, fieldSelector: 'type=Warning' }, events, signal),
        nodes.follow(signal),
        followTrainer(session, namespace, () => newestPod(pods.values()), training, signal),
        tellLosses(() => (isUndecided(jobs.get(step.job.name)) ? [...pods.values()] : []), clock, signal),
      ],
      judge: () => judgeTuning(step, jobs, pods, events, nodes.find),
      onTimeout: (reason) =>
        new TimeoutError('Tuning was not finished in time.', {
          fact: reason,
          hints: [`kaito-ts logs ${session.plan.workspace.metadata.name}`, 'Allow more with --time-limit.'],
        }),
    });
  } catch (error) {
    if (session.signal.aborted || !(error instanceof WorkloadError)) throw error;
    const { error: explained, logTail } = await explainTuningFailure(error, podsThatCount(pods), training.log(), session);
    await session.noteEnd({ ...session.record(), result: { outcome: 'Failed', finishedAt: now(session), reason: explained.reason, message: explained.fact ?? explained.message, ...(logTail === undefined ? {} : { logTail }) } });
    // A pod that cannot start would be tried again and again until the time limit.
    if (isUndecided(jobs.get(step.job.name))) yield* giveUp(step, session);
    throw explained;
  }
  const trainer = newestPod(pods.values());
  if (trainer && training.summary().steps === undefined) yield* readAfterwards(session, trainer, training);
  const adapter = locateAdapter(step.adapter, [...pods.values()]);
  const deletion = await session.noteEnd({ ...session.record(), result: { outcome: 'Succeeded', finishedAt: now(session), adapter, ...training.summary() } });
  if (deletion) throw deletion;
  const { steps, finalLoss } = training.summary();
  return [steps === undefined ? 'succeeded' : `${steps} steps`, finalLoss === undefined ? undefined : `last loss ${finalLoss}`].filter(Boolean).join(', ');
}

async function* giveUp({ job }: FollowTuningStep, { cluster, signal, plan }: Session): AsyncGenerator<Event> {
  const { namespace } = plan.workspace.metadata;
  try {
    await cluster.delete('Job', job.name, { namespace, propagation: 'Background', signal });
  } catch (error) {
    // Why it is given up counts for more.
    if (signal.aborted || !(error instanceof KaitoError)) throw error;
    yield { type: 'warning', message: `Job/${job.name} could not be deleted: ${error.message}`, hints: [`kubectl delete job ${job.name} -n ${namespace}`] };
  }
}

const isUndecided = (job: Kinds['Job'] | undefined): boolean => job !== undefined && !job.status?.conditions?.some(({ type, status }) => (type === 'Failed' || type === 'Complete') && status === 'True');

const now = ({ clock }: Session): string => new Date(clock.now()).toISOString();

const judgeTuning = (step: FollowTuningStep, jobs: Tracked<'Job'>, allPods: Tracked<'Pod'>, allEvents: Tracked<'Event'>, findNode: FindNode): Verdict<void> => {
  if (!jobs.isComplete || !allPods.isComplete) return { state: 'waiting', reason: 'asking the cluster' };
  const job = jobs.get(step.job.name);
  const pods = podsThatCount(allPods);
  const events = eventsOf([...allEvents.values()], pods);
  const end = job?.status?.conditions?.find(({ type, status }) => (type === 'Failed' || type === 'Complete') && status === 'True');
  const lost = diagnoseNodes(pods, findNode);
  // The Job is over when its pod is, and a lost node ends no pod.
  const decided = lost && job?.status?.conditions?.find(({ type, status }) => type === 'FailureTarget' && status === 'True');
  if (decided) return { state: 'failed', error: new WorkloadError('The tuning Job failed.', { reason: decided.reason ?? 'JobFailed', fact: [decided.message, lost.message].filter(Boolean).join('; '), hints: lost.hints }) };
  // The pod says why, and where the adapter went; its last word may come after the Job's.
  if (end && pods.some(isUnderway)) return { state: 'waiting', reason: 'the Job has ended, and its pod is about to' };
  const failed = end?.type === 'Failed' ? end : undefined;
  if (failed) return { state: 'failed', error: new WorkloadError('The tuning Job failed.', { reason: failed.reason ?? 'JobFailed', ...(failed.message ? { fact: failed.message } : {}) }) };
  if (end) return { state: 'done', value: undefined };
  if (!job) return { state: 'failed', error: new WorkloadError(`Job/${step.job.name} is gone.`, { reason: 'JobDeleted', fact: 'Somebody deleted it while it was followed.' }) };
  const diagnosis = lost ?? (pods.length === 0 ? diagnoseCreation(job, [...allEvents.values()]) : diagnosePods(pods, events));
  if (diagnosis?.isFatal && !endsTheJob.has(diagnosis.reason)) {
    return { state: 'failed', error: new WorkloadError('The tuning pod cannot run.', { reason: diagnosis.reason, fact: diagnosis.message, hints: diagnosis.hints }) };
  }
  return { state: 'waiting', reason: diagnosis && diagnosis.reason !== 'ContainerFailed' ? diagnosis.message : describePhase(pods) };
};

/** Nothing is started again, so the Job is about to fail by itself, and keeps its pod and log for who wants to look. */
const endsTheJob = new Set<PodReason>(['ContainerFailed', 'ContainerOOMKilled']);

/** After an eviction the Job makes another pod: only the newest tells how things stand. */
const podsThatCount = (pods: Tracked<'Pod'>): Pod[] => {
  const pod = newestPod(pods.values());
  return pod ? [pod] : [];
};

const isUnderway = ({ metadata, status }: Pod): boolean => metadata.deletionTimestamp === undefined && status?.phase !== 'Succeeded' && status?.phase !== 'Failed';

/** Events carry no label of ours: only those of our own pods count. */
const eventsOf = (events: Kinds['Event'][], pods: Pod[]): Kinds['Event'][] => {
  const uids = new Set(pods.map(({ metadata }) => metadata.uid));
  return events.filter(({ involvedObject }) => uids.has(involvedObject.uid));
};

const describePhase = (pods: Pod[]): string => {
  const [pod] = pods;
  if (!pod) return 'the Job controller has not made the pod yet';
  const statuses = containerStatuses(pod);
  const running = statuses.find(({ state }) => state?.running);
  if (running) return phases[running.name] ?? `container ${running.name} runs`;
  const failed = statuses.find(({ state }) => (state?.terminated?.exitCode ?? 0) !== 0);
  if (failed) return `container ${failed.name} has failed; the Job is about to`;
  if (!pod.spec?.nodeName) return 'the pod is not scheduled yet';
  const next = statuses.find(({ state }) => state?.waiting);
  if (next) return `starting the container for ${phases[next.name] ?? next.name}`;
  return pod.status?.phase === 'Succeeded' ? 'done; the Job controller has not counted it yet' : `the pod is ${pod.status?.phase ?? 'Pending'}`;
};

const isTunerStarted = (pod: Pod): boolean => containerStatuses(pod).some(({ name, state }) => name === 'tuner' && (state?.running ?? state?.terminated) !== undefined);

interface TrainingProgress {
  /** Of the pod that trains now. */
  log(): TrainingLog;
  /** The log is read from its beginning, of this pod or of one that begins at the first step again. */
  begin(podName: string, schedule: TrainingSchedule | undefined): void;
  /** False for what was told already, before the log broke off. */
  note(update: TrainingLogUpdate): boolean;
  summary(): { steps?: number; finalLoss?: number };
}

const createTrainingProgress = (): TrainingProgress => {
  let log = createTrainingLog();
  let current: string | undefined;
  let steps: number | undefined;
  let finalLoss: number | undefined;
  return {
    log: () => log,
    begin(podName, schedule) {
      if (podName !== current) steps = undefined;
      current = podName;
      log = createTrainingLog(schedule);
    },
    note(update) {
      if (update.type !== 'training') return steps === undefined;
      if (steps !== undefined && update.step < steps) return false;
      const isNews = update.step !== steps || (update.loss !== undefined && update.loss !== finalLoss);
      steps = update.step;
      finalLoss = update.loss ?? finalLoss;
      return isNews;
    },
    summary: () => ({ ...(steps === undefined ? {} : { steps }), ...(finalLoss === undefined ? {} : { finalLoss }) }),
  };
};

/** Once for each pod that the cluster took away while it trained: its successor's first step is not to come as a surprise. */
async function* tellLosses(listPods: () => readonly Pod[], clock: Clock, signal: AbortSignal): AsyncGenerator<Event> {
  const told = new Set<string>();
  const findLoss = (): Loss | undefined => listPods().filter(({ metadata }) => !told.has(metadata.name)).map(findLossOf).find((loss) => loss !== undefined);
  for (;;) {
    const loss = await untilDefined(findLoss, clock, signal);
    if (loss === undefined) return;
    told.add(loss.pod);
    yield { type: 'warning', message: `The training in pod "${loss.pod}" is lost (${loss.reason}), and begins anew in another within the same time limit.`, hints: loss.hints };
  }
}

interface Loss {
  pod: string;
  reason: PodReason;
  hints: readonly string[];
}

const findLossOf = (pod: Pod): Loss | undefined => {
  const diagnosis = pod.status?.phase === 'Failed' && isTunerStarted(pod) ? diagnosePods([pod]) : undefined;
  return diagnosis && replaced.has(diagnosis.reason) ? { pod: pod.metadata.name, reason: diagnosis.reason, hints: diagnosis.hints } : undefined;
};

/** The Job does not take these for failures, and makes another pod. */
const replaced = new Set<PodReason>(['NodeDiskPressure', 'NodeMemoryPressure', 'PodEvicted', 'PodDisrupted']);

/** How often a log that broke off is taken up again: the Job's end is judged from its status, so losing the log loses only progress. */
const logAttemptLimit = 20;
const logPauseMs = 3_000;

async function* followTrainer(session: Session, namespace: string, findPod: () => Pod | undefined, training: TrainingProgress, signal: AbortSignal): AsyncGenerator<Event | 'changed'> {
  const read = new Set<string>();
  const findTrainer = (): string | undefined => {
    const pod = findPod();
    return pod && isTunerStarted(pod) && !read.has(pod.metadata.name) ? pod.metadata.name : undefined;
  };
  for (let failures = 0; failures < logAttemptLimit; ) {
    const pod = await untilDefined(findTrainer, session.clock, signal);
    if (pod === undefined) return;
    try {
      yield* readTrainer(session, { pod, namespace, follow: true }, training, signal);
      read.add(pod);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof KaitoError)) throw error;
      failures += 1;
      if (failures === logAttemptLimit) yield { type: 'warning', message: 'The trainer\'s log cannot be followed any more; the Job is.', hints: [error.fact ?? error.message] };
      await pause(logPauseMs, session.clock, signal);
    }
  }
}

/** A Job that was found at its end, or came to it before its log was looked at, still tells how training went. */
async function* readAfterwards(session: Session, { metadata: { name, namespace = 'default' } }: Pod, training: TrainingProgress): AsyncGenerator<Event> {
  try {
    yield* readTrainer(session, { pod: name, namespace, follow: false }, training, session.signal);
  } catch (error) {
    // The adapter is there all the same; the pod may be gone with its node.
    if (session.signal.aborted || !(error instanceof KaitoError)) throw error;
  }
}

async function* readTrainer({ cluster, plan, clock }: Session, { pod, namespace, follow }: { pod: string; namespace: string; follow: boolean }, training: TrainingProgress, signal: AbortSignal): AsyncGenerator<Event> {
  training.begin(pod, await readTrainingSchedule(cluster, plan.workspace, signal));
  for await (const text of cluster.logs(pod, { namespace, container: 'tuner', follow, signal })) {
    for (const update of training.log().read(text, clock.now())) {
      const event = training.note(update) ? toEvent(update) : undefined;
      if (event) yield event;
    }
  }
}

const toEvent = (update: TrainingLogUpdate): Event | undefined => {
  switch (update.type) {
    case 'training': {
      const { type: _, ...progress } = update;
      return { type: 'progress', progress: { phase: 'training', ...progress } };
    }
    case 'preparing': {
      const { type: _, ...progress } = update;
      return { type: 'progress', progress: { phase: 'preparing', ...progress } };
    }
    case 'finished':
      return undefined;
  }
};

/** The push container leaves the digest in its termination message. */
const locateAdapter = (planned: AdapterLocation, pods: Pod[]): AdapterLocation => {
  if (planned.kind === 'claim') return planned;
  const messages = pods.flatMap((pod) => pod.status?.containerStatuses ?? []).map(({ state }) => state?.terminated?.message ?? '');
  const digest = messages.map((message) => /sha256:[0-9a-f]{64}/.exec(message)?.[0]).find((found) => found !== undefined);
  return digest === undefined ? planned : { ...planned, digest };
};
