import { fourDigits } from './model-python.ts';
import type { ProgramContext } from './program.ts';
import { renderBar } from './trainer-bars.ts';
import { PythonError } from './trainer-error.ts';
import type { Schedule } from './trainer-schedule.ts';

export interface Training {
  schedule: Schedule;
  trainRows: number;
  evaluationRows: number;
  /** Tokens of a row, on the average. */
  tokensPerRow: number;
  /** Fails the first evaluation, because its batch holds rows of different lengths. */
  evaluationProblem: PythonError | undefined;
  /** Fails the first step. */
  batchProblem: PythonError | undefined;
  /** stdout as the script sees it, which may arrive late. */
  print(this: void, text: string): void;
  saveCheckpoint(step: number): void;
}

/** A step takes some seconds of sandbox time, and a long run less, so that all of it is over in a few minutes. */
const stepSeconds = 2.8;
const maximumRunSeconds = 150;
/** Shorter waits than this are saved up: a timer has its own cost. */
const shortestWaitMs = 400;

/**
 * The trainer's loop: the bar on stderr, log entries on stdout. The numbers are made up and always the same; their form and
 * rhythm are the real trainer's.
 */
export const train = async (context: ProgramContext, training: Training, ended: AbortSignal): Promise<void> => {
  const { schedule, print } = training;
  const { totalSteps } = schedule;
  const secondsPerStep = Math.min(stepSeconds, maximumRunSeconds / totalSteps);
  const bar = createTrainingBar(context, schedule, print);
  const fail = ({ type, message }: PythonError) => new PythonError(type, message, bar.shown());
  const failingStep = context.hasFault('cuda-oom') ? Math.max(1, Math.ceil(totalSteps * 0.4)) : undefined;
  let elapsedSeconds = 0;
  let owedMs = 0;
  let lossSum = 0;
  let since = 0;

  bar.draw(0, 0);
  if (training.batchProblem) throw fail(training.batchProblem);
  for (let step = 1; step <= totalSteps; step++) {
    const seconds = secondsPerStep * (1 + 0.1 * Math.sin(step * 12.9));
    elapsedSeconds += seconds;
    owedMs += seconds * 1000;
    if (owedMs >= shortestWaitMs || step === totalSteps) {
      await context.clock.sleep(owedMs, ended);
      owedMs = 0;
    }
    if (step === failingStep) throw fail(outOfMemory);
    lossSum += lossAt(step, totalSteps);
    bar.draw(step, elapsedSeconds);

    const isLogged = schedule.loggingSteps > 0 && (step % schedule.loggingSteps === 0 || (step === 1 && schedule.logsFirstStep));
    if (isLogged) {
      bar.log(logEntry(training, step, lossSum / (step - since)));
      [lossSum, since] = [0, step];
    }
    if (training.evaluationRows > 0 && schedule.evalSteps > 0 && step % schedule.evalSteps === 0) {
      if (training.evaluationProblem) throw fail(training.evaluationProblem);
      bar.log(evaluationEntry(training, step));
    }
    if (schedule.saveSteps > 0 && step % schedule.saveSteps === 0) training.saveCheckpoint(step);
  }
  bar.log(summary(training, elapsedSeconds));
  bar.finish(totalSteps, elapsedSeconds);
};

interface TrainingBar {
  draw(done: number, elapsedSeconds: number): void;
  /** Blanks the bar, prints, and draws the same state again. */
  log(text: string): void;
  finish(done: number, elapsedSeconds: number): void;
  /** The text that stands there now; undefined where there is no bar. */
  shown(): string | undefined;
}

