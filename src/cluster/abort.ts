import { FailedError } from '../domain/errors.ts';
import type { Call } from './cluster.ts';

/** The bounds of a call alone, of options that may hold more. */
export const toCall = ({ signal, timeoutMs }: Call): Call => ({
  ...(signal === undefined ? {} : { signal }),
  ...(timeoutMs === undefined ? {} : { timeoutMs }),
});

/** What to throw when a signal has aborted: the reason it was given, which is an error wherever this program aborts. */
export const reasonOf = (signal: AbortSignal): Error =>
  signal.reason instanceof Error ? signal.reason : new FailedError('The call was cancelled.', { reason: 'Cancelled', cause: signal.reason });

/** The promise's outcome, or the signal's reason if that comes first. Leaves no listener behind. */
export const orAborted = <T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> => {
  if (signal === undefined) return promise;
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(reasonOf(signal));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
};

/** Calls back at once when the signal has aborted already. The answer takes the listener away again. */
export const onAbort = (signal: AbortSignal | undefined, listener: (reason: Error) => void): (() => void) => {
  if (signal === undefined) return () => undefined;
  const listen = (): void => listener(reasonOf(signal));
  if (signal.aborted) listen();
  else signal.addEventListener('abort', listen, { once: true });
  return () => signal.removeEventListener('abort', listen);
};

/** Rejects with the signal's reason when it aborts first. */
export const sleep = (durationMs: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      stop();
      resolve();
    }, durationMs);
    const stop = onAbort(signal, (reason) => {
      clearTimeout(timer);
      reject(reason);
    });
  });
