import type { KaitoError } from '../domain/errors.ts';
import type { Event } from '../domain/event.ts';
import type { OutputTarget } from './output.ts';

/**
 * An event as a terminal may show it: what came from a cluster, a cloud or a trainer must not steer it. Text that is itself
 * the data is left as its command made it.
 */
export const toPlainEvent = (event: Event, { plain }: Pick<OutputTarget, 'plain'>): Event => {
  switch (event.type) {
    case 'log':
    case 'text':
    case 'item':
    case 'failed':
      return event;
    default:
      // Nearly every event is harmless, and a table has thousands of texts.
      return mayHoldControls.test(JSON.stringify(event)) ? mapTexts(event, plain) : event;
  }
};

/** JSON writes the lower half of controls, and half a character, as escapes. */
const mayHoldControls = /\\[bfru]|[\u007F-\u009F]/;

/** What is told of an error. */
export const toPlainError = ({ message, fact, hints }: KaitoError, { plain }: Pick<OutputTarget, 'plain'>) => ({ message: plain(message), fact: fact === undefined ? undefined : plain(fact), hints: hints.map(plain) });

function mapTexts<T>(value: T, change: (text: string) => string): T;
function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((item: unknown) => mapTexts(item, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]: [string, unknown]) => [key, mapTexts(inner, change)]));
}
