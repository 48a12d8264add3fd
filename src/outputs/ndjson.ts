import type { Event } from '../domain/event.ts';
import { createNarrator } from './narration.ts';
import { toErrorData } from './data.ts';
import { renderError } from './error-text.ts';
import type { Output, OutputTarget } from './output.ts';
import { toPlainError } from './plain.ts';

/** Every event as it happens, one JSON object a line, with its time. An error is told on stderr as well. */
export const ndjson = (target: OutputTarget): Output => {
  // A stream of items is nothing but items, so that whatever reads it needs to know one shape.
  let isItems = false;
  const narrator = createNarrator(target);
  return {
    async handle(event) {
      const items = itemsOf(event);
      if (items) {
        isItems = true;
        for (const item of items) await target.writeOut(`${JSON.stringify(item)}\n`);
        return;
      }
      if (isItems && event.type === 'warning') await narrator.tell(event);
      const time = new Date(target.now()).toISOString();
      if (!isItems) await target.writeOut(`${JSON.stringify({ time, ...toLine(event) })}\n`);
      if (event.type === 'failed') await target.writeErr(renderError(toPlainError(event.error, target), target.errStyle));
    },
    async finish() {},
  };
};

const itemsOf = (event: Event): readonly unknown[] | undefined => (event.type === 'item' ? [event.item] : event.type === 'table' ? event.each : undefined);

const toLine = (event: Event): object => (event.type === 'failed' ? { type: 'failed', ...toErrorData(event.error) } : event);
