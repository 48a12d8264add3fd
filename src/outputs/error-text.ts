import type { KaitoError } from '../domain/errors.ts';
import type { Chalk } from './style.ts';

/** What happened, the fact that shows it, what helps next. */
export const renderError = (error: Pick<KaitoError, 'message' | 'hints'> & { fact: string | undefined }, style: Chalk): string => {
  const lines = [`${style.red.bold('error:')} ${error.message}`];
  if (error.fact) lines.push(...indent(error.fact).map((line) => style.dim(line)));
  lines.push(...renderHints(error.hints, style));
  return `${lines.join('\n')}\n`;
};

export const renderHints = (hints: readonly string[], style: Chalk): string[] => hints.map((hint) => `${style.cyan('hint:')} ${hint}`);

const indent = (text: string): string[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => `  ${line}`);
