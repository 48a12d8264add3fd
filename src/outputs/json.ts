import { toData, toErrorData } from './data.ts';
import { createNarrator } from './narration.ts';
import type { Output, OutputTarget } from './output.ts';

/** One JSON value on stdout, when the command has said its last word: the result, or the error, which stderr tells too. */
export const json = (target: OutputTarget): Output => collected(target, async (value) => `${JSON.stringify(value, undefined, 2)}\n`);

/** The same, as YAML. */
export const yaml = (target: OutputTarget): Output =>
  collected(target, async (value) => {
    const { stringify } = await import('yaml');
    return stringify(value, { aliasDuplicateObjects: false, lineWidth: 0 });
  });

const collected = (target: OutputTarget, render: (value: unknown) => Promise<string>): Output => {
  const narrator = createNarrator(target);
  let last: unknown;
  let log = '';
  const items: unknown[] = [];
  return {
    async handle(event) {
      if (event.type === 'item') items.push(event.item);
      if (event.type === 'result' && event.staysOpen) await target.writeOut(await render(event.result));
      else if (event.type === 'failed') last = toErrorData(event.error);
      else last = toData(event) ?? last;
      if (event.type === 'log') log += event.text;
      await narrator.tell(event);
    },
    async finish() {
      await narrator.finish();
      const value = items.length > 0 ? { items } : (last ?? (log === '' ? undefined : { log }));
      if (value !== undefined) await target.writeOut(await render(value));
    },
  };
};
