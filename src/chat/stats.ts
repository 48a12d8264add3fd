import type { Answer, Timings, Usage } from './events.ts';

export const toTimings = (times: { startedAtMs: number; firstTokenAtMs: number | null }, endedAtMs: number, usage: Usage | null): Timings => {
  const { startedAtMs, firstTokenAtMs } = times;
  const generationMs = firstTokenAtMs === null ? 0 : endedAtMs - firstTokenAtMs;
  // The first token is there when the clock starts, so the rest is what took the time.
  const timedTokens = (usage?.completionTokens ?? 0) - 1;
  return {
    timeToFirstTokenMs: firstTokenAtMs === null ? null : Math.round(firstTokenAtMs - startedAtMs),
    totalMs: Math.round(endedAtMs - startedAtMs),
    tokensPerSecond: timedTokens > 0 && generationMs > 0 ? Math.round((timedTokens / generationMs) * 10_000) / 10 : null,
  };
};

/** `first token 0.21 s, 38.2 tokens/s, 120 tokens in 3.3 s, prompt 57 tokens`. */
export const renderStats = ({ usage, timings, finishReason }: Answer): string => {
  const { timeToFirstTokenMs, totalMs, tokensPerSecond } = timings;
  return [
    timeToFirstTokenMs === null ? 'no token came' : `first token ${seconds(timeToFirstTokenMs)}`,
    ...(tokensPerSecond === null ? [] : [`${tokensPerSecond} tokens/s`]),
    usage ? `${usage.completionTokens} tokens in ${seconds(totalMs)}, prompt ${usage.promptTokens} tokens` : `${seconds(totalMs)} in all, tokens not counted`,
    ...(finishReason === 'stop' ? [] : [`ended by ${finishReason}`]),
  ].join(', ');
};

const seconds = (durationMs: number): string => `${(durationMs / 1000).toFixed(durationMs < 10_000 ? 2 : 1)} s`;
