import { parseQuantity } from '../controllers/quantity.ts';
import type { FieldProblem } from './errors.ts';
import { type JsonRecord, recordAt, textAt } from './json.ts';
import { labelKey } from './names.ts';
import { byRule, problemAt, required } from './problems.ts';

const standard = /^(?:cpu|memory|ephemeral-storage|storage|hugepages-.+)$/;

/** What a container may ask for: requests within limits, and devices whole and not overcommitted. */
export const resourceProblems = (container: unknown, path: string): FieldProblem[] => {
  const [limits, requests] = [recordAt(container, 'resources', 'limits'), recordAt(container, 'resources', 'requests')];
  return [
    ...Object.entries(limits).flatMap(([name, amount]) => amountProblems(name, amount, `${path}.limits[${name}]`)),
    ...Object.entries(requests).flatMap(([name, amount]) => [...amountProblems(name, amount, `${path}.requests[${name}]`), ...ratioProblems(name, amount, limits, path)]),
  ];
};

const amountProblems = (name: string, amount: unknown, field: string): FieldProblem[] => {
  const isQualified = name.includes('/');
  const value = parseQuantity(amount) ?? 0;
  return [
    ...byRule(field, name, labelKey),
    ...(isQualified || standard.test(name) ? [] : [problemAt(field, name, 'must be a standard resource for containers')]),
    ...(isQualified || standard.test(name) || labelKey(name).length > 0 ? [] : [problemAt(field, name, 'must be a standard resource type or fully qualified')]),
    ...(value < 0 ? [problemAt(field, amount, 'must be greater than or equal to 0')] : []),
    ...(isQualified && !Number.isInteger(value) ? [problemAt(field, amount, 'must be an integer')] : []),
  ];
};

const ratioProblems = (name: string, amount: unknown, limits: JsonRecord, path: string): FieldProblem[] => {
  const limit = textAt(limits, name);
  const isDevice = name.includes('/');
  if (limit === undefined) return isDevice ? [required(`${path}.limits`, 'Limit must be set for non overcommitable resources')] : [];
  const [asked, allowed] = [parseQuantity(amount) ?? 0, parseQuantity(limit) ?? 0];
  if (isDevice && asked !== allowed) return [problemAt(`${path}.requests`, amount, `must be equal to ${name} limit of ${limit}`)];
  return asked > allowed ? [problemAt(`${path}.requests`, amount, `must be less than or equal to ${name} limit of ${limit}`)] : [];
};
