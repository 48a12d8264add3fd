import type { TrainingSchedule } from './training-schedule.ts';

/**
 * Reads the trainer's output as it comes, in any pieces. Step, total and times stand only in the one progress bar without
 * a label, redrawn with `\r`; losses come as Python dicts whose values are quoted, without a step number.
 *
 * containerd hands a line on when it ends, or in pieces of 16 KiB, and the bar is one line until training is over: at some
 * hundred bytes a step it comes minutes late, and the losses of the other stream stand in the midst of it. So the steps are
 * counted by the losses, where it is known how many lie between two of them, and the bar corrects what it knows better.
 * Source of the shapes: KAITO's fine_tuning.py with trl, https://github.com/kaito-project/kaito/tree/056b8280/presets/workspace/tuning/text-generation
 */
export interface TrainingLog {
  /** What the new text told, in order. `atMs` is now: without it there is no rate until the bar comes. */
  read(text: string, atMs?: number): TrainingLogUpdate[];
  /** The error line that explains a failure, not accelerate's own last word. */
  failure(): string | undefined;
}

export type TrainingLogUpdate =
  | { type: 'training'; step: number; totalSteps: number; loss?: number; epoch?: number; secondsPerStep?: number; remainingSeconds?: number }
  | { type: 'preparing'; what: string; percent?: number }
  | { type: 'finished'; finalLoss: number | undefined; runtimeSeconds: number | undefined };

