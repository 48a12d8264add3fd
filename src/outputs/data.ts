import type { KaitoError } from '../domain/errors.ts';
import type { Event } from '../domain/event.ts';

/** What an event says to a machine; undefined for narration. */
export const toData = (event: Event): unknown => {
  switch (event.type) {
    case 'planned':
      return event.dryRun ? event.plan : undefined;
    case 'statuses':
      return { items: event.statuses };
    case 'table':
      return event.data;
    case 'text':
      return { text: event.text };
    case 'result':
      return event.result;
    default:
      return undefined;
  }
};

export const toErrorData = (error: KaitoError) => ({
  error: error.name,
  reason: error.reason,
  message: error.message,
  ...(error.fact === undefined ? {} : { fact: error.fact }),
  hints: error.hints,
  exitCode: error.exitCode,
});
