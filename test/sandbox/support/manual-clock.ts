import type { SandboxClock } from '../../../src/sandbox/clock.ts';

export interface ManualClock extends SandboxClock {
  /** Lets that much time pass, step by step, and everybody who woke up do what they woke up for. */
  advance(durationMs: number): Promise<void>;
}

/** Time that stands still until it is told to go on. */
export const createManualClock = (): ManualClock => {
  const startMs = Date.parse('2026-01-05T08:00:00Z');
  const sleepers = new Set<{ atMs: number; wake(): void }>();
  let nowMs = 0;
  /** Several turns of the event loop, as work started by a timer goes on in promises and streams. */
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    now: () => new Date(startMs + nowMs),
    sleep: (durationMs, signal) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      if (signal?.aborted) {
        reject(signal.reason);
        return promise;
      }
      const sleeper = { atMs: nowMs + durationMs, wake: resolve };
      sleepers.add(sleeper);
      signal?.addEventListener(
        'abort',
        () => {
          if (sleepers.delete(sleeper)) reject(signal.reason);
        },
        { once: true },
      );
      return promise;
    },
    async advance(durationMs) {
      await settle();
      const endMs = nowMs + durationMs;
      for (;;) {
        const next = [...sleepers].sort((left, right) => left.atMs - right.atMs)[0];
        if (!next || next.atMs > endMs) break;
        nowMs = Math.max(nowMs, next.atMs);
        sleepers.delete(next);
        next.wake();
        await settle();
      }
      nowMs = endMs;
      await settle();
    },
  };
};