const createTrainingBar = (context: ProgramContext, schedule: Schedule, print: (text: string) => void): TrainingBar => {
  if (!schedule.showsBar) return { draw: () => {}, log: print, finish: () => {}, shown: () => undefined };
  let shown = '';
  let shownSeconds = Number.NEGATIVE_INFINITY;
  const draw = (done: number, elapsedSeconds: number) => {
    shown = renderBar({ done, total: schedule.totalSteps, elapsedSeconds });
    shownSeconds = elapsedSeconds;
    context.stderr(`\r${shown}`);
  };
  return {
    draw: (done, elapsedSeconds) => {
      // tqdm draws at most ten times a second.
      if (done === 0 || done === schedule.totalSteps || elapsedSeconds - shownSeconds >= 0.1) draw(done, elapsedSeconds);
    },
    log: (text) => {
      context.stderr(`\r${' '.repeat(shown.length)}\r`);
      print(text);
      context.stderr(`\r${shown}`);
    },
    finish: (done, elapsedSeconds) => {
      draw(done, elapsedSeconds);
      context.stderr('\n');
    },
    shown: () => shown,
  };
};

/** Falls from about 2.3 to about 0.9, with some noise. */
const lossAt = (step: number, totalSteps: number): number => 0.9 + 1.4 * Math.exp((-3 * step) / totalSteps) + 0.06 * Math.sin(step * 7.7);

/** A Python dict whose values are all strings, on a line of its own. */
const entry = (values: Readonly<Record<string, number>>): string =>
  `{${Object.entries(values)
    .map(([name, value]) => `'${name}': '${fourDigits(value)}'`)
    .join(', ')}}\n`;

const logEntry = ({ schedule, tokensPerRow }: Training, step: number, loss: number): string =>
  entry({
    loss,
    grad_norm: 0.8 + loss * (1 + 0.2 * Math.sin(step * 3.3)),
    learning_rate: schedule.learningRateAt(step),
    entropy: 0.35 + loss / 8,
    num_tokens: Math.round(step * schedule.rowsPerStep * tokensPerRow),
    mean_token_accuracy: 0.95 - loss / 6,
    epoch: step / schedule.stepsPerEpoch,
  });

const evaluationEntry = ({ schedule, evaluationRows, tokensPerRow }: Training, step: number): string => {
  const loss = 0.1 + lossAt(step, schedule.totalSteps);
  const seconds = evaluationRows * 0.3;
  return entry({
    eval_loss: loss,
    eval_runtime: seconds,
    eval_samples_per_second: evaluationRows / seconds,
    eval_steps_per_second: evaluationRows / seconds,
    eval_entropy: 0.35 + loss / 8,
    eval_num_tokens: Math.round(step * schedule.rowsPerStep * tokensPerRow),
    eval_mean_token_accuracy: 0.95 - loss / 6,
    epoch: step / schedule.stepsPerEpoch,
  });
};

const summary = ({ schedule, trainRows }: Training, elapsedSeconds: number): string => {
  const { totalSteps, stepsPerEpoch, rowsPerStep } = schedule;
  const samples = totalSteps % stepsPerEpoch === 0 ? (totalSteps / stepsPerEpoch) * trainRows : totalSteps * rowsPerStep;
  const steps = Array.from({ length: Math.min(totalSteps, 1000) }, (_, index) => lossAt(((index + 1) * totalSteps) / Math.min(totalSteps, 1000), totalSteps));
  return entry({
    train_runtime: elapsedSeconds,
    train_samples_per_second: samples / elapsedSeconds,
    train_steps_per_second: totalSteps / elapsedSeconds,
    train_loss: steps.reduce((total, loss) => total + loss, 0) / steps.length,
    epoch: totalSteps / stepsPerEpoch,
  });
};

const outOfMemory = new PythonError(
  'torch.OutOfMemoryError',
  'CUDA out of memory. Tried to allocate 2.32 GiB. GPU 0 has a total capacity of 79.25 GiB of which 1.18 GiB is free. Process 93 has 78.06 GiB memory in use. Of the allocated memory 75.10 GiB is allocated by PyTorch, and 2.40 GiB is reserved by PyTorch but unallocated. If reserved but unallocated memory is large try setting PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True to avoid fragmentation.  See documentation for Memory Management  (https://pytorch.org/docs/stable/notes/cuda.html#environment-variables)',
);
