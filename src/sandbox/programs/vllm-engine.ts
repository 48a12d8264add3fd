import type { FoundAdapter } from './model-adapters.ts';
import type { ProgramContext } from './program.ts';
import { writeKvCache, writeKvCacheFailure, type VllmLog } from './vllm-log.ts';
import type { VllmSettings } from './vllm-settings.ts';

const shardCount = 4;

/** Loads the weights, makes room for the KV cache, adds the adapters; false when any of it fails. */
export const startEngine = async (
  log: VllmLog,
  { settings, adapters, context, ended }: { settings: VllmSettings; adapters: readonly FoundAdapter[]; context: ProgramContext; ended: AbortSignal },
): Promise<boolean> => {
  const { clock } = context;
  await clock.sleep(15_000, ended);
  log.api('INFO', 'model.py:1776', `Using max model len ${settings.maxModelLengthTokens}`);
  log.engine('INFO', 'core.py:114', `Initializing a V1 LLM engine (v0.25.1) with config: model='${settings.model}'`);
  log.engine('INFO', 'gpu_model_runner.py:128', `Starting to load model ${settings.model}...`);
  for (let shard = 0; shard <= shardCount; shard++) {
    log.shards(shard, shardCount, shard * 6);
    await clock.sleep(6000, ended);
  }
  log.engine('INFO', 'default_loader.py:430', `Loading weights took ${(shardCount * 6).toFixed(2)} seconds`);
  if (context.hasFault('crash-loop')) {
    writeKvCacheFailure(log, settings);
    return false;
  }
  writeKvCache(log, settings);
  await clock.sleep(32_000, ended);
  log.engine('INFO', 'core.py:344', 'init engine (profile, create kv cache, warmup model) took 31.92 s');
  const refused = adapters.map((adapter) => refuseAdapter(adapter, settings)).find((reason) => reason !== undefined);
  if (refused !== undefined) {
    const reason = `Worker failed with error '${refused}', please check the stack trace above for the root cause`;
    log.engine('ERROR', 'core.py:1449', `RuntimeError: ${reason}`);
    log.uncaught(`ValueError: Call to add_lora method failed: ${reason}`);
    return false;
  }
  for (const { name, path } of adapters) log.api('INFO', 'serving.py:214', `Loaded new LoRA adapter: name '${name}', path '${path}'`);
  log.kaito('INFO', 648, 'Rate limit guard active: threshold 128');
  log.api('INFO', 'api_server.py:612', "Supported tasks: ['generate']");
  log.api('INFO', 'api_server.py:616', 'Starting vLLM server on http://0.0.0.0:5000');
  return true;
};

const refuseAdapter = ({ name, path, rank }: FoundAdapter, { loraEnabled, maxLoraRank }: VllmSettings): string | undefined => {
  if (!loraEnabled) return 'LoRA is not enabled. Use --enable-lora to enable LoRA.';
  if (rank === undefined) return `Loading lora ${name} failed: No adapter found for ${path}`;
  return rank > maxLoraRank ? `LoRA rank ${rank} is greater than max_lora_rank ${maxLoraRank}.` : undefined;
};
