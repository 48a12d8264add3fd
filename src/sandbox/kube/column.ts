import type { KubernetesObject } from '../../domain/kubernetes.ts';
import { humanAge } from './duration.ts';

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
