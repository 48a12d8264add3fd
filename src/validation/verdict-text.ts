import type { Remark } from '../domain/errors.ts';
import type { Problem, Verdict } from './problem.ts';

/** As a compiler says it: `file.yaml:12:5: error: ... [code]`, and the mending below. Nothing for what is in order. */
export const renderVerdict = ({ source, problems }: Verdict): string => problems.map((problem) => renderProblem(source, problem)).join('');

const renderProblem = (source: string, { line, column, severity, message, code, fix }: Problem): string =>
  `${source === '-' ? '<stdin>' : source}:${line}:${column}: ${severity}: ${oneLine(message)} [${code}]\n    fix: ${oneLine(fix)}\n`;

/** The same for those who show it beside the file. */
export const toRemarks = ({ source, problems }: { source: string; problems: readonly Problem[] }): Remark[] =>
  problems.map(({ code, severity, message, fix, line, column }) => ({ severity, code, message: `${oneLine(message)}\n${oneLine(fix)}`, ...(source === '-' ? {} : { file: source }), line, column }));

/** Control characters of a file do not reach a terminal. */
const oneLine = (text: string): string => text.replaceAll(/\s*\n\s*/g, ' ').replaceAll(/[\u0000-\u001F\u007F-\u009F]/g, '\uFFFD');

export interface Summary {
  result: { documents: number; valid: number; invalid: number; errors: number; warnings: number };
  line: string;
}

export const summarise = (verdicts: readonly Verdict[]): Summary => {
  const problems = verdicts.flatMap((verdict) => verdict.problems);
  const invalid = verdicts.filter(({ verdict }) => verdict === 'invalid').length;
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const result = { documents: verdicts.length, valid: verdicts.length - invalid, invalid, errors, warnings: problems.length - errors };
  return { result, line: `${count(result.documents, 'document')}: ${result.valid} valid, ${invalid} invalid (${count(errors, 'error')}, ${count(result.warnings, 'warning')})` };
};

const count = (amount: number, noun: string): string => `${amount} ${noun}${amount === 1 ? '' : 's'}`;
