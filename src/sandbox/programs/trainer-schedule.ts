import type { Dataset } from './trainer-dataset.ts';
import type { Options } from './trainer-config.ts';

/** How long and in what rhythm a run trains, worked out as the transformers trainer does. */
export interface Schedule {
  totalSteps: number;
  stepsPerEpoch: number;
  /** Rows behind one step on all GPUs. */
  rowsPerStep: number;
  epochs: number;
  loggingSteps: number;
  /** Zero when nothing is saved on the way. */
  saveSteps: number;
  evalSteps: number;
  logsFirstStep: boolean;
  showsBar: boolean;
  learningRateAt(step: number): number;
}

const numberOption = (options: Options, name: string, fallback: number): number => {
  const value = options.get(name);
  return typeof value === 'bigint' || typeof value === 'number' ? Number(value) : fallback;
};

const textOption = (options: Options, name: string, fallback: string): string => {
  const value = options.get(name);
  return typeof value === 'string' ? value : fallback;
};

export const trainBatchSize = (options: Options): number => numberOption(options, 'per_device_train_batch_size', 8);

export const evalBatchSize = (options: Options): number => numberOption(options, 'per_device_eval_batch_size', 8);

/** Rows for training and for evaluation: scikit-learn rounds the test part up. */
export const splitRows = ({ rowCount }: Pick<Dataset, 'rowCount'>, options: Options): { train: number; evaluation: number; testSize: number } => {
  const testSize = 1 - numberOption(options, 'train_test_split', 0.8);
  const evaluation = testSize <= 0 ? 0 : Math.ceil(testSize * rowCount);
  return { train: rowCount - evaluation, evaluation, testSize };
};

export const toSchedule = (options: Options, run: { trainRows: number; gpuCount: number }): Schedule => {
  const accumulation = numberOption(options, 'gradient_accumulation_steps', 1);
  const rowsPerStep = trainBatchSize(options) * accumulation * run.gpuCount;
  const batchesPerEpoch = Math.ceil(run.trainRows / (trainBatchSize(options) * run.gpuCount));
  const stepsPerEpoch = Math.max(1, Math.ceil(batchesPerEpoch / accumulation));
  const maxSteps = numberOption(options, 'max_steps', -1);
  const epochs = numberOption(options, 'num_train_epochs', 3);
  const totalSteps = maxSteps > 0 ? maxSteps : Math.max(1, Math.ceil(epochs * stepsPerEpoch));

  // Below one, a number of steps is a share of the whole run.
  const every = (strategy: string, steps: number) => {
    if (strategy === 'no') return 0;
    if (strategy === 'epoch') return stepsPerEpoch;
    return Math.max(1, steps < 1 ? Math.ceil(steps * totalSteps) : Math.round(steps));
  };
  const loggingSteps = every(textOption(options, 'logging_strategy', 'steps'), numberOption(options, 'logging_steps', 10));
  return {
    totalSteps,
    stepsPerEpoch,
    rowsPerStep,
    epochs,
    loggingSteps,
    saveSteps: every(textOption(options, 'save_strategy', 'steps'), numberOption(options, 'save_steps', 500)),
    evalSteps: every(textOption(options, 'eval_strategy', 'no'), numberOption(options, 'eval_steps', loggingSteps)),
    logsFirstStep: options.get('logging_first_step') === true,
    showsBar: options.get('disable_tqdm') !== true,
    learningRateAt: (step) => learningRate(options, step - 1, totalSteps),
  };
};

/** The rate that was used for a step, which is the one after the steps before it. */
const learningRate = (options: Options, stepsBefore: number, totalSteps: number): number => {
  const base = numberOption(options, 'learning_rate', 2e-5);
  const warmup = numberOption(options, 'warmup_steps', 0);
  const share = warmup > 0 && warmup < 1 ? warmup : numberOption(options, 'warmup_ratio', 0);
  const warmupSteps = warmup >= 1 ? warmup : Math.ceil(share * totalSteps);
  if (stepsBefore < warmupSteps) return (base * stepsBefore) / warmupSteps;
  const progress = (stepsBefore - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
  const kind = textOption(options, 'lr_scheduler_type', 'linear');
  if (kind.startsWith('constant')) return base;
  return kind.startsWith('cosine') ? (base * (1 + Math.cos(Math.PI * progress))) / 2 : base * (1 - progress);
};
