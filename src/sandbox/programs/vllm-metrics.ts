/** Counters of a vLLM server, and their Prometheus text: the series that dashboards and clients of KAITO read. */
export interface VllmMetrics {
  started(): RequestMetrics;
  render(): string;
}

/** The life of one request; times are in sandbox seconds. */
export interface RequestMetrics {
  finished(request: FinishedRequest): void;
  /** Cut short by the end of the server. */
  dropped(): void;
}

export interface FinishedRequest {
  promptTokens: number;
  completionTokens: number;
  reason: 'stop' | 'length';
  firstTokenSeconds: number;
  seconds: number;
}

const latencyBuckets = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560];

interface Histogram {
  observe(value: number): void;
  render(name: string, help: string, labels: string): string;
}

export const createVllmMetrics = (model: string): VllmMetrics => {
  const totals = { running: 0, promptTokens: 0, generationTokens: 0, stop: 0, length: 0 };
  const firstToken = createHistogram();
  const endToEnd = createHistogram();
  const labels = `engine="0",model_name="${model}"`;
  return {
    started: () => {
      totals.running += 1;
      return {
        finished: ({ promptTokens, completionTokens, reason, firstTokenSeconds, seconds }) => {
          totals.running -= 1;
          totals.promptTokens += promptTokens;
          totals.generationTokens += completionTokens;
          totals[reason] += 1;
          firstToken.observe(firstTokenSeconds);
          endToEnd.observe(seconds);
        },
        dropped: () => {
          totals.running -= 1;
        },
      };
    },
    render: () =>
      [
        renderKaito({ bytesPerSecond: 0, remainingSeconds: 0 }),
        series('vllm:num_requests_running', 'gauge', 'Number of requests in model execution batches.', [[labels, totals.running]]),
        series('vllm:num_requests_waiting', 'gauge', 'Number of requests waiting to be processed.', [[labels, 0]]),
        series('vllm:kv_cache_usage_perc', 'gauge', 'KV-cache usage. 1 means 100 percent usage.', [[labels, totals.running / 128]]),
        series('vllm:prompt_tokens_total', 'counter', 'Number of prefill tokens processed.', [[labels, totals.promptTokens]]),
        series('vllm:generation_tokens_total', 'counter', 'Number of generation tokens processed.', [[labels, totals.generationTokens]]),
        series(
          'vllm:request_success_total',
          'counter',
          'Count of successfully processed requests.',
          (['stop', 'length', 'abort', 'error', 'repetition'] as const).map((reason) => [
            `engine="0",finished_reason="${reason}",model_name="${model}"`,
            reason === 'stop' || reason === 'length' ? totals[reason] : 0,
          ]),
        ),
        firstToken.render('vllm:time_to_first_token_seconds', 'Histogram of time to first token in seconds.', labels),
        endToEnd.render('vllm:e2e_request_latency_seconds', 'Histogram of e2e request latency in seconds.', labels),
      ].join(''),
  };
};

/** KAITO's own gauges, there from the moment the port opens. Remaining is -1 while unknown and 0 when done. */
export const renderKaito = (download: { bytesPerSecond: number; remainingSeconds: number }): string =>
  [
    series('kaito_ratelimit_rejected_total', 'counter', 'Requests rejected with HTTP 429 by the KAITO queue-depth rate limit guard', [['', 0]]),
    series('kaito_model_download_speed_bytes_per_second', 'gauge', 'Current model download speed in bytes per second', [
      ['', download.bytesPerSecond],
    ]),
    series('kaito_model_download_remaining_seconds', 'gauge', 'Estimated remaining time for model download in seconds; -1 when unknown', [
      ['', download.remainingSeconds],
    ]),
  ].join('');

export const metricsContentType = 'text/plain; version=1.0.0; charset=utf-8';

const series = (name: string, type: string, help: string, samples: readonly (readonly [labels: string, value: number])[]): string =>
  [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...samples.map(([labels, value]) => `${name}${labels === '' ? '' : `{${labels}}`} ${format(value)}`),
    '',
  ].join('\n');

const format = (value: number): string => (Number.isInteger(value) ? value.toFixed(1) : String(value));

const createHistogram = (): Histogram => {
  const values: { count: number; sum: number; buckets: number[] } = { count: 0, sum: 0, buckets: latencyBuckets.map(() => 0) };
  return {
    observe: (value) => {
      values.count += 1;
      values.sum += value;
      for (const [index, limit] of latencyBuckets.entries()) if (value <= limit) values.buckets[index] = (values.buckets[index] ?? 0) + 1;
    },
    render: (name, help, labels) => {
      const buckets = latencyBuckets.map((limit, index) => `${name}_bucket{le="${format(limit)}",${labels}} ${format(values.buckets[index] ?? 0)}`);
      return [
        `# HELP ${name} ${help}`,
        `# TYPE ${name} histogram`,
        ...buckets,
        `${name}_bucket{le="+Inf",${labels}} ${format(values.count)}`,
        `${name}_count{${labels}} ${format(values.count)}`,
        `${name}_sum{${labels}} ${format(values.sum)}`,
        '',
      ].join('\n');
    },
  };
};
