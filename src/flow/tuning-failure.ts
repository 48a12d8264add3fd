import type { Kinds } from '../cluster/kinds.ts';
import { WorkloadError } from '../domain/errors.ts';
import { containerStatuses, diagnosePods } from './diagnose.ts';
import { lastLine } from './last-words.ts';
import type { Session } from './session.ts';
import { createTrainingLog, type TrainingLog } from './training-log.ts';

export interface ExplainedFailure {
  error: WorkloadError;
  /** The end of the failed container's log; absent when it never ran. */
  logTail?: string;
}

/** A failed Job says only that it failed: the container that ended it, and its own words, say why. */
export const explainTuningFailure = async (error: WorkloadError, pods: Kinds['Pod'][], training: TrainingLog, session: Session): Promise<ExplainedFailure> => {
  const failed = pods.flatMap((pod) => containerStatuses(pod).map((status) => ({ pod, status }))).find(({ status }) => (status.state?.terminated?.exitCode ?? 0) !== 0);
  const text = failed ? await lastLog(failed.pod, failed.status.name, session) : '';
  return { error: explain(error, pods, failed?.status, text, training, session), ...(text === '' ? {} : { logTail: text.slice(-logTailLengthMax) }) };
};

/** A ConfigMap holds 1 MiB; this is what somebody reads. */
const logTailLengthMax = 16 * 1024;

type ContainerStatus = ReturnType<typeof containerStatuses>[number];

const explain = (error: WorkloadError, pods: Kinds['Pod'][], status: ContainerStatus | undefined, text: string, training: TrainingLog, session: Session): WorkloadError => {
  const name = session.plan.workspace.metadata.name;
  const logs = `kaito-ts logs ${name}`;
  const diagnosis = diagnosePods(pods);
  if (diagnosis && diagnosis.reason !== 'ContainerFailed') {
    return new WorkloadError('Tuning failed.', { reason: diagnosis.reason, fact: diagnosis.message, hints: [...adviceOn(diagnosis.message), ...diagnosis.hints, logs], cause: error });
  }
  if (error.reason === 'DeadlineExceeded') {
    // The Job controller has deleted the pod, and its log with it.
    return new WorkloadError('Tuning reached its time limit and was stopped.', { reason: 'DeadlineExceeded', ...(error.fact ? { fact: error.fact } : {}), hints: ['Allow more with --time-limit, or train less with --max-steps.', ...error.hints, ...(text === '' ? [] : [logs])], cause: error });
  }
  if (!status) return error;
  const fact = (status.name === 'tuner' ? (reread(text).failure() ?? training.failure()) : undefined) ?? lastLine(text) ?? status.state?.terminated?.message ?? `exit code ${status.state?.terminated?.exitCode}`;
  const failure = failures[status.name === 'dataset' && session.plan.workspace.tuning?.input.image !== undefined ? 'dataset image' : status.name] ?? { message: `Container ${status.name} failed.`, reason: 'ContainerFailed', hints: [] };
  const refusal = /unauthorized|denied|401|403/i.test(fact) ? (failure.whenRefused ?? []) : [];
  return new WorkloadError(failure.message, { reason: failure.reason, fact, hints: [...adviceOn(fact), ...refusal, ...failure.hints, logs], cause: error });
};

interface ContainerFailure {
  message: string;
  reason: string;
  hints: string[];
  whenRefused?: string[];
}

const failures: Record<string, ContainerFailure> = {
  weights: { message: 'The weights could not be pulled.', reason: 'WeightsPullFailed', hints: ['Check that the nodes can reach mcr.microsoft.com.'] },
  dataset: { message: 'The dataset could not be fetched.', reason: 'DatasetDownloadFailed', hints: ['Check the address with: curl -fIL <url>'], whenRefused: ['The server refused: the address must be readable without a login, as one with a shared access signature is.'] },
  'dataset image': { message: 'The image with the dataset could not be pulled.', reason: 'DatasetPullFailed', hints: ['Check the image and the Secret with its credentials: --input-image, --input-image-secret.'], whenRefused: ['The registry refused: the Secret must allow pulling from that repository.'] },
  tuner: { message: 'Training failed.', reason: 'TrainingFailed', hints: [] },
  push: { message: 'Training succeeded, and the adapter could not be pushed.', reason: 'PushFailed', hints: ['Check the push secret and the repository: --output-image-secret, --output-image.'], whenRefused: ['The registry refused: the Secret must allow pushing to that repository.'] },
};

/** What is known to help against what the trainer and its surroundings say. Grows with experience. */
const advice: [RegExp, string][] = [
  [/CUDA out of memory|OutOfMemoryError/, 'Use a larger instance type (--instance-type), --method qlora, or a smaller --max-length.'],
  [/KeyError: None/, 'The dataset has columns that the trainer cannot read: use `messages` (a list of role and content), or `prompt` and `completion`.'],
  [/Unable to (load dataset|find a valid dataset)/, 'The dataset must be one csv, json, jsonl, parquet or arrow file.'],
  [/Target modules .* not found|Please specify `target_modules`/, 'Name linear layers that exist in the model, with --target-modules.'],
  [/not used by the HfArgumentParser/, 'The training configuration has a key that the trainer does not know.'],
  [/OOMKilled/, 'The machine ran out of memory, not the GPU: use a larger instance type (--instance-type).'],
];

const adviceOn = (fact: string): string[] => advice.filter(([pattern]) => pattern.test(fact)).map(([, hint]) => hint);

const reread = (text: string): TrainingLog => {
  const log = createTrainingLog();
  log.read(`${text}\n`);
  return log;
};

const lastLog = async (pod: Kinds['Pod'], container: string, { cluster, signal }: Session): Promise<string> => {
  let text = '';
  try {
    for await (const piece of cluster.logs(pod.metadata.name, { namespace: pod.metadata.namespace ?? 'default', container, tailLines: 200, signal })) text += piece;
  } catch {
    // The pod may be gone with its node; what is known without its log is told.
  }
  return text;
};
