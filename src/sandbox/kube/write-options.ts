import type { IncomingMessage } from 'node:http';
import { type FieldProblem, invalid, type StatusError } from './errors.ts';

/** What the query of a write says beside the object. */
export interface WriteRequest {
  isDryRun: boolean;
  /** Who writes: the query says so, or else the client's name, as in `kubectl/v1.32.0 (linux/amd64)`. */
  manager: string;
  fieldValidation: 'Strict' | 'Warn' | 'Ignore';
  force: boolean;
}

const longestManager = 128;

/** Throws 422 with everything that is wrong with it. `isApply`: apply needs to know who applies. */
export const readWriteOptions = (request: IncomingMessage, query: URLSearchParams, kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions', isApply = false): WriteRequest => {
  const given = query.get('fieldManager') ?? '';
  const validation = query.get('fieldValidation') ?? '';
  const force = query.get('force') === 'true';
  const problems: FieldProblem[] = [
    ...dryRunProblems(query.getAll('dryRun')),
    ...(isApply && !given ? [{ type: 'Required', field: 'fieldManager', detail: 'is required for apply patch' } as const] : []),
    ...(force && !isApply && kind === 'PatchOptions' ? [{ type: 'Forbidden', field: 'force', detail: 'may not be specified for non-apply patch' } as const] : []),
    ...(given.length > longestManager ? [{ type: 'TooLong', field: 'fieldManager', detail: `may not be more than ${longestManager} bytes` } as const] : []),
    ...(isLevel(validation) || validation === '' ? [] : [{ type: 'NotSupported', field: 'fieldValidation', value: validation, detail: 'supported values: "", "Ignore", "Strict", "Warn"' } as const]),
  ];
  if (problems.length > 0) throw invalidOptions(kind, problems);
  return {
    isDryRun: query.has('dryRun'),
    manager: given || (request.headers['user-agent'] ?? '').split('/')[0] || 'unknown',
    fieldValidation: isLevel(validation) ? validation : 'Warn',
    force,
  };
};

/** `dryRun=All` is the only value there is. */
export const dryRunProblems = (values: readonly string[]): FieldProblem[] =>
  values.every((value) => value === 'All') ? [] : [{ type: 'NotSupported', field: 'dryRun', value: values, detail: 'supported values: "All"' }];

export const invalidOptions = (kind: string, problems: readonly FieldProblem[]): StatusError => invalid('meta.k8s.io', kind, '', problems);

const isLevel = (text: string): text is WriteRequest['fieldValidation'] => ['Strict', 'Warn', 'Ignore'].includes(text);
