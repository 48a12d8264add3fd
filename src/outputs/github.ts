import type { Remark } from '../domain/errors.ts';
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
      const remarks = event.type === 'item' ? event.remarks : event.type === 'failed' ? event.error.remarks : undefined;
      for (const remark of remarks ?? []) await target.writeErr(annotate(remark, target.plain));
      if (event.type === 'failed' && event.error.remarks.length === 0) {
        const { message, fact, hints } = toPlainError(event.error, target);
        await target.writeErr(`::error title=kaito-ts ${event.error.reason}::${escape([message, fact, ...hints].filter(Boolean).join('\n'))}\n`);
      }
    },
    finish: () => inner.finish(),
  };
};

/** Shown beside the line of the file, where it is one of the repository. */
const annotate = ({ severity, code, message, file, line, column }: Remark, plain: (text: string) => string): string => {
  const place = file === undefined ? '' : `file=${escapeProperty(file)},line=${line},col=${column},`;
  return `::${severity} ${place}title=kaito-ts ${code}::${escape(plain(message))}\n`;
};

/** A line of a log that begins with two colons would be a command to the runner. */
const disarm = (shown: string): string => shown.replaceAll(/^(\s*):(?=:)/gm, '$1: ');

const escapeProperty = (value: string): string => escape(value).replaceAll(':', '%3A').replaceAll(',', '%2C');

const escape = (message: string): string => message.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
