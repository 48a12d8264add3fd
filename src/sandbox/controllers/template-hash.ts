import { createHash } from 'node:crypto';
import { isRecord } from '../kube/json.ts';

/** The letters of generated names, which spell no words. */
const letters = 'bcdfghjklmnpqrstvwxz2456789';

/** Ten letters that follow from a pod template, however its fields are ordered. */
export const hashTemplate = (template: unknown): string =>
  [...createHash('sha256').update(JSON.stringify(sorted(template))).digest().subarray(0, 10)].map((byte) => letters[byte % letters.length]).join('');

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([field, item]) => [field, sorted(item)]),
  );
};
