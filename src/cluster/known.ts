import type { KubernetesObject } from '../domain/kubernetes.ts';
import type { WatchEvent } from './cluster.ts';

/** What the consumer of a watch has been told is there, by namespace and name. */
export type Known = Map<string, KubernetesObject>;

const keyOf = ({ metadata: { namespace = '', name } }: KubernetesObject): string => `${namespace}/${name}`;

type Change = Exclude<WatchEvent<KubernetesObject>, { type: 'synced' }>;

/** One event of the API as what it means for somebody who knows `known`, which is brought up to date. */
export const toChanges = (known: Known, type: string, object: KubernetesObject): Change[] => {
  const key = keyOf(object);
  const before = known.get(key);
  if (type === 'DELETED') {
    known.delete(key);
    return before === undefined ? [] : [{ type: 'deleted', object }];
  }
  known.set(key, object);
  return toDifference(before, object);
};

/** What must have happened between two lists. An object deleted and made again under its name is two events. */
export const toRelistChanges = (known: Known, items: readonly KubernetesObject[]): Change[] => {
  const present = new Set(items.map(keyOf));
  const gone = [...known].filter(([key]) => !present.has(key));
  const deleted = gone.map(([key, object]): Change => {
    known.delete(key);
    return { type: 'deleted', object };
  });
  return [...deleted, ...items.flatMap((item) => toChanges(known, 'LISTED', item))];
};

const toDifference = (before: KubernetesObject | undefined, after: KubernetesObject): Change[] => {
  if (before === undefined) return [{ type: 'added', object: after }];
  if (before.metadata.uid !== after.metadata.uid) {
    return [
      { type: 'deleted', object: before },
      { type: 'added', object: after },
    ];
  }
  return before.metadata.resourceVersion === after.metadata.resourceVersion ? [] : [{ type: 'modified', object: after }];
};
