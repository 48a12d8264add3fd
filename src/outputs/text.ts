import type { Event } from '../domain/event.ts';
import { renderHints } from './error-text.ts';
import { createNarrator } from './narration.ts';
import type { Output, OutputTarget } from './output.ts';
import { toPlainEvent } from './plain.ts';
import { renderPlan } from './plan-text.ts';
import { renderStatuses } from './status-text.ts';
import { renderTable } from './table.ts';

/** For people: narration on stderr, results as text on stdout. */
export const text = (target: OutputTarget, options: { wide?: boolean } = {}): Output => {
  const narrator = createNarrator(target);
  const { outStyle, errStyle } = target;
  const data = async (event: Event): Promise<string | undefined> => {
    switch (event.type) {
      case 'planned':
        return event.dryRun ? renderPlan(event.plan, outStyle, target.isOutTty ? target.columns : undefined) : undefined;
      case 'statuses':
        return renderStatuses(event.statuses, { wide: event.wide || options.wide === true, namespace: event.namespace, now: target.now() }, outStyle);
      case 'table':
        return renderTable(event.columns, event.rows);
      case 'item':
      case 'text':
      case 'log':
        return event.text;
      case 'result':
        return event.summary.map((line) => `${line}\n`).join('');
      default:
        return undefined;
    }
  };
  return {
    async handle(event) {
      const text = await data(toPlainEvent(event, target));
      if (text !== undefined && text !== '') {
        await narrator.finish();
        await target.writeOut(text);
      }
      await narrator.tell(event);
      if (event.type === 'result' && !target.isQuiet) for (const hint of renderHints(event.hints ?? [], errStyle)) await target.writeErr(`${hint}\n`);
    },
    finish: () => narrator.finish(),
  };
};
