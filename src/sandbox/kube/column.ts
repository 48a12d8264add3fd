import type { KubernetesObject } from '../../domain/kubernetes.ts';
import { humanAge } from './duration.ts';
import { numberAt, recordAt, textAt } from './json.ts';

/** One column of `kubectl get`: how it is headed and what stands there. */
export interface Column {
  name: string;
  type?: 'string' | 'integer' | 'boolean';
  /** Shown by `-o wide` only. */
  isWide?: true;
  cell(object: KubernetesObject, now: Date): unknown;
}

export const nameColumn: Column = { name: 'Name', cell: (object) => object.metadata.name };

export const ageColumn: Column = { name: 'Age', cell: (object, now) => humanAge(object.metadata.creationTimestamp, now) };

export const text = (name: string, ...path: string[]): Column => ({ name, cell: (object) => textAt(object, ...path) ?? '' });

/** Nothing is none. */
export const count = (name: string, ...path: string[]): Column => ({ name, type: 'integer', cell: (object) => numberAt(object, ...path) ?? 0 });

export const wide = (column: Column): Column => ({ ...column, isWide: true });

export const computed = (name: string, cell: Column['cell']): Column => ({ name, cell });

/** `app=web,tier=front`. */
export const labelsOf = (labels: unknown): string =>
  Object.entries(recordAt({ labels }, 'labels'))
    .map(([key, value]) => `${key}=${String(value)}`)
    .sort()
    .join(',') || '<none>';
