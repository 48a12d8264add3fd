import type { FieldProblem } from './errors.ts';
import { invalidOptions } from './write-options.ts';

/**
 * Refuses what does not go together in the query of a list or a watch.
 * https://github.com/kubernetes/kubernetes/blob/v1.36.3/staging/src/k8s.io/apimachinery/pkg/apis/meta/internalversion/validation/validation.go
 */
export const refuseListOptions = (query: URLSearchParams, isWatch = false): void => {
  const match = query.get('resourceVersionMatch') ?? '';
  const version = query.get('resourceVersion') ?? '';
  const problems = isWatch ? watchProblems(match, query.get('sendInitialEvents')) : listProblems({ match, version, query });
  if (problems.length > 0) throw invalidOptions('ListOptions', problems);
};

const forbidden = (field: string, detail: string): FieldProblem => ({ type: 'Forbidden', field, detail });

const matchField = 'resourceVersionMatch';

const listProblems = ({ match, version, query }: { match: string; version: string; query: URLSearchParams }): FieldProblem[] => {
  if (query.has('sendInitialEvents')) return [forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list')];
  if (match === '') return [];
  return [
    ...(version === '' ? [forbidden(matchField, 'resourceVersionMatch is forbidden unless resourceVersion is provided')] : []),
    ...(query.get('continue') ? [forbidden(matchField, 'resourceVersionMatch is forbidden when continue is provided')] : []),
    ...(match === 'Exact' || match === 'NotOlderThan' ? [] : [{ type: 'NotSupported', field: matchField, value: match, detail: 'supported values: "Exact", "NotOlderThan", ""' } as const]),
    ...(match === 'Exact' && version === '0' ? [forbidden(matchField, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"')] : []),
  ];
};

const watchProblems = (match: string, sendInitialEvents: string | null): FieldProblem[] => {
  if (sendInitialEvents === null) return match === '' ? [] : [forbidden(matchField, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided')];
  if (match === 'NotOlderThan') return [];
  return [
    forbidden(matchField, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'),
    ...(match === '' ? [] : [{ type: 'NotSupported', field: matchField, value: match, detail: 'supported values: "NotOlderThan"' } as const]),
  ];
};
