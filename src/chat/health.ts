import type { Clock } from '../domain/clock.ts';
import { TimeoutError, UsageError } from '../domain/errors.ts';
import { sanitise } from '../terminal/sanitise.ts';
import { describeBody } from './errors.ts';
import type { ChatEvent, WeightsProgress } from './events.ts';
import { get, type Reply } from './http.ts';

/** Where the model server is now. The caller opens it anew when the pod behind it was replaced. */
export interface Connection {
  /** The server's root, without `/v1` and without a slash at the end. */
  baseUrl(): Promise<string>;
  /** Why it does not answer, as far as its pods show; rejects when no waiting will mend that. */
  explain?(signal: AbortSignal): Promise<string | undefined>;
  /** Commands that show more of it. */
  hints?: readonly string[];
}

export interface ReadinessOptions {
  connection: Connection;
  clock: Clock;
  signal: AbortSignal;
  timeoutMs: number;
  pollIntervalMs?: number;
  /** How often an unchanged reason is told again. */
  heartbeatMs?: number;
}

/** Waits until `/health` answers 200, telling why it waits; TimeoutError with the last reason when it does not in time. */
export async function* waitUntilReady(options: ReadinessOptions): AsyncGenerator<ChatEvent> {
  const { connection, clock, signal, timeoutMs, pollIntervalMs = 1000, heartbeatMs = 10_000 } = options;
  const startedAt = clock.now();
  let toldReason = '';
  let toldAt = -Infinity;
  for (;;) {
    const health = await observeHealth(await connection.baseUrl(), signal);
    if (health.isReady) return;

    // Weights that load are explained by the server itself.
    const reason = (health.weights ? undefined : await connection.explain?.(signal)) ?? health.reason;
    const elapsedMs = clock.now() - startedAt;
    if (elapsedMs >= timeoutMs) {
      throw new TimeoutError(`The model server was not ready within ${Math.round(timeoutMs / 1000)} seconds.`, {
        fact: reason,
        hints: connection.hints ?? [],
      });
    }
    if (reason !== toldReason || clock.now() - toldAt >= heartbeatMs) {
      toldReason = reason;
      toldAt = clock.now();
      yield { type: 'waiting', reason, elapsedMs, timeoutMs, ...(health.weights ? { weights: health.weights } : {}) };
    }
    await clock.sleep(Math.min(pollIntervalMs, timeoutMs - elapsedMs), signal);
  }
}

type Health = { isReady: true } | { isReady: false; reason: string; weights?: WeightsProgress };

/**
 * vLLM with a Hugging Face id opens its port at once and answers 404 with an empty body until the weights are there;
 * every other server refuses the connection until it is ready. Early images answer 404 with a body, and 200 on `/healthz`.
 * https://github.com/kaito-project/kaito/blob/056b8280/presets/workspace/inference/vllm/inference_api.py#L368
 */
const observeHealth = async (baseUrl: string, signal: AbortSignal): Promise<Health> => {
  const reply = await get(`${baseUrl}/health`, { signal });
  // Ports that browsers never open, such as 6000: https://fetch.spec.whatwg.org/#port-blocking
  if (!reply.isReached && /\bbad port\b/.test(reply.fact)) {
    throw new UsageError(`HTTP clients refuse to open port ${new URL(baseUrl).port}.`, { reason: 'BlockedPort', fact: 'It is one of those that belong to other protocols.', hints: ['Choose another --port, or leave it out for any that is free.'] });
  }
  if (!reply.isReached) return { isReady: false, reason: `the model server is starting (${reply.fact})` };
  if (reply.status === 200) return { isReady: true };
  if (reply.status !== 404) return { isReady: false, reason: `the model server is not healthy (${describeStatus(reply)})` };
  if (reply.body !== '') {
    const early = await get(`${baseUrl}/healthz`, { signal });
    return early.isReached && early.status === 200 ? { isReady: true } : { isReady: false, reason: `the server answers, but not as a model server (${describeStatus(reply)})` };
  }
  const metrics = await get(`${baseUrl}/metrics`, { signal });
  return { isReady: false, reason: 'the weights are loading', weights: metrics.isReached ? parseWeightsProgress(metrics.body) : {} };
};

/** KAITO's two gauges; -1 stands for unknown, and before the first measurement the speed is 0. */
export const parseWeightsProgress = (metrics: string): WeightsProgress => {
  const bytesPerSecond = readGauge(metrics, 'kaito_model_download_speed_bytes_per_second');
  const remainingSeconds = readGauge(metrics, 'kaito_model_download_remaining_seconds');
  return {
    ...(bytesPerSecond !== undefined && bytesPerSecond > 0 ? { bytesPerSecond } : {}),
    ...(remainingSeconds !== undefined && remainingSeconds >= 0 ? { remainingSeconds } : {}),
  };
};

const readGauge = (metrics: string, name: string): number | undefined => {
  const text = new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)`, 'm').exec(metrics)?.[1];
  const value = Number(text);
  return text !== undefined && Number.isFinite(value) ? value : undefined;
};

const describeStatus = (reply: Extract<Reply, { isReached: true }>): string => sanitise(`HTTP ${reply.status} ${describeBody(reply.body)}`.trim());
