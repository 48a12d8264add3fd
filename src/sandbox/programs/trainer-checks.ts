import type { TrainingConfig } from './trainer-config.ts';
import type { Dataset } from './trainer-dataset.ts';
import { PythonError } from './trainer-error.ts';

/** What TRL refuses before it looks at the rows. */
export const findSetupProblem = ({ training }: TrainingConfig): PythonError | undefined => {
  if (training.get('packing') === true || training.get('padding_free') === true) {
    return new PythonError('ValueError', 'Passing a custom data collator is not supported when using padding-free.');
  }
  if (training.get('assistant_only_loss') === true) {
    return new PythonError(
      'ValueError',
      'The chat template is not training-compatible (missing prefix-preservation or `{% generation %}` markers) and patching is not supported for this template. Please manually modify the chat template for training.',
    );
  }
  return undefined;
};

/** What the trainer itself refuses, once the rows are ready. */
export const findTrainerProblem = ({ training }: TrainingConfig, evaluationRows: number): PythonError | undefined => {
  const strategy = training.get('eval_strategy');
  if (typeof strategy === 'string' && strategy !== 'no' && evaluationRows === 0) {
    return new PythonError(
      'ValueError',
      `You have set \`args.eval_strategy\` to ${strategy} but you didn't pass an \`eval_dataset\` to \`Trainer\`. Either set \`args.eval_strategy\` to \`no\` or pass an \`eval_dataset\`. `,
    );
  }
  const reporter = training.get('report_to');
  const missing = typeof reporter === 'string' ? missingPackages[reporter] : undefined;
  return missing === undefined ? undefined : new PythonError('RuntimeError', missing);
};

/** Reporters whose packages are not in the image. */
const missingPackages: Readonly<Record<string, string>> = {
  tensorboard: 'TensorBoardCallback requires tensorboard to be installed. Either update your PyTorch version or install tensorboardX.',
  wandb: 'WandbCallback requires wandb to be installed. Run `pip install wandb`.',
};

/** What the first batch fails with. The collator does not pad labels, so a batch may only hold rows of one length. */
export const findBatchProblem = (
  { training, lora }: TrainingConfig,
  { rowTokens }: Dataset,
  batch: { rowCount: number; batchSize: number },
): PythonError | undefined => {
  const isRagged = rowTokens.length === 0 || new Set(rowTokens).size > 1;
  if (batch.batchSize > 1 && batch.rowCount > 1 && isRagged) {
    const column = training.get('remove_unused_columns') === false ? 'messages' : 'labels';
    return new PythonError(
      'ValueError',
      `Unable to create tensor, you should probably activate truncation and/or padding with 'padding=True' 'truncation=True' to have batched tensors with the same length. Perhaps your features (\`${column}\` in this case) have excessive nesting (inputs type \`list\` where type \`int\` is expected).`,
    );
  }
  const saved = lora.get('modules_to_save');
  if (Array.isArray(saved) && saved.includes('lm_head')) {
    return new PythonError('AttributeError', "'ModulesToSaveWrapper' object has no attribute 'bias'");
  }
  return undefined;
};
