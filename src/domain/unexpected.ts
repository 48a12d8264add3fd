import { BugError, KaitoError } from './errors.ts';

/** Whatever was thrown, as one of ours: what nobody foresaw is a bug, and says so with all that is needed to report it. */
export const toKaitoError = (error: unknown, version: string): KaitoError => {
  if (error instanceof KaitoError) return error;
  const original = error instanceof Error ? error : new Error(String(error));
  return new BugError(`This is a defect in kaito-ts, not yours: ${original.message}`, {
    reason: 'Bug',
    ...(original.stack ? { fact: original.stack } : {}),
    hints: [`Please report it with the lines above and the command you ran (kaito-ts ${version}).`],
    cause: original,
  });
};
