/**
 * The options of vLLM 0.25.1's OpenAI server, by how they take a value, and how argparse reads them. An option that is not
 * here ends the server with exit code 2 before it does anything.
 */
const namesOf = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Stand alone. */
const switches = namesOf(`
  headless grpc data-parallel-multi-port-external-lb disable-log-stats aggregate-engine-logging
`);

/** Stand alone, and exist as `--no-…` too. */
const toggles = namesOf(`
  trust-request-chat-template return-tokens-as-token-ids enable-auto-tool-choice exclude-tools-when-tool-choice-none
  enable-prompt-tokens-details enable-per-request-metrics enable-server-load-tracking enable-force-include-usage
  enable-tokenizer-info-endpoint enable-log-outputs enable-log-deltas log-error-stack tokens-only
  disable-uvicorn-access-log allow-credentials enable-ssl-refresh enable-request-id-headers disable-fastapi-docs
  enable-offline-docs enable-flash-late-interaction trust-remote-code allow-deprecated-quantization enforce-eager
  enable-return-routed-experts use-fp64-gumbel disable-sliding-window disable-cascade-attn skip-tokenizer-init
  enable-prompt-embeds enable-sleep-mode enable-cumem-allocator use-tqdm-on-load
  enable-mamba-cache-stochastic-rounding numa-bind data-parallel-hybrid-lb data-parallel-external-lb
  enable-expert-parallel enable-ep-weight-filter enable-dbo enable-elastic-ep disable-nccl-for-dp-synchronization
  enable-eplb ray-workers-use-nsight disable-custom-all-reduce enable-prefix-caching calculate-kv-scales
  kv-sharing-fast-prefill language-model-only enable-mm-embeds mm-encoder-only interleave-mm-strings skip-mm-profiling
  enable-lora enable-tower-connector-lora fully-sharded-loras specialize-active-lora enable-mixed-moe-lora-format
  kv-cache-metrics cudagraph-metrics enable-layerwise-nvtx-tracing enable-mfu-metrics enable-logging-iteration-details
  jit-monitor-verbose enable-chunked-prefill disable-chunked-mm-input scheduler-reserve-full-isl
  disable-hybrid-kv-cache-manager async-scheduling enable-flashinfer-autotune fail-on-environ-validation
  enable-log-requests
`);

/** Take one value, as the next word or behind an equals sign. */
const values = namesOf(`
  api-server-count config chat-template chat-template-content-format default-chat-template-kwargs response-role
  tool-call-parser tool-parser-plugin tool-server log-config-file max-log-len fingerprint-mode fingerprint-value host
  port data-parallel-supervisor-port dp-supervisor-probe-interval-s dp-supervisor-probe-timeout-s
  dp-supervisor-probe-failure-threshold uds uvicorn-log-level disable-access-log-for-endpoints allowed-origins
  allowed-methods allowed-headers ssl-keyfile ssl-certfile ssl-ca-certs ssl-cert-reqs ssl-ciphers root-path middleware
  h11-max-incomplete-event-size h11-max-header-count model runner convert tokenizer tokenizer-mode dtype seed
  hf-config-path allowed-local-media-path revision code-revision tokenizer-revision max-model-len quantization
  quantization-config max-logprobs logprobs-mode config-format hf-token hf-overrides model-class-overrides
  pooler-config generation-config override-generation-config model-impl override-attention-dtype io-processor-plugin
  renderer-num-workers load-format download-dir safetensors-load-strategy safetensors-prefetch-num-threads
  safetensors-prefetch-block-size model-loader-extra-config pt-load-map-location attention-backend mamba-backend
  mamba-cache-philox-rounds reasoning-parser reasoning-parser-plugin distributed-executor-backend
  pipeline-parallel-size master-addr master-port nnodes node-rank distributed-timeout-seconds
  cpu-distributed-timeout-seconds device-ids tensor-parallel-size decode-context-parallel-size dcp-comm-backend
  dcp-kv-cache-interleave-size cp-kv-cache-interleave-size prefill-context-parallel-size data-parallel-size
  data-parallel-rank data-parallel-start-rank data-parallel-size-local data-parallel-address data-parallel-rpc-port
  data-parallel-backend all2all-backend ubatch-size dbo-decode-token-threshold dbo-prefill-token-threshold eplb-config
  expert-placement-strategy max-parallel-loading-workers worker-cls worker-extension-cls block-size
  gpu-memory-utilization kv-cache-memory-bytes kv-cache-dtype num-gpu-blocks-override prefix-caching-hash-algo
  mamba-cache-dtype mamba-ssm-cache-dtype mamba-block-size mamba-cache-mode kv-offloading-size kv-offloading-backend
  offload-backend cpu-offload-gb offload-group-size offload-num-in-group offload-prefetch-step limit-mm-per-prompt
  media-io-kwargs mm-processor-kwargs mm-processor-cache-gb mm-processor-cache-type mm-shm-cache-max-object-size-mb
  mm-encoder-tp-mode mm-encoder-attn-backend mm-encoder-attn-dtype mm-encoder-fp8-scale-path
  mm-encoder-fp8-scale-save-path mm-encoder-fp8-scale-save-margin video-pruning-rate mm-tensor-ipc
  mm-ipc-gpu-memory-gb max-loras max-lora-rank lora-dtype max-cpu-loras default-mm-loras
  show-hidden-metrics-for-version otlp-traces-endpoint kv-cache-metrics-sample jit-monitor-mode max-num-batched-tokens
  max-num-seqs max-num-partial-prefills max-long-partial-prefills long-prefill-token-threshold scheduling-policy
  scheduler-cls watermark prefill-schedule-interval stream-interval max-cudagraph-capture-size ir-op-priority
  moe-backend linear-backend speculative-config spec-method spec-model spec-tokens diffusion-config kv-transfer-config
  kv-events-config ec-transfer-config compilation-config attention-config reasoning-config kernel-config
  additional-config structured-outputs-config profiler-config optimization-level performance-mode
  weight-transfer-config shutdown-timeout gdn-prefill-backend
`);

