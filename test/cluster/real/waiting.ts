import { setTimeout as pause } from 'node:timers/promises';

/**
 * What takes a second alone takes a minute on a machine that is busy with others. A bound is only for what never comes.
 */
export const patienceMs = 150_000;

/** Asks until there is an answer other than undefined or false. `failed` ends the wait early, by throwing. */
export const waitFor = async <T>(
  what: string,
  timeoutMs: number,
  ask: () => Promise<T | undefined | false>,
  explain: () => string | Promise<string> = () => '',
): Promise<T> => {
  const until = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > until) {
      const because = await explain();
      throw new Error(`Gave up on ${what} after ${Math.round(timeoutMs / 1000)} s.${because === '' ? '' : `\n${because}`}`);
    }
    await pause(50);
  }
};