const trainingBar = /^\s*(\d+)%\|[^|]*\|\s*(\d+)\/(\d+)\s*\[(?:([\d:?]+)<([\d:?]+)(?:,\s*([\d.?]+)\s*(it\/s|s\/it))?)?/;
const labelledBar = /^([A-Za-z][^|%]*):\s*(\d+)%\|/;
const dict = /\{'[a-z_]+': [^{}]*\}\s*$/;
const errorLine = /^((?:[A-Za-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception|Interrupt|Exit)\b.*|\S+\.py: error: .*)$/;
const accelerateEnd = /^subprocess\.CalledProcessError: /;

export const createTrainingLog = (schedule?: TrainingSchedule): TrainingLog => {
  const pace = createPace();
  let rest = '';
  let loss: number | undefined;
  let epoch: number | undefined;
  let lossCount = 0;
  let lastStep = -1;
  let knownTotal: number | undefined;
  let position: Extract<TrainingLogUpdate, { type: 'training' }> | undefined;
  let error: string | undefined;

  const readLine = (line: string, atMs: number | undefined): TrainingLogUpdate[] => {
    const found = dict.exec(line);
    const before = found ? line.slice(0, found.index) : line;
    return [...readText(before, atMs), ...(found ? readDict(found[0], atMs) : [])];
  };

  const readText = (line: string, atMs: number | undefined): TrainingLogUpdate[] => {
    const drawn = trainingBar.exec(line);
    if (drawn) return readBar(drawn, atMs);
    const labelled = labelledBar.exec(line);
    if (labelled?.[1]) return [{ type: 'preparing', what: labelled[1].trim(), percent: Number(labelled[2]) }];
    if (/Model Loaded\s*$/.test(line)) return [{ type: 'preparing', what: 'Model loaded' }];
    if (errorLine.test(line) && !accelerateEnd.test(line)) error = line.trim();
    return [];
  };

  const readBar = ([, , done, total, , remaining, rate, unit]: RegExpExecArray, atMs: number | undefined): TrainingLogUpdate[] => {
    knownTotal = Number(total);
    return moveTo({ step: Number(done), totalSteps: knownTotal, secondsPerStep: toSecondsPerStep(rate, unit), remainingSeconds: toSeconds(remaining) }, atMs);
  };

  /** The bar is drawn again around each log line: only a new step is news, and a step never goes back. */
  const moveTo = ({ step, totalSteps, secondsPerStep, remainingSeconds }: Position, atMs: number | undefined): TrainingLogUpdate[] => {
    if (step <= lastStep) return [];
    lastStep = step;
    pace.note(step, atMs);
    position = {
      type: 'training',
      step,
      totalSteps,
      ...(secondsPerStep === undefined ? {} : { secondsPerStep }),
      ...(remainingSeconds === undefined ? {} : { remainingSeconds }),
    };
    return [withLoss(position)];
  };

  const withLoss = (update: Extract<TrainingLogUpdate, { type: 'training' }>): TrainingLogUpdate => ({
    ...update,
    ...(loss === undefined ? {} : { loss }),
    ...(epoch === undefined ? {} : { epoch }),
  });

  const readDict = (line: string, atMs: number | undefined): TrainingLogUpdate[] => {
    const values = new Map([...line.matchAll(/'([a-z_]+)':\s*'?([-+.\deEinfa]+)'?/g)].map(([, key = '', value = '']) => [key, Number(value)]));
    if (values.has('train_runtime')) return [{ type: 'finished', finalLoss: values.get('train_loss'), runtimeSeconds: values.get('train_runtime') }];
    if (!values.has('loss')) return [];
    loss = values.get('loss');
    epoch = values.get('epoch');
    lossCount += 1;
    const step = lossCount * (schedule?.loggingSteps ?? 0);
    if (step > lastStep && schedule) {
      const totalSteps = knownTotal ?? estimateTotalSteps(step, epoch, schedule);
      const secondsPerStep = pace.secondsPerStep(step, atMs);
      return moveTo({ step, totalSteps, secondsPerStep, remainingSeconds: secondsPerStep && Math.round(secondsPerStep * (totalSteps - step)) }, atMs);
    }
    // Where nothing holds it up, the bar of a step comes before its loss.
    return position ? [withLoss(position)] : [];
  };

  return {
    read(text, atMs) {
      const pieces = (rest + text).split(/[\r\n]/);
      rest = pieces.pop() ?? '';
      const updates = pieces.flatMap((line) => readLine(line, atMs));
      // A bar is complete at its closing bracket although the `\r` that ends it comes only with the next one.
      if (trainingBar.test(rest) && rest.endsWith(']')) {
        updates.push(...readText(rest, atMs));
        rest = '';
      }
      return updates;
    },
    failure: () => error,
  };
};

interface Position {
  step: number;
  totalSteps: number;
  secondsPerStep: number | undefined;
  remainingSeconds: number | undefined;
}

/** The trainer writes epochs with four digits, and rounds the steps of an epoch up. */
const estimateTotalSteps = (step: number, epoch: number | undefined, { epochs, maxSteps }: TrainingSchedule): number => {
  if (maxSteps !== undefined) return Math.max(step, maxSteps);
  const stepsPerEpoch = Math.ceil((epoch ? step / epoch : step) * 0.9995);
  return Math.max(step, Math.ceil(epochs * stepsPerEpoch - 1e-9));
};

interface Pace {
  note(step: number, atMs: number | undefined): void;
  secondsPerStep(step: number, atMs: number | undefined): number | undefined;
}

/** Whoever comes late is told all earlier steps in one moment, which says nothing about the time that they took. */
const createPace = (): Pace => {
  const momentMs = 1000;
  let first: { step: number; atMs: number } | undefined;
  return {
    note(step, atMs) {
      if (atMs === undefined) return;
      if (first === undefined || atMs - first.atMs < momentMs) first = { step, atMs: first?.atMs ?? atMs };
    },
    secondsPerStep(step, atMs) {
      if (first === undefined || atMs === undefined || atMs - first.atMs < momentMs || step <= first.step) return undefined;
      return Math.round((atMs - first.atMs) / (step - first.step) / 10) / 100;
    },
  };
};

/** `01:23` or `1:02:03`. */
const toSeconds = (time: string | undefined): number | undefined => {
  if (time === undefined || time.includes('?')) return undefined;
  return time.split(':').reduce((total, part) => total * 60 + Number(part), 0);
};

const toSecondsPerStep = (rate: string | undefined, unit: string | undefined): number | undefined => {
  const value = Number(rate);
  if (rate === undefined || !Number.isFinite(value) || value === 0) return undefined;
  return unit === 'it/s' ? 1 / value : value;
};
