import type { Clock } from '../../src/domain/clock.ts';

/** Time that stands still until a test moves it. */
export interface ManualClock extends Clock {
  /** Moves on, waking every sleeper at its moment and letting what it does then happen before the next one. */
  advance(durationMs: number): Promise<void>;
  sleeperCount(): number;
}

interface Sleeper {
  wakesAt: number;
  wake(): void;
}

/** 2026-01-01T00:00:00Z. */
export const startOfTime = Date.UTC(2026, 0, 1);

export const createManualClock = (): ManualClock => {
  const sleepers = new Set<Sleeper>();
  let now = startOfTime;
  return {
    now: () => now,
    sleep: (durationMs, signal) =>
      new Promise((resolve, reject) => {
        const end = (settle: () => void): void => {
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', onAbort);
          settle();
        };
        const onAbort = (): void => end(() => reject(signal?.reason));
        const sleeper: Sleeper = { wakesAt: now + durationMs, wake: () => end(resolve) };
        if (signal?.aborted) return onAbort();
        sleepers.add(sleeper);
        signal?.addEventListener('abort', onAbort);
      }),
    async advance(durationMs) {
      await settled();
      const until = now + durationMs;
      for (;;) {
        const [next] = [...sleepers].filter(({ wakesAt }) => wakesAt <= until).sort((left, right) => left.wakesAt - right.wakesAt);
        if (!next) break;
        now = Math.max(now, next.wakesAt);
        next.wake();
        await settled();
      }
      now = until;
    },
    sleeperCount: () => sleepers.size,
  };
};

/** Everything that can happen without time passing and without the outside world has happened. */
export const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
};
