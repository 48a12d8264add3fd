import { setTimeout as delay } from 'node:timers/promises';

/**
 * The sandbox's own time: delays pass `speed` times faster than on the wall, so that ten minutes of node start take a
 * second. Time stamps stay on the wall's clock, or objects would seem to come from the future.
 */
export interface SandboxClock {
  now(): Date;
  /** In sandbox time. Rejects with the signal's reason when it aborts first. */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
}

export const createSandboxClock = (speed: number): SandboxClock => ({
  now: () => new Date(),
  sleep: (durationMs, signal) => delay(durationMs / speed, undefined, signal ? { signal } : {}),
});
