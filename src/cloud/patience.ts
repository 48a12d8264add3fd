import type { Clock } from '../domain/clock.ts';
import type { CloudCall } from './cloud.ts';

/** What to wait for before the same call may go well; undefined: it will not. */
export interface Setback {
  /** As the end of a sentence: `Azure is asked too often`. */
  why: string;
  /** As Azure asked for. */
  waitMs?: number;
}

/** AKS names waits of seconds to some minutes; a longer one is told to the user instead of slept through. */
const patienceMs = 5 * 60_000;
const backoffMs = [1000, 3000, 9000];

/**
 * Calls again after passing troubles: as long as Azure asks for, three times where it asks for nothing, five minutes in
 * all. The SDK's own retries are switched off, as they wait without a word. The last error is thrown as it came.
 */
export const withPatience = async <T>(attempt: () => Promise<T>, judge: (error: unknown) => Setback | undefined, clock: Clock, { signal, onWait }: CloudCall): Promise<T> => {
  const startedAtMs = clock.now();
  for (let count = 0; ; count += 1) {
    signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      signal?.throwIfAborted();
      const setback = judge(error);
      const waitMs = setback?.waitMs ?? backoffMs[count];
      if (!setback || waitMs === undefined || clock.now() - startedAtMs + waitMs > patienceMs) throw error;
      onWait?.(`${setback.why}: trying again in ${Math.ceil(waitMs / 1000)} s`);
      await clock.sleep(waitMs, signal);
    }
  }
};
