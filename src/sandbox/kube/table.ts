import type { KubernetesObject } from '../../domain/kubernetes.ts';
import { columnsOf } from './columns.ts';
import type { JsonRecord } from './json.ts';

export interface TableOptions {
  kind: string;
  metadata: JsonRecord;
  now: Date;
  /** What each row carries beside its cells: `Metadata`, `Object` or `None`. */
  includeObject: string;
}

/** Objects as rows, as the server lays them out for every client alike: `meta.k8s.io/v1` Table. */
export const toTable = (objects: readonly KubernetesObject[], { kind, metadata, now, includeObject }: TableOptions): JsonRecord => {
  const columns = columnsOf(kind);
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: columns.map(({ name, type = 'string', isWide }) => ({
      name,
      type,
      format: name === 'Name' ? 'name' : '',
      description: '',
      priority: isWide ? 1 : 0,
    })),
    rows: objects.map((object) => ({
      cells: columns.map((column) => column.cell(object, now)),
      ...(includeObject === 'None' ? {} : { object: includeObject === 'Object' ? object : toMetadata(object) }),
    })),
  };
};

/** `meta.k8s.io/v1` PartialObjectMetadata: who an object is, without what it says. */
export const toMetadata = ({ metadata }: KubernetesObject): JsonRecord => ({
  kind: 'PartialObjectMetadata',
  apiVersion: 'meta.k8s.io/v1',
  metadata,
});
