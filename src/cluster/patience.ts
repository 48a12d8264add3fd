import { KaitoError } from '../domain/errors.ts';
import { sleep } from './abort.ts';
import { isBrokenConnection, toConnectionError } from './connection-errors.ts';
import type { Access, Endpoint } from './endpoint.ts';
import { toKaitoError } from './errors.ts';
import type { Question } from './question.ts';
import type { Refusal } from './refusal.ts';

/** What a single try throws when the server did answer, and answered no. */
export class RefusedAnswer extends Error {
  readonly refusal: Refusal;
  /** What the server asked for, in its header or its Status. */
  readonly retryAfterMs: number | undefined;

  constructor(refusal: Refusal, retryAfterHeader?: string) {
    super(refusal.message);
    this.name = 'RefusedAnswer';
    this.refusal = refusal;
    const seconds = refusal.retryAfterSeconds ?? Number.parseInt(retryAfterHeader ?? '', 10);
    this.retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : undefined;
  }
}

export interface Patience {
  question: Question;
  /** Asking twice does no more than asking once. */
  isRepeatable: boolean;
  signal?: AbortSignal;
  timeoutMs?: number;
}

const mostTries = 5;

/**
 * Tries until there is an answer, a refusal that stays, or no time left. A new credential is asked for after one 401; 429
 * is repeated whatever was asked, for the server has not looked at it yet; 503 and a broken connection only where asking
 * twice is harmless. All that leaves here is one of `domain/errors.ts`, or the reason of the caller's signal.
 */
export const askPatiently = async <T>(endpoint: Endpoint, patience: Patience, askOnce: (access: Access, timeLeftMs: number) => Promise<T>): Promise<T> => {
  const { isRepeatable, signal } = patience;
  const { timing } = endpoint;
  let deadline: number | undefined;
  let isRenewed = false;
  for (let tries = 1; ; tries += 1) {
    signal?.throwIfAborted();
    const access = await endpoint.authorize(signal);
    // A login in a browser may come before the first byte, and is not the server's fault.
    deadline ??= Date.now() + (patience.timeoutMs ?? timing.callMs);
    let pauseMs = timing.retryMs * 2 ** (tries - 1) * (0.75 + Math.random() / 2);
    try {
      return await askOnce(access, Math.max(0, deadline - Date.now()));
    } catch (error) {
      signal?.throwIfAborted();
      const code = error instanceof RefusedAnswer ? error.refusal.code : undefined;
      if (code === 401 && !isRenewed && endpoint.refuse(access)) {
        isRenewed = true;
        continue;
      }
      if (error instanceof RefusedAnswer) pauseMs = error.retryAfterMs ?? pauseMs;
      const isHarmless = code === 429 || (isRepeatable && (code === 503 || isBrokenConnection(error)));
      const isHopeless = tries >= mostTries || pauseMs > timing.longestRetryMs || Date.now() + pauseMs >= deadline;
      if (!isHarmless || isHopeless) throw toFinalError(error, patience, endpoint);
    }
    await sleep(pauseMs, signal);
  }
};

const toFinalError = (error: unknown, { question }: Patience, { server }: Endpoint): KaitoError => {
  if (error instanceof RefusedAnswer) return toKaitoError(error.refusal, question, server);
  return error instanceof KaitoError ? error : toConnectionError(error, server);
};
