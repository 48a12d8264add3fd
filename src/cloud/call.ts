import type { Clock } from '../domain/clock.ts';
import { FailedError, KaitoError } from '../domain/errors.ts';
import type { CloudCall } from './cloud.ts';
import { toCloudError } from './errors.ts';
import type { FailureContext } from './errors.ts';
import { isPassingNetworkTrouble, toNetworkError } from './network-errors.ts';
import { withPatience } from './patience.ts';
import type { Setback } from './patience.ts';
import { createWire, readFailure } from './wire.ts';
import type { Wire } from './wire.ts';

/** How every call to Azure is made: again after passing troubles, and its failure told in our words. */
export interface Caller {
  call: <T>(context: FailureContext, options: CloudCall, attempt: (wire: Wire) => Promise<T>) => Promise<T>;
  toError: (error: unknown, wire: Wire, context: FailureContext) => KaitoError;
}

export const createCaller = (endpoint: string, clock: Clock): Caller => {
  const host = URL.parse(endpoint)?.host ?? endpoint;

  const toError = (error: unknown, wire: Wire, context: FailureContext): KaitoError => {
    if (error instanceof KaitoError) return error;
    const failure = readFailure(error, wire);
    if (failure) return toCloudError(failure, context);
    return (
      toNetworkError(error, { doing: context.doing, host }) ??
      new FailedError(`Azure gave an answer for ${context.doing} that is not understood.`, { fact: error instanceof Error ? error.message : String(error), cause: error })
    );
  };

  const judge = (error: unknown, wire: Wire): Setback | undefined => {
    if (error instanceof KaitoError) return undefined;
    const waitMs = wire.last?.retryAfterMs;
    const asked = waitMs === undefined ? {} : { waitMs };
    const statusCode = readFailure(error, wire)?.statusCode;
    if (statusCode === 429) return { why: 'Azure is asked too often', ...asked };
    if (statusCode === 408 || (statusCode !== undefined && statusCode >= 500)) return { why: `Azure answered ${statusCode}`, ...asked };
    return isPassingNetworkTrouble(error) ? { why: `The connection to ${host} broke` } : undefined;
  };

  return {
    toError,
    async call(context, options, attempt) {
      const wire = createWire();
      try {
        return await withPatience(() => attempt(wire), (error) => judge(error, wire), clock, options);
      } catch (error) {
        options.signal?.throwIfAborted();
        throw toError(error, wire, context);
      }
    },
  };
};
