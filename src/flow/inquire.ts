import { KaitoError } from '../domain/errors.ts';
import type { Requirement, RequirementAnswer } from '../domain/requirement.ts';

/** What a question builds on is not there; that it is not is told by the question about that. */
class NotAskedError extends Error {}

/** For questions that build on the answer of another. */
export const need = async <T>(wanted: Promise<T>, otherwise: string): Promise<T> => {
  try {
    return await wanted;
  } catch (cause) {
    throw new NotAskedError(otherwise, { cause });
  }
};

/**
 * The answer to one question, whatever becomes of the others: never rejects. `onFailure` is what a failure to ask means:
 * a server that does not answer is itself what is missing, a list that may not be read says nothing.
 */
export const inquire = async (what: string, onFailure: 'refused' | 'unknown', question: () => Promise<RequirementAnswer>): Promise<Requirement> => {
  try {
    return { what, ...(await question()) };
  } catch (error) {
    if (error instanceof NotAskedError) return { what, verdict: 'unknown', fact: error.message };
    if (!(error instanceof KaitoError)) return { what, verdict: 'unknown', fact: `a defect in kaito-ts: ${error instanceof Error ? error.message : String(error)}` };
    const [remedy] = error.hints;
    return { what, verdict: onFailure, fact: [error.message, error.fact].filter(Boolean).join(' '), ...(remedy === undefined ? {} : { remedy }) };
  }
};
