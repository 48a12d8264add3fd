import { accelerateNotice, launcherFailure } from './model-accelerate.ts';
import { commandWords } from './model-command.ts';
import { createModelHttp, writeJson, writeUnrouted, type ModelHttp } from './model-http.ts';
import { logTime, reprOf } from './model-python.ts';
import type { Program, ProgramContext } from './program.ts';
import { runBar } from './trainer-bars.ts';
import { findBatchProblem, findSetupProblem, findTrainerProblem } from './trainer-checks.ts';
import { defaultConfigPath, parseConfig, readWritten, type TrainingConfig } from './trainer-config.ts';
import { loadDataset, type Dataset } from './trainer-dataset.ts';
import { PythonError, renderFailure } from './trainer-error.ts';
import { addLora, findModel } from './trainer-model.ts';
import { writeAdapter } from './trainer-output.ts';
import { evalBatchSize, splitRows, toSchedule, trainBatchSize } from './trainer-schedule.ts';
import { createStdout, type Stdout } from './trainer-stdout.ts';
import { train } from './trainer-training.ts';
import { machineMetrics } from './transformers-api.ts';

const script = '/workspace/tfs/fine_tuning.py';

/** KAITO's tuning script: reads its configuration and dataset, trains for show, and leaves a small but valid adapter. */
export const trainer: Program = {
  matches: (container) => commandWords(container).includes(script),
  run: async (context) => {
    const ended = AbortSignal.any([context.signal, context.killed]);
    const metrics = startMetricsServer(context);
    try {
      return await launch(context, ended);
    } catch (error) {
      if (!ended.aborted) throw error;
      return context.killed.aborted ? 137 : 143;
    } finally {
      metrics?.close();
    }
  },
};

/** Runs the script under accelerate, which ends with 1 whatever the script ended with. */
const launch = async (context: ProgramContext, ended: AbortSignal): Promise<number> => {
  const words = commandWords(context);
  const isLaunched = words.includes('accelerate');
  const stdout = createStdout(context);
  if (isLaunched) context.stderr(accelerateNotice(words));
  try {
    await tune(context, { stdout, gpuCount: gpuCountOf(words), ended });
    stdout.flush();
    return 0;
  } catch (error) {
    if (!(error instanceof PythonError)) throw error;
    const exitCode = error.type === 'argparse' ? 2 : 1;
    context.stderr(renderFailure(error));
    stdout.flush();
    context.stderr(launcherFailure(words, script, exitCode));
    return isLaunched ? 1 : exitCode;
  }
};

interface Run {
  stdout: Stdout;
  gpuCount: number;
  ended: AbortSignal;
}

/** The script from top to bottom; each stage may throw what the real one dies of. */
const tune = async (context: ProgramContext, { stdout: { print }, gpuCount, ended }: Run): Promise<void> => {
  const { clock, env, files } = context;
  const log = (place: string, text: string) => context.stderr(`INFO ${logTime(clock.now())} ${place}] ${text}\n`);

  await clock.sleep(11_000, ended); // Imports take this long.
  const written = readWritten(files, env['YAML_FILE_PATH'] ?? defaultConfigPath);
  print(`training_config: ${reprOf(written)}\n`);
  const config = parseConfig(written, print);
  log('parser.py:117', readChatTemplate(context, config));

  const source = findModel(context, config);
  context.stderr('[transformers] `torch_dtype` is deprecated! Use `dtype` instead!\n');
  const tensorCount = source.architecture.layerCount * 6 + 3;
  await runBar(context, { label: 'Loading weights', total: tensorCount, durationMs: 20_000 }, ended);
  log('fine_tuning.py:95', 'Model Loaded');
  if (config.quantization.get('load_in_4bit') === true) log('fine_tuning.py:100', 'QLoRA Enabled');
  print(addLora(source, config));

  const dataset = loadDataset(files, config.dataset, env);
  const rows = splitRows(dataset, config.dataset);
  if (rows.train < 1) throw emptySplit(dataset, rows.testSize);
  print(`Dataset loaded successfully from ${dataset.path} with file type '${dataset.fileType}'.\n`);
  await prepareTrainer(context, { config, dataset, rows, ended });

  const schedule = toSchedule(config.training, { trainRows: rows.train, gpuCount });
  const outputFolder = outputFolderOf(config);
  const training = {
    schedule,
    trainRows: rows.train,
    evaluationRows: rows.evaluation,
    tokensPerRow: meanTokens(dataset),
    batchProblem: findBatchProblem(config, dataset, { rowCount: rows.train, batchSize: trainBatchSize(config.training) }),
    evaluationProblem: findBatchProblem(config, dataset, { rowCount: rows.evaluation, batchSize: evalBatchSize(config.training) }),
    print,
    saveCheckpoint: (step: number) => {
      const folder = `${outputFolder}/checkpoint-${step}`;
      writeAdapter(files, folder, source);
      files.write(`${folder}/trainer_state.json`, JSON.stringify({ global_step: step, max_steps: schedule.totalSteps }));
    },
  };
  await train(context, training, ended);

  writeAdapter(files, outputFolder, source);
  const stamp = clock.now().toISOString().slice(0, 19).replaceAll(/[T:]/g, '-');
  files.write(`${outputFolder}/fine_tuning_completed.txt`, `Fine-Tuning completed at ${stamp}\n`);
  context.stderr(
    `/usr/local/lib/python3.12/dist-packages/peft/utils/save_and_load.py:195: UserWarning: Could not find a config file in ${source.model} - will assume that the vocabulary was not modified.\n  warnings.warn(\n`,
  );
  log('fine_tuning.py:161', 'Fine-Tuning completed\n');
};

