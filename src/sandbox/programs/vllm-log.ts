import { logTime } from './model-python.ts';
import type { ProgramContext } from './program.ts';
import type { VllmSettings } from './vllm-settings.ts';

/**
 * The server's log: vLLM's lines go to stdout and KAITO's to stderr, each from a process with its own name, as vLLM 0.25.1
 * under KAITO's script writes them.
 */
export interface VllmLog {
  engine(level: 'INFO' | 'WARNING' | 'ERROR', place: string, text: string): void;
  api(level: 'INFO' | 'WARNING' | 'ERROR', place: string, text: string): void;
  kaito(level: 'INFO' | 'WARNING', line: number, text: string): void;
  /** A bar of the engine's process, on stderr. */
  shards(done: number, total: number, seconds: number): void;
  /** An exception that nobody caught, the end of the API process. */
  uncaught(error: string): void;
}

const apiProcess = '(APIServer pid=7)';
const engineProcess = '(EngineCore pid=93)';

export const createVllmLog = (container: Pick<ProgramContext, 'stdout' | 'stderr' | 'clock'>): VllmLog => {
  const line = (process: string, level: string, place: string, text: string) => {
    for (const part of text.split('\n')) container.stdout(`${process} ${level} ${logTime(container.clock.now())} [${place}] ${part}\n`);
  };
  return {
    engine: (level, place, text) => line(engineProcess, level, place, text),
    api: (level, place, text) => line(apiProcess, level, place, text),
    kaito: (level, number, text) => container.stderr(`${level} ${logTime(container.clock.now())} inference_api.py:${number}] ${text}\n`),
    shards: (done, total, seconds) => {
      const percent = String(Math.floor((done / total) * 100)).padStart(3);
      const rate = done === 0 ? '?it/s' : ` ${(done / seconds).toFixed(2)}it/s`;
      const left = done === 0 ? '?' : clockText((seconds / done) * (total - done));
      container.stderr(`${engineProcess} \rLoading safetensors checkpoint shards: ${percent}% Completed | ${done}/${total} [${clockText(seconds)}<${left}, ${rate}]\n`);
    },
    uncaught: (error) => {
      const frames = [
        'Traceback (most recent call last):',
        '  File "/workspace/vllm/inference_api.py", line 661, in <module>',
        '    uvloop.run(api_server.run_server(args))',
        '  File "/usr/local/lib/python3.12/dist-packages/vllm/entrypoints/openai/api_server.py", line 698, in run_server',
        '    await run_server_worker(listen_address, sock, args, **uvicorn_kwargs)',
      ];
      for (const text of [...frames, ...error.split('\n')]) container.stderr(`${apiProcess} ${text}\n`);
    },
  };
};

const clockText = (seconds: number): string => {
  const whole = Math.floor(seconds);
  return `${String(Math.floor(whole / 60)).padStart(2, '0')}:${String(whole % 60).padStart(2, '0')}`;
};

/** The banner with the version and the model, and the options that are not defaults. */
export const writeBanner = (log: VllmLog, settings: VllmSettings): void => {
  const banner = [
    '',
    '       █     █     █▄   ▄█',
    ' ▄▄ ▄█ █     █     █ ▀▄▀ █  version 0.25.1',
    `  █▄█▀ █     █     █     █  model   ${settings.model}`,
    '   ▀▀  ▀▀▀▀▀ ▀▀▀▀▀ ▀     ▀',
    '',
  ];
  log.api('INFO', 'api_utils.py:339', banner.join('\n'));
  const names = settings.servedNames.map((name) => `'${name}'`).join(', ');
  log.api(
    'INFO',
    'api_utils.py:273',
    `non-default args: {'port': 5000, 'uvicorn_log_level': 'error', 'middleware': ['rate_limit.RateLimitMiddleware'], 'model': '${settings.model}', 'served_model_name': [${names}], 'gpu_memory_utilization': ${settings.gpuMemoryUtilization}}`,
  );
};

const thousands = (value: number): string => Math.floor(value).toLocaleString('en-US');

/** What the engine says of its room for conversations. */
export const writeKvCache = (log: VllmLog, { maxModelLengthTokens }: VllmSettings): void => {
  const concurrency = 2.5;
  log.engine('INFO', 'kv_cache_utils.py:2146', `GPU KV cache size: ${thousands(maxModelLengthTokens * concurrency)} tokens`);
  log.engine('INFO', 'kv_cache_utils.py:2147', `Maximum concurrency for ${thousands(maxModelLengthTokens)} tokens per request: ${concurrency.toFixed(2)}x`);
};

/** The engine has no room for one full conversation: its reason, then the API process giving up without one. */
export const writeKvCacheFailure = (log: VllmLog, { maxModelLengthTokens }: VllmSettings): void => {
  const place = 'core.py:1231';
  log.engine('ERROR', place, 'EngineCore failed to start.');
  log.engine('ERROR', place, 'Traceback (most recent call last):');
  log.engine(
    'ERROR',
    place,
    `ValueError: To serve at least one request with the model's max seq len (${maxModelLengthTokens}), (48.0 GiB KV cache is needed, which is larger than the available KV cache memory (1.53 GiB). Based on the available memory, the estimated maximum model length is ${Math.floor(maxModelLengthTokens / 32)}. Try increasing \`gpu_memory_utilization\` (which also controls CPU memory on the CPU backend) or decreasing \`max_model_len\` when initializing the engine. See https://docs.vllm.ai/en/latest/configuration/conserving_memory/ for more details.`,
  );
  log.uncaught('RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}');
};
