import { CapacityError, QuotaError } from '../domain/errors.ts';
import type { Event } from '../domain/event.ts';

/**
 * Tries the candidates in order: what Azure has no machines or no quota for is passed over, and every other failure ends
 * the attempt. The last candidate's failure is thrown.
 */
export async function* tryInOrder<Candidate>(candidates: readonly Candidate[], attempt: (candidate: Candidate) => AsyncGenerator<Event, void>): AsyncGenerator<Event, void> {
  for (const [index, candidate] of candidates.entries()) {
    try {
      yield* attempt(candidate);
      return;
    } catch (error) {
      const isPassedOver = error instanceof CapacityError || error instanceof QuotaError;
      if (!isPassedOver || index === candidates.length - 1) throw error;
      yield { type: 'warning', message: `${error.message} Trying ${String(candidates[index + 1])} next.`, ...(error.fact === undefined ? {} : { hints: [error.fact.split('\n')[0] ?? ''] }) };
    }
  }
}
