import { randomUUID } from 'node:crypto';
import type { SandboxClock } from '../clock.ts';
import { type ErrorDetail, OperationFailure } from './errors.ts';

/** How an operation can end. */
type Outcome = { status: 'Succeeded' } | { status: 'Canceled' } | { status: 'Failed'; error: ErrorDetail };

export interface Operation {
  readonly id: string;
  readonly startTime: Date;
  /** Undefined while it runs. */
  outcome?: Outcome & { endTime: Date };
  /** Resolves when there is an outcome, whichever it is. */
  settled: Promise<void>;
  cancel(): void;
}

export interface Operations {
  /**
   * Runs `work` behind an operation that clients can poll. `onEnd` is called before the outcome can be seen, so that a
   * client which hears of the end finds its resource in the state of the end.
   */
  start(work: (signal: AbortSignal) => Promise<void>, onEnd: (outcome: Outcome) => void): Operation;
  find(id: string): Operation | undefined;
  /** Cancels all that still run. */
  close(): Promise<void>;
}

export const createOperations = (clock: SandboxClock): Operations => {
  const operations = new Map<string, Operation>();

  return {
    start(work, onEnd) {
      const abort = new AbortController();
      const run = async (): Promise<void> => {
        const outcome = await outcomeOf(work(abort.signal), abort.signal);
        onEnd(outcome);
        operation.outcome = { ...outcome, endTime: clock.now() };
      };
      const operation: Operation = {
        id: randomUUID(),
        startTime: clock.now(),
        settled: Promise.resolve(),
        cancel: () => abort.abort(),
      };
      operations.set(operation.id, operation);
      operation.settled = run();
      return operation;
    },
    find: (id) => operations.get(id),
    async close() {
      for (const operation of operations.values()) operation.cancel();
      await Promise.all([...operations.values()].map(({ settled }) => settled));
    },
  };
};

/** Ends with the work or with the signal, whichever comes first: work that does not listen is not waited for. */
const outcomeOf = async (work: Promise<void>, signal: AbortSignal): Promise<Outcome> => {
  const cancelled = Promise.withResolvers<never>();
  const onAbort = (): void => cancelled.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([work, cancelled.promise]);
    return { status: 'Succeeded' };
  } catch (error) {
    if (signal.aborted) return { status: 'Canceled' };
    if (error instanceof OperationFailure) return { status: 'Failed', error: error.detail };
    return { status: 'Failed', error: { code: 'InternalOperationError', message: String(error) } };
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
};
