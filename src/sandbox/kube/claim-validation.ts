import { parseQuantity } from '../controllers/quantity.ts';
import type { FieldProblem } from './errors.ts';
import { type JsonRecord, listAt, textAt } from './json.ts';
import { subdomain } from './names.ts';
import { byRule, oneOf, problemAt, required } from './problems.ts';

const modes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];

/** A claim's spec, at `path`. */
export const claimProblems = (spec: JsonRecord, path: string): FieldProblem[] => {
  const size = textAt(spec, 'resources', 'requests', 'storage');
  return [
    ...(listAt(spec, 'accessModes').length > 0 ? [] : [required(`${path}.accessModes`, 'at least 1 access mode is required')]),
    ...listAt(spec, 'accessModes').flatMap((mode) => oneOf(`${path}.accessModes`, mode, modes)),
    ...(size ? [] : [required(`${path}.resources[storage]`)]),
    ...(size && (parseQuantity(size) ?? 0) <= 0 ? [problemAt(`${path}.resources[storage]`, size, 'must be greater than zero')] : []),
    ...byRule(`${path}.storageClassName`, spec['storageClassName'] || undefined, subdomain),
    ...oneOf(`${path}.volumeMode`, spec['volumeMode'], ['Block', 'Filesystem']),
  ];
};
