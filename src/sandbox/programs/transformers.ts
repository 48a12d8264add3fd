import { accelerateNotice, launcherFailure } from './model-accelerate.ts';
import { findAdapters } from './model-adapters.ts';
import { commandWords, scriptArguments } from './model-command.ts';
import { createModelHttp } from './model-http.ts';
import { logTime } from './model-python.ts';
import { untilAborted } from './model-waiting.ts';
import { hasWeights } from './model-weights.ts';
import type { Program, ProgramContext } from './program.ts';
import { createTransformersApi } from './transformers-api.ts';

const script = '/workspace/tfs/inference_api.py';
const port = 5000;

/** KAITO's transformers server: its port is closed until the model is loaded, some two minutes after the start. */
export const transformersServer: Program = {
  matches: (container) => commandWords(container).includes(script),
  run: async (context) => {
    try {
      return await serve(context);
    } catch (error) {
      if (!context.killed.aborted) throw error;
      return 137;
    }
  },
};

/** `accelerate launch` does not pass SIGTERM on, so the server serves until it is killed: only `killed` ends anything here. */
const serve = async (context: ProgramContext): Promise<number> => {
  const { clock, files, killed } = context;
  const words = commandWords(context);
  const settings = readSettings(scriptArguments(words, script));
  const log = (line: number, text: string) => context.stderr(`INFO ${logTime(clock.now())} inference_api.py:${line}] ${text}\n`);

  if (words.includes('accelerate')) context.stderr(accelerateNotice(words));
  await clock.sleep(15_000, killed);
  const failure = findFailure(settings, context);
  if (failure !== undefined) {
    context.stderr(`Traceback (most recent call last):\n  File "${script}", line 226, in <module>\n    model = AutoModelForCausalLM.from_pretrained(**model_args)\n${failure}\n`);
    context.stderr(launcherFailure(words, script));
    return 1;
  }
  context.stderr('[transformers] `torch_dtype` is deprecated! Use `dtype` instead!\n');
  context.stderr('\rLoading weights:   0%|          | 0/195 [00:00<?, ?it/s]');
  await clock.sleep(90_000, killed);
  context.stderr('\rLoading weights: 100%|██████████| 195/195 [01:30<00:00,  2.17it/s]\n');

  // A folder without a configuration, such as `lost+found`, is passed over here.
  const adapters = findAdapters(files, '/mnt/adapter').filter(({ rank }) => rank !== undefined);
  for (const { name } of adapters) log(251, `Adapter added: ${name}`);
  if (adapters.length > 0) log(279, "All adapters merged into 'combined_adapter'");
  else log(281, 'No valid adapters found, using base model');
  log(284, 'Model loaded successfully');
  log(537, `Starting server on port ${port}`);

  const answer = createTransformersApi({
    pinned: `${settings.model}@${settings.revision}`,
    served: settings.served,
    adapters: adapters.map(({ name }) => name),
    clock,
    ended: killed,
    logAccess: (line) => context.stdout(`${line}\n`),
    logError: (line) => context.stderr(`${line}\n`),
  });
  const http = createModelHttp(answer);
  context.listen(port, (connection) => http.accept(connection));
  for (const text of ['Started server process [7]', 'Waiting for application startup.', 'Application startup complete.']) {
    context.stderr(`INFO:     ${text}\n`);
  }
  context.stderr(`INFO:     Uvicorn running on http://0.0.0.0:${port} (Press CTRL+C to quit)\n`);
  await untilAborted(killed);
  http.close();
  return 137;
};

interface TransformersSettings {
  model: string;
  revision: string;
  served: string;
  /** `allow_remote_files`: without it a hub id is only looked for in the cache. */
  mayDownload: boolean;
  dtype: string | undefined;
}

/** Flags that the script does not know are dropped without a word. */
const readSettings = (words: readonly string[]): TransformersSettings => {
  const flags = new Map<string, string>();
  for (const [index, word] of words.entries()) {
    const [, name, inline] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    const next = words[index + 1];
    if (name !== undefined) flags.set(name.replaceAll('-', '_'), inline ?? (next === undefined || next.startsWith('--') ? 'true' : next));
  }
  const model = flags.get('pretrained_model_name_or_path') ?? '/workspace/tfs/weights';
  return {
    model,
    revision: flags.get('revision') ?? 'main',
    served: flags.get('served_model_name') ?? model,
    mayDownload: /^(?:true|yes|t|y|1)$/i.test(flags.get('allow_remote_files') ?? 'false'),
    dtype: flags.get('torch_dtype'),
  };
};

const dtypes = new Set(['auto', 'bfloat16', 'float16', 'float32', 'half', 'float']);

const findFailure = ({ model, mayDownload, dtype }: TransformersSettings, context: ProgramContext): string | undefined => {
  if (dtype !== undefined && !dtypes.has(dtype)) return `ValueError: Invalid torch dtype: ${dtype}`;
  const offline = `OSError: We couldn't connect to 'https://huggingface.co' to load the files, and couldn't find them in the cached files.`;
  if (context.hasFault('crash-loop')) return offline;
  if (!model.startsWith('/')) return mayDownload ? undefined : offline;
  if (hasWeights(context.files, model)) return undefined;
  return `OSError: Repo id must be in the form 'repo_name' or 'namespace/repo_name': '${model}'. Use \`repo_type\` argument if needed.`;
};
