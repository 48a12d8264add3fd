import { describeCause } from './errors.ts';

/** A short request to the model server: it either answered something or could not be reached. */
export type Reply = { isReached: true; status: number; body: string } | { isReached: false; fact: string };

export interface RequestOptions {
  signal: AbortSignal;
  timeoutMs?: number;
  /** For a server started with `--api-key`. */
  apiKey?: string;
}

/** Rejects only with the signal's reason: that a server is not there yet is an answer here, not a failure. */
export const get = async (url: string, { signal, timeoutMs = 10_000, apiKey }: RequestOptions): Promise<Reply> => {
  const limit = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, { signal: AbortSignal.any([signal, limit]), ...(apiKey === undefined ? {} : { headers: { authorization: `Bearer ${apiKey}` } }) });
    return { isReached: true, status: response.status, body: await response.text() };
  } catch (error) {
    signal.throwIfAborted();
    return { isReached: false, fact: limit.aborted ? `no answer within ${timeoutMs} ms` : describeCause(error) };
  }
};
