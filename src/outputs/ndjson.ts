import type { Event } from '../domain/event.ts';
import { toErrorData } from './data.ts';
import { renderError } from './error-text.ts';
import type { Output, OutputTarget } from './output.ts';
import { toPlainError } from './plain.ts';

/** Every event as it happens, one JSON object a line, with its time. An error is told on stderr as well. */
export const ndjson = (target: OutputTarget): Output => {
  // A stream of items is nothing but items, so that whatever reads it needs to know one shape.
  let isItems = false;
  return {
    async handle(event) {
      if (event.type === 'item') {
        isItems = true;
        await target.writeOut(`${JSON.stringify(event.item)}\n`);
        return;
      }
      const time = new Date(target.now()).toISOString();
      if (!isItems) await target.writeOut(`${JSON.stringify({ time, ...toLine(event) })}\n`);
      if (event.type === 'failed') await target.writeErr(renderError(toPlainError(event.error, target), target.errStyle));
    },
    async finish() {},
  };
};

const toLine = (event: Event): object => (event.type === 'failed' ? { type: 'failed', ...toErrorData(event.error) } : event);
