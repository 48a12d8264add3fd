/**
 * Reads the trainer's output as it comes, in any pieces. Step, total and times stand only in the one progress bar without
 * a label, redrawn with `\r`; losses come as Python dicts whose values are quoted, without a step number.
 * Source of the shapes: KAITO's fine_tuning.py with trl, https://github.com/kaito-project/kaito/tree/056b8280/presets/workspace/tuning/text-generation
 */
export interface TrainingLog {
  /** What the new text told, in order. */
  read(text: string): TrainingLogUpdate[];
  /** The error line that explains a failure, not accelerate's own last word. */
  failure(): string | undefined;
}

export type TrainingLogUpdate =
  | { type: 'training'; step: number; totalSteps: number; loss?: number; epoch?: number; secondsPerStep?: number; remainingSeconds?: number }
  | { type: 'preparing'; what: string; percent?: number }
  | { type: 'finished'; finalLoss: number | undefined; runtimeSeconds: number | undefined };

const trainingBar = /^\s*(\d+)%\|[^|]*\|\s*(\d+)\/(\d+)\s*\[(?:([\d:?]+)<([\d:?]+)(?:,\s*([\d.?]+)\s*(it\/s|s\/it))?)?/;
const labelledBar = /^([A-Za-z][^|%]*):\s*(\d+)%\|/;
const dict = /^\{'.*\}$/;
const errorLine = /^((?:[A-Za-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception|Interrupt|Exit)\b.*|\S+\.py: error: .*)$/;
const accelerateEnd = /^subprocess\.CalledProcessError: /;

export const createTrainingLog = (): TrainingLog => {
  let rest = '';
  let loss: number | undefined;
  let epoch: number | undefined;
  let lastStep = -1;
  let bar: Extract<TrainingLogUpdate, { type: 'training' }> | undefined;
  let error: string | undefined;

  const readLine = (line: string): TrainingLogUpdate[] => {
    const drawn = trainingBar.exec(line);
    if (drawn) return readBar(drawn);
    const labelled = labelledBar.exec(line);
    if (labelled?.[1]) return [{ type: 'preparing', what: labelled[1].trim(), percent: Number(labelled[2]) }];
    if (dict.test(line.trim())) return readDict(line.trim());
    if (/Model Loaded\s*$/.test(line)) return [{ type: 'preparing', what: 'Model loaded' }];
    if (errorLine.test(line) && !accelerateEnd.test(line)) error = line.trim();
    return [];
  };

  const readBar = ([, , done, total, , remaining, rate, unit]: RegExpExecArray): TrainingLogUpdate[] => {
    const step = Number(done);
    // The bar is drawn again around each log line: only a new step is news, and a step never goes back.
    if (step <= lastStep) return [];
    lastStep = step;
    const secondsPerStep = toSecondsPerStep(rate, unit);
    const remainingSeconds = toSeconds(remaining);
    bar = {
      type: 'training',
      step,
      totalSteps: Number(total),
      ...(secondsPerStep === undefined ? {} : { secondsPerStep }),
      ...(remainingSeconds === undefined ? {} : { remainingSeconds }),
    };
    return [withLoss(bar)];
  };

  const withLoss = (update: Extract<TrainingLogUpdate, { type: 'training' }>): TrainingLogUpdate => ({
    ...update,
    ...(loss === undefined ? {} : { loss }),
    ...(epoch === undefined ? {} : { epoch }),
  });

  const readDict = (line: string): TrainingLogUpdate[] => {
    const values = new Map([...line.matchAll(/'([a-z_]+)':\s*'?([-+.\deEinfa]+)'?/g)].map(([, key = '', value = '']) => [key, Number(value)]));
    if (values.has('train_runtime')) return [{ type: 'finished', finalLoss: values.get('train_loss'), runtimeSeconds: values.get('train_runtime') }];
    if (!values.has('loss')) return [];
    loss = values.get('loss');
    epoch = values.get('epoch');
    // The bar of a step comes before its loss, on another stream.
    return bar ? [withLoss(bar)] : [];
  };

  return {
    read(text) {
      const pieces = (rest + text).split(/[\r\n]/);
      rest = pieces.pop() ?? '';
      const updates = pieces.flatMap(readLine);
      // A bar is complete at its closing bracket although the `\r` that ends it comes only with the next one.
      if (trainingBar.test(rest) && rest.includes(']')) {
        updates.push(...readLine(rest));
        rest = '';
      }
      return updates;
    },
    failure: () => error,
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
