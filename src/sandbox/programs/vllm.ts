import { findAdapters } from './model-adapters.ts';
import { commandWords, scriptArguments } from './model-command.ts';
import { untilAborted } from './model-waiting.ts';
import { createModelHttp, type ModelHandler } from './model-http.ts';
import { hasWeights } from './model-weights.ts';
import type { Program, ProgramContext } from './program.ts';
import { createVllmApi } from './vllm-api.ts';
import { usage } from './vllm-flags.ts';
import { startEngine } from './vllm-engine.ts';
import { createVllmLog, writeBanner } from './vllm-log.ts';
import { metricsContentType, renderKaito } from './vllm-metrics.ts';
import { readSettings, type VllmSettings } from './vllm-settings.ts';

const script = '/workspace/vllm/inference_api.py';
const port = 5000;

/** KAITO's vLLM server: about three minutes of loading, then vLLM's OpenAI API on port 5000. */
export const vllmServer: Program = {
  matches: (container) => commandWords(container).includes(script),
  run: async (context) => {
    const ended = AbortSignal.any([context.signal, context.killed]);
    try {
      return await serve(context, ended);
    } catch (error) {
      if (!ended.aborted) throw error;
      return context.killed.aborted ? 137 : 143;
    }
  },
};

const serve = async (context: ProgramContext, ended: AbortSignal): Promise<number> => {
  const { clock, files } = context;
  const words = commandWords(context);
  const log = createVllmLog(context);
  if (isRayWorker(words, context.env)) return workForRay(context, ended);

  await clock.sleep(12_000, ended); // Imports alone take this long.
  const read = readSettings(scriptArguments(words, script), files);
  if (read.kind === 'refused') {
    context.stderr(`${usage()}inference_api.py: error: ${read.message}\n`);
    return 2;
  }
  if (read.kind === 'failed') {
    log.uncaught(read.error);
    return 1;
  }
  const { settings } = read;
  log.kaito('INFO', 423, `Loading LoRA adapters from ${settings.adaptersFolder}`);
  log.kaito('INFO', 518, 'kv_cache_cpu_memory_utilization is not set, do not use KV cache offload to CPU RAM.');
  log.kaito('INFO', 557, `Starting server on port ${port}`);
  writeBanner(log, settings);
  const refusal = refuseModel(settings, context);
  if (refusal !== undefined) {
    log.uncaught(refusal);
    return 1;
  }

  const loading = { bytesPerSecond: 0, remainingSeconds: -1 };
  let answer: ModelHandler = answerWhileLoading(context, () => renderKaito(loading));
  const http = createModelHttp((request, response) => answer(request, response));
  const isHubModel = !settings.model.startsWith('/');
  try {
    if (isHubModel) {
      context.listen(port, (connection) => http.accept(connection));
      log.kaito('INFO', 611, `Pre-download metrics server listening on port ${port}`);
      await download(loading, { clock, ended });
    }
    const adapters = findAdapters(files, settings.adaptersFolder);
    const isUp = await startEngine(log, { settings, adapters, context, ended });
    if (!isUp) return 1;
    answer = createVllmApi({ settings, adapters, clock, ended });
    if (isHubModel) log.kaito('INFO', 628, `Pre-download metrics server stopped; vLLM taking over port ${port}`);
    else context.listen(port, (connection) => http.accept(connection));

    await untilAborted(ended);
    // Uvicorn takes SIGTERM for an orderly end; after SIGKILL there is nobody to say anything.
    if (context.killed.aborted) return 137;
    for (const text of ['shutdown triggered', 'signalling HTTP server shutdown']) {
      context.stdout(`(APIServer pid=7) INFO [launcher.py:100] [shutdown] API server: ${text}\n`);
    }
    return 0;
  } finally {
    http.close();
  }
};

/** Before the model is there, a tiny HTTP/1.0 server answers `/metrics`, and 404 with no body to all else. */
const answerWhileLoading =
  ({ clock }: ProgramContext, metrics: () => string): ModelHandler =>
  ({ path }, response) => {
    const body = path === '/metrics' ? metrics() : '';
    const type = body === '' ? [] : [`Content-Type: ${metricsContentType}`];
    const head = [
      `HTTP/1.0 ${body === '' ? '404 Not Found' : '200 OK'}`,
      'Server: BaseHTTP/0.6 Python/3.12.1',
      `Date: ${clock.now().toUTCString()}`,
      ...type,
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
    ];
    // Written past Node's own writer, which cannot speak 1.0.
    response.socket?.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  };

/** Gated on Hugging Face: without a token the download is refused. */
const gated = /^(?:meta-llama\/|google\/gemma-)/i;

const refuseModel = ({ model }: VllmSettings, { env, files }: ProgramContext): string | undefined => {
  if (model.startsWith('/') && !hasWeights(files, model)) {
    return `huggingface_hub.errors.HFValidationError: Repo id must be in the form 'repo_name' or 'namespace/repo_name': '${model}'. Use \`repo_type\` argument if needed.`;
  }
  if (gated.test(model) && !env['HF_TOKEN']) {
    return `OSError: You are trying to access a gated repo.\nMake sure to have access to it at https://huggingface.co/${model}.\n401 Client Error.`;
  }
  return undefined;
};

const downloadSeconds = 90;
const downloadBytesPerSecond = 85_000_000;

/** Moves the gauges that KAITO's metrics server shows. */
const download = async (
  gauges: { bytesPerSecond: number; remainingSeconds: number },
  { clock, ended }: { clock: ProgramContext['clock']; ended: AbortSignal },
): Promise<void> => {
  for (let seconds = 0; seconds < downloadSeconds; seconds += 5) {
    await clock.sleep(5000, ended);
    gauges.bytesPerSecond = Math.round(downloadBytesPerSecond * (1 + 0.2 * Math.sin(seconds)));
    gauges.remainingSeconds = downloadSeconds - seconds - 5;
  }
  gauges.bytesPerSecond = 0;
  gauges.remainingSeconds = 0;
};

/** Of several nodes only the first serves; the others lend their GPUs to it through Ray. */
const isRayWorker = (words: readonly string[], env: ProgramContext['env']): boolean =>
  words.some((word) => word.endsWith('multi-node-serving.sh')) && (env['POD_INDEX'] ?? '0') !== '0';

const workForRay = async (context: ProgramContext, ended: AbortSignal): Promise<number> => {
  context.stdout('Ray runtime started.\n');
  await untilAborted(ended);
  return context.killed.aborted ? 137 : 143;
};
