import { stringify } from 'yaml';
import type { Cluster } from '../cluster/cluster.ts';
import { isKnownKind } from '../cluster/kinds.ts';
import { BugError } from '../domain/errors.ts';
import { describeObject, type KubernetesObject, type ObjectReference } from '../domain/kubernetes.ts';
import type { Plan } from '../domain/plan.ts';
import { recordName, type NodePoolRecord } from '../domain/record.ts';
import { unifiedDiff } from './line-diff.ts';
import { parseRecord, renderRecord, type StoredRecord } from './record.ts';

export interface ObjectDifference {
  object: ObjectReference;
  change: 'create' | 'change' | 'replace';
  /** As `diff -u` writes it. */
  text: string;
}

/** What carrying out a plan would change in each object, as the API server answers a rehearsal of it. Writes nothing. */
export async function* comparePlan(plan: Plan, cluster: Cluster, { signal, now }: { signal: AbortSignal; now: string }): AsyncGenerator<ObjectDifference, void> {
  const { name, namespace } = plan.workspace.metadata;
  const live = await cluster.get('ConfigMap', recordName(name), { namespace, signal });
  const stored = live && parseRecord(live);
  const replaced = new Set(plan.steps.flatMap((step) => (step.kind === 'delete-object' ? [describeObject(step.object)] : [])));
  for (const wanted of wantedObjects(plan, stored, now)) {
    const { kind } = wanted;
    if (!isKnownKind(kind)) throw new BugError(`The plan applies a ${kind}, which this program never makes.`);
    const before = await cluster.get(kind, wanted.metadata.name, { namespace, signal });
    const isReplaced = before !== undefined && replaced.has(describeObject({ kind, name: wanted.metadata.name }));
    // What goes first cannot be changed, and the rehearsal would be refused.
    const after = isReplaced ? wanted : (await cluster.apply(wanted, { dryRun: true, signal })).object;
    const text = diffObjects(before, after);
    if (text !== '') yield { object: { kind, name: wanted.metadata.name, namespace }, change: before === undefined ? 'create' : isReplaced ? 'replace' : 'change', text };
  }
}

const wantedObjects = ({ workspace, steps }: Plan, stored: StoredRecord | undefined, now: string): KubernetesObject[] =>
  steps.flatMap((step) => {
    if (step.kind === 'record') return [renderRecord({ workspace, revision: step.revision, createdAt: stored?.record.createdAt ?? now, ...toPool(step.nodePool ?? stored?.record.nodePool) })];
    if (step.kind !== 'apply') return [];
    // Before the first run nobody knows the uid of the owner.
    const owner = step.owned && stored ? [{ apiVersion: 'v1', kind: 'ConfigMap', name: recordName(workspace.metadata.name), uid: stored.uid, controller: false, blockOwnerDeletion: false }] : undefined;
    return [owner ? { ...step.object, metadata: { ...step.object.metadata, ownerReferences: owner } } : step.object];
  });

const toPool = (nodePool: NodePoolRecord | undefined): { nodePool?: NodePoolRecord } => (nodePool ? { nodePool } : {});

export const diffObjects = (before: KubernetesObject | undefined, after: KubernetesObject): string => {
  const [oldText, newText] = [before ? toText(hideValues(before, after, 'before')) : '', toText(hideValues(after, before, 'after'))];
  const hunks = unifiedDiff(oldText, newText);
  const name = `${after.metadata.namespace ?? ''}/${describeObject({ kind: after.kind, name: after.metadata.name })}`;
  return hunks === '' ? '' : `--- ${before ? `live/${name}` : '/dev/null'}\n+++ wanted/${name}\n${hunks}`;
};

/** What the API server keeps for itself, and the hash by which this program knows its own rendering, are no difference. */
const toText = (object: KubernetesObject): string => {
  const metadata = without(object.metadata, ['managedFields', 'uid', 'resourceVersion', 'generation', 'creationTimestamp']);
  const annotations = without(object.metadata.annotations ?? {}, ['kaito-ts/content']);
  return stringify({ ...without(object, ['status']), metadata: { ...metadata, annotations } }, { sortMapEntries: true, aliasDuplicateObjects: false, lineWidth: 0 });
};

const without = (map: object, keys: readonly string[]): Record<string, unknown> => Object.fromEntries(Object.entries(map).filter(([key]) => !keys.includes(key)));

/** Of a Secret is shown which keys change, and no value. */
const hideValues = (object: KubernetesObject, other: KubernetesObject | undefined, side: 'before' | 'after'): KubernetesObject =>
  object.kind === 'Secret' ? { ...object, ...hideMap(object, other, 'data', side), ...hideMap(object, other, 'stringData', side) } : object;

const hideMap = (object: KubernetesObject, other: KubernetesObject | undefined, field: 'data' | 'stringData', side: string): Record<string, unknown> => {
  const [values, others] = [textMap(object[field]), textMap(other?.[field])];
  return object[field] === undefined ? {} : { [field]: Object.fromEntries([...values].map(([key, value]) => [key, others.get(key) === value ? '***' : `*** (${side})`])) };
};

const textMap = (value: unknown): Map<string, unknown> => new Map(typeof value === 'object' && value !== null ? Object.entries(value) : []);