/** A path, or the template itself where the text has a brace or a line break. */
const readChatTemplate = ({ files }: ProgramContext, { model }: TrainingConfig): string => {
  const template = model.get('chat_template');
  if (typeof template !== 'string') return 'None';
  if (/[{}\n]/.test(template)) return template;
  const content = files.read(template);
  if (!content) throw new PythonError('FileNotFoundError', `[Errno 2] No such file or directory: '${template}'`);
  return content.toString('utf8');
};

const emptySplit = ({ rowCount }: Dataset, testSize: number): PythonError =>
  new PythonError(
    'ValueError',
    `With n_samples=${rowCount}, test_size=${testSize} and train_size=None, the resulting train set will be empty. Adjust any of the aforementioned parameters.`,
  );

/** Everything between the dataset and the first step: TRL's checks and its four passes over the rows. */
const prepareTrainer = async (
  context: ProgramContext,
  { config, dataset, rows, ended }: { config: TrainingConfig; dataset: Dataset; rows: { train: number; evaluation: number }; ended: AbortSignal },
): Promise<void> => {
  const refused = findSetupProblem(config);
  if (refused) throw refused;
  const problem = context.hasFault('bad-dataset') ? new PythonError('KeyError', 'None') : dataset.problem;
  if (problem) {
    context.stderr(`\rTokenizing train dataset:   0%|          | 0/${rows.train} [00:00<?, ? examples/s]\n`);
    throw problem;
  }
  for (const pass of ['Tokenizing', 'Building labels for', 'Truncating', 'Dropping fully masked examples from']) {
    await runBar(context, { label: `${pass} train dataset`, total: rows.train, durationMs: 1500, unit: ' examples' }, ended);
  }
  const late = findTrainerProblem(config, rows.evaluation);
  if (late) throw late;
};

/** Rows of a file that cannot be read here are taken to be of a common length. */
const meanTokens = ({ rowTokens }: Dataset): number =>
  rowTokens.length === 0 ? 200 : rowTokens.reduce((total, tokens) => total + tokens, 0) / rowTokens.length;

/** A relative path counts from where the script was started. */
const outputFolderOf = ({ training }: TrainingConfig): string => {
  const folder = training.get('output_dir');
  const path = typeof folder === 'string' ? folder.replace(/\/+$/, '') : 'trainer_output';
  return path.startsWith('/') ? path : `/workspace/${path}`;
};

const gpuCountOf = (words: readonly string[]): number => {
  const count = Number(words.find((word) => word.startsWith('--num_processes='))?.split('=')[1]);
  return Number.isInteger(count) && count > 0 ? count : 1;
};

/** KAITO's own command starts it beside the training; it knows `/metrics` and nothing else. */
const startMetricsServer = (context: ProgramContext): ModelHttp | undefined => {
  if (!commandWords(context).some((word) => word.endsWith('metrics_server.py'))) return undefined;
  const http = createModelHttp(({ method, path }, response) => {
    if (path === '/metrics' && method === 'GET') writeJson(response, 200, machineMetrics());
    else writeUnrouted(response, path === '/metrics' ? ['GET'] : []);
  });
  context.listen(5000, (connection) => http.accept(connection));
  context.stderr('INFO:__main__:Starting server on port 5000\nINFO:     Uvicorn running on http://0.0.0.0:5000 (Press CTRL+C to quit)\n');
  return http;
};