/** Take one value or more. */
const lists = namesOf(`
  lora-modules api-key allowed-media-domains served-model-name logits-processors ignore-patterns numa-bind-nodes
  numa-bind-cpus kv-cache-dtype-skip-layers cpu-offload-params offload-params lora-target-modules
  collect-detailed-traces cudagraph-capture-sizes
`);

/** KAITO's own, which its script takes out before vLLM sees the rest. */
const kaitoFlags = namesOf(`
  kaito-adapters-dir kaito-config-file kaito-max-probe-steps kaito-kv-cache-cpu-memory-utilization kaito-disable-rate-limit
`);

const shortNames: Readonly<Record<string, string>> = {
  '-tp': '--tensor-parallel-size',
  '-pp': '--pipeline-parallel-size',
  '-dp': '--data-parallel-size',
  '-q': '--quantization',
  '-O': '--optimization-level',
};

export type ParsedFlags =
  | { kind: 'flags'; flags: ReadonlyMap<string, readonly string[]> }
  | { kind: 'refused'; message: string };

/** Reads arguments as vLLM's parser does: underscores are dashes, dotted names set one field of a JSON option. */
export const parseFlags = (words: readonly string[]): ParsedFlags => {
  const flags = new Map<string, string[]>();
  const unrecognized: string[] = [];
  let modelTag: string | undefined;
  let index = 0;
  while (index < words.length) {
    const word = words[index++] ?? '';
    const [, long = '', inline] = /^--(?<name>[^=]+)(?:=(?<value>.*))?$/s.exec(shortNames[word] ?? word) ?? [];
    const name = long.replaceAll('_', '-');
    const base = name.split('.', 1)[0] ?? '';
    if (name === '') {
      // One stray word is taken for the model; the second has no place.
      if (modelTag === undefined && !word.startsWith('-')) modelTag = word;
      else unrecognized.push(word);
    } else if (switches.has(name) || toggles.has(name) || name === 'kaito-disable-rate-limit') {
      if (inline !== undefined) return { kind: 'refused', message: `argument --${name}: ignored explicit argument '${inline}'` };
      flags.set(name, []);
    } else if (name.startsWith('no-') && toggles.has(name.slice(3))) {
      flags.delete(name.slice(3));
    } else if (values.has(base) || kaitoFlags.has(base) || lists.has(base)) {
      const taken = inline === undefined ? [] : [inline];
      while (index < words.length && (taken.length === 0 || lists.has(base)) && inline === undefined) {
        const next = words[index] ?? '';
        if (next.startsWith('-') && !/^-\d/.test(next)) break;
        taken.push(next);
        index += 1;
      }
      if (taken.length === 0) return { kind: 'refused', message: `argument --${name}: expected ${lists.has(base) ? 'at least ' : ''}one argument` };
      flags.set(name, taken);
    } else {
      unrecognized.push(word);
    }
  }
  if (unrecognized.length > 0) return { kind: 'refused', message: `unrecognized arguments: ${unrecognized.join(' ')}` };
  return { kind: 'flags', flags: modelTag === undefined ? flags : flags.set('model-tag', [modelTag]) };
};

/** What argparse prints before its complaint: every option there is. */
export const usage = (): string => {
  const options = [
    '[-h]',
    ...[...switches].map((name) => `[--${name}]`),
    ...[...toggles].map((name) => `[--${name} | --no-${name}]`),
    ...[...values].map((name) => `[--${name} ${metavar(name)}]`),
    ...[...lists].map((name) => `[--${name} ${metavar(name)} [${metavar(name)} ...]]`),
    '[model_tag]',
  ];
  return `usage: inference_api.py ${options.join('\n                        ')}\n`;
};

const metavar = (name: string): string => name.toUpperCase().replaceAll('-', '_');
