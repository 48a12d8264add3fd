import type { Output, OutputTarget } from './output.ts';
import { toPlainError } from './plain.ts';
import { text } from './text.ts';

/**
 * Text, and annotations that GitHub Actions shows beside the run.
 * https://docs.github.com/actions/reference/workflow-commands-for-github-actions
 */
export const github = (target: OutputTarget): Output => {
  const inner = text({ ...target, writeOut: (shown) => target.writeOut(disarm(shown)), writeErr: (shown) => target.writeErr(disarm(shown)) });
  return {
    async handle(event) {
      await inner.handle(event);
      if (event.type === 'warning') await target.writeErr(`::warning title=kaito-ts::${escape(target.plain(event.message))}\n`);
      if (event.type === 'failed') {
        const { message, fact, hints } = toPlainError(event.error, target);
        await target.writeErr(`::error title=kaito-ts ${event.error.reason}::${escape([message, fact, ...hints].filter(Boolean).join('\n'))}\n`);
      }
    },
    finish: () => inner.finish(),
  };
};

/** A line of a log that begins with two colons would be a command to the runner. */
const disarm = (shown: string): string => shown.replaceAll(/^(\s*):(?=:)/gm, '$1: ');

const escape = (message: string): string => message.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
