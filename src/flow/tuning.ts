import type { Kinds } from '../cluster/kinds.ts';
import { FailedError, KaitoError, TimeoutError, WorkloadError } from '../domain/errors.ts';
import type { Event } from '../domain/event.ts';
import type { FollowTuningStep } from '../domain/plan.ts';
import type { AdapterLocation, TuningResult } from '../domain/record.ts';
import { containerStatuses, diagnosePods } from './diagnose.ts';
import type { Session } from './session.ts';
import { createTrainingLog, type TrainingLogUpdate } from './training-log.ts';
import { explainTuningFailure } from './tuning-failure.ts';
import { track, waitFor, type Verdict } from './wait.ts';

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
  const jobs = new Map<string, Kinds['Job']>();
  const pods = new Map<string, Pod>();
  const events = new Map<string, Kinds['Event']>();
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
        track(cluster, 'Event', { namespace, fieldSelector: 'involvedObject.kind=Pod,type=Warning' }, events, signal),
        followTrainer(session, namespace, () => [...pods.values()].find(isTunerStarted), training, signal),
      ],
      judge: () => judgeTuning(step, jobs.get(step.job.name), [...pods.values()], eventsOf([...events.values()], [...pods.values()])),
      onTimeout: (reason) =>
        new TimeoutError('Tuning was not finished in time.', {
          fact: reason,
          hints: [`kaito-ts logs ${session.plan.workspace.metadata.name}`, 'Allow more with --time-limit.'],
        }),
    });
  } catch (error) {
    if (session.signal.aborted || !(error instanceof WorkloadError)) throw error;
    const explained = await explainTuningFailure(error, [...pods.values()], training.log, session);
    await saveResult(session, { outcome: 'Failed', finishedAt: now(session), reason: explained.reason, message: explained.fact ?? explained.message });
    throw explained;
  }
  const adapter = locateAdapter(step.adapter, [...pods.values()]);
  await saveResult(session, { outcome: 'Succeeded', finishedAt: now(session), adapter, ...training.summary() });
  return 'succeeded';
}

const now = ({ clock }: Session): string => new Date(clock.now()).toISOString();

const saveResult = async (session: Session, result: TuningResult): Promise<void> => {
  await session.saveRecord({ ...session.record(), result });
};

const judgeTuning = (step: FollowTuningStep, job: Kinds['Job'] | undefined, pods: Pod[], events: Kinds['Event'][]): Verdict<void> => {
  const failed = job?.status?.conditions?.find(({ type, status }) => type === 'Failed' && status === 'True');
  if (failed) return { state: 'failed', error: new WorkloadError('The tuning Job failed.', { reason: failed.reason ?? 'JobFailed', ...(failed.message ? { fact: failed.message } : {}) }) };
  if (job?.status?.conditions?.some(({ type, status }) => type === 'Complete' && status === 'True')) return { state: 'done', value: undefined };
  if (!job) return { state: 'failed', error: new WorkloadError(`Job/${step.job.name} is gone.`, { reason: 'JobDeleted', fact: 'Somebody deleted it while it was followed.' }) };
  const diagnosis = diagnosePods(pods, events);
  if (diagnosis?.isFatal && diagnosis.reason !== 'ContainerFailed') {
    return { state: 'failed', error: new WorkloadError('The tuning pod cannot run.', { reason: diagnosis.reason, fact: diagnosis.message, hints: diagnosis.hints }) };
  }
  return { state: 'waiting', reason: diagnosis && diagnosis.reason !== 'ContainerFailed' ? diagnosis.message : describePhase(pods) };
};

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
  if (!pod.spec?.nodeName) return 'the pod is not scheduled yet';
  const next = statuses.find(({ state }) => state?.waiting);
  if (next) return `starting the container for ${phases[next.name] ?? next.name}`;
  return pod.status?.phase === 'Succeeded' ? 'done; the Job controller has not counted it yet' : `the pod is ${pod.status?.phase ?? 'Pending'}`;
};

const isTunerStarted = (pod: Pod): boolean => containerStatuses(pod).some(({ name, state }) => name === 'tuner' && (state?.running ?? state?.terminated) !== undefined);

interface TrainingProgress {
  log: ReturnType<typeof createTrainingLog>;
  note(update: TrainingLogUpdate): void;
  summary(): { steps?: number; finalLoss?: number };
}

const createTrainingProgress = (): TrainingProgress => {
  let steps: number | undefined;
  let finalLoss: number | undefined;
  return {
    log: createTrainingLog(),
    note(update) {
      if (update.type === 'training') {
        steps = update.step;
        finalLoss = update.loss ?? finalLoss;
      }
    },
    summary: () => ({ ...(steps === undefined ? {} : { steps }), ...(finalLoss === undefined ? {} : { finalLoss }) }),
  };
};

/** How often a log that broke off is taken up again: the Job's end is judged from its status, so losing the log loses only progress. */
const logAttemptLimit = 20;

async function* followTrainer(session: Session, namespace: string, findPod: () => Pod | undefined, training: TrainingProgress, signal: AbortSignal): AsyncGenerator<Event | 'changed'> {
  for (let attempt = 0; attempt < logAttemptLimit && !signal.aborted; attempt += 1) {
    const pod = yield* untilDefined(findPod, session, signal);
    if (!pod) return;
    try {
      for await (const text of session.cluster.logs(pod.metadata.name, { namespace, container: 'tuner', follow: true, signal })) {
        for (const update of training.log.read(text)) {
          training.note(update);
          const event = toEvent(update);
          if (event) yield event;
        }
      }
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof KaitoError)) throw error;
      if (error instanceof FailedError && attempt === logAttemptLimit - 1) {
        yield { type: 'warning', message: 'The trainer\'s log cannot be followed any more; the Job is.', ...(error.fact ? { hints: [error.fact] } : {}) };
      }
    }
  }
}

async function* untilDefined(findPod: () => Pod | undefined, { clock }: Session, signal: AbortSignal): AsyncGenerator<'changed', Pod | undefined> {
  for (;;) {
    const pod = findPod();
    if (pod || signal.aborted) return pod;
    try {
      await clock.sleep(200, signal);
    } catch {
      return undefined;
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
