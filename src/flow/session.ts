import { isDeepStrictEqual } from 'node:util';
import type { Cloud } from '../cloud/cloud.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { ManagedCluster } from '../domain/azure.ts';
import type { Clock } from '../domain/clock.ts';
import { BugError, ConflictError, KaitoError } from '../domain/errors.ts';
import type { KubernetesObject, OwnerReference } from '../domain/kubernetes.ts';
import type { Plan } from '../domain/plan.ts';
import type { OwnerRecord } from '../domain/record.ts';
import type { Workspace } from '../domain/workspace.ts';
import { parseRecord, renderRecord, type StoredRecord } from './record.ts';

/** What carrying out a Plan may reach, and the one thing that changes on the way: the owner record. */
export interface Effects {
  cluster: Cluster;
  /** Absent when the plan has no step for it. */
  azure?: { cloud: Cloud; managedCluster: ManagedCluster };
  clock: Clock;
  signal: AbortSignal;
}

export interface Session extends Effects {
  plan: Plan;
  record(): OwnerRecord;
  /**
   * Writes what this plan makes of the record as it was when the plan was made. Where somebody else was quicker and wants the same, theirs
   * is gone on with; where they want something else, ConflictError `RecordChanged`.
   */
  beginRecord(record: OwnerRecord): Promise<KubernetesObject>;
  /** Writes the record as changed, and keeps it. ConflictError `RecordDeleted` when somebody has deleted it meanwhile. */
  saveRecord(record: OwnerRecord): Promise<KubernetesObject>;
  /**
   * The same of what has come to an end, which it has whether that is written or not. Where it cannot be written, the next
   * write tells it too. Returns the deletion where the record is gone: then nobody needs to read it any more.
   */
  noteEnd(record: OwnerRecord): Promise<ConflictError | undefined>;
  /** Why the record in the cluster says less than `record()`; undefined when it does not. */
  unwritten(): KaitoError | undefined;
  /** The `RecordDeleted` to tell in place of what came of it; undefined while the record is there, or cannot be asked for. */
  findDeletion(failure: unknown): Promise<ConflictError | undefined>;
  /** The owner of everything else; the record must have been written before. */
  ownerReference(): OwnerReference;
}

export const createSession = (plan: Plan, effects: Effects, stored: StoredRecord | undefined): Session => {
  const { workspace } = plan;
  let current = stored;
  let unwritten: KaitoError | undefined;
  const write = async (object: KubernetesObject): Promise<KubernetesObject> => {
    try {
      return (await effects.cluster.apply(object, { signal: effects.signal })).object;
    } catch (error) {
      if (!(error instanceof ConflictError) || error.reason === 'FieldManagerConflict' || !current) throw error;
      throw recordDeleted(workspace, error);
    }
  };
  const keep = (object: KubernetesObject, record: OwnerRecord): KubernetesObject => {
    const { uid, resourceVersion: version } = object.metadata;
    if (!uid) throw new BugError('The API server stored the owner record without a uid.');
    current = { uid, record, ...(version === undefined ? {} : { version }) };
    unwritten = undefined;
    return object;
  };
  const find = async ({ metadata: { name, namespace } }: KubernetesObject): Promise<KubernetesObject | undefined> =>
    await effects.cluster.get('ConfigMap', name, { ...(namespace === undefined ? {} : { namespace }), signal: effects.signal });
  const saveRecord = async (record: OwnerRecord): Promise<KubernetesObject> => {
    const rendered = renderRecord(record);
    // With its uid only this very record is written: one that a parallel `delete` has removed does not come back.
    return keep(await write(current ? { ...rendered, metadata: { ...rendered.metadata, uid: current.uid } } : rendered), record);
  };
  const beginRecord = async (record: OwnerRecord): Promise<KubernetesObject> => {
    const rendered = renderRecord(record);
    const asPlanned = current ? { uid: current.uid, ...(current.version === undefined ? {} : { resourceVersion: current.version }) } : { resourceVersion: versionOfNothing };
    try {
      const { object } = await effects.cluster.apply({ ...rendered, metadata: { ...rendered.metadata, ...asPlanned } }, { signal: effects.signal });
      return keep(object, record);
    } catch (error) {
      if (!(error instanceof ConflictError) || error.reason === 'FieldManagerConflict') throw error;
      const there = await find(rendered);
      const stored = there && parseRecord(there);
      if (current && stored?.uid !== current.uid) throw recordDeleted(workspace, error);
      if (!there || !stored || !wantsTheSame(stored.record, record)) throw recordChanged(workspace, error);
      return keep(there, stored.record);
    }
  };
  return {
    ...effects,
    plan,
    record: () => current?.record ?? { workspace, revision: 1, createdAt: new Date(effects.clock.now()).toISOString() },
    beginRecord,
    saveRecord,
    async noteEnd(record) {
      try {
        await saveRecord(record);
      } catch (error) {
        if (effects.signal.aborted || !(error instanceof KaitoError)) throw error;
        if (current) current = { ...current, record };
        unwritten = isRecordDeleted(error) ? undefined : error;
        return isRecordDeleted(error) ? error : undefined;
      }
      return undefined;
    },
    unwritten: () => unwritten,
    async findDeletion(failure) {
      if (isRecordDeleted(failure)) return failure;
      if (!current) return undefined;
      try {
        const stored = await find(renderRecord(current.record));
        return stored?.metadata.uid === current.uid ? undefined : recordDeleted(workspace, failure);
      } catch {
        return undefined;
      }
    },
    ownerReference() {
      if (!current) throw new BugError('An object was to be applied before its owner record.');
      const { name } = renderRecord(current.record).metadata;
      return { apiVersion: 'v1', kind: 'ConfigMap', name, uid: current.uid, controller: false, blockOwnerDeletion: false };
    },
  };
};

/** No object ever has it: an apply that names it makes the object, and is refused where it is there already. */
const versionOfNothing = '1';

/** What a record that is just begun says. Also one's own, where the answer to it was lost. */
const wantsTheSame = (there: OwnerRecord, wanted: OwnerRecord): boolean => there.result === undefined && isDeepStrictEqual(intentOf(there), intentOf(wanted));

const intentOf = ({ workspace, revision, nodePool }: OwnerRecord): unknown =>
  JSON.parse(JSON.stringify({ workspace, revision, pool: nodePool && { name: nodePool.name, cluster: nodePool.cluster, instanceType: nodePool.instanceType, count: nodePool.count } }));

const recordChanged = ({ metadata: { name, namespace } }: Workspace, cause: unknown): ConflictError =>
  new ConflictError(`Workspace ${name} in namespace ${namespace} was begun or changed by somebody else in the same moment.`, {
    reason: 'RecordChanged',
    fact: 'Nothing was rented or changed by this command.',
    hints: [`kaito-ts status ${name} -n ${namespace}`, 'Run the same command again: it goes on from there, or says what differs.'],
    cause,
  });

const recordDeleted = ({ metadata: { name, namespace } }: Workspace, cause: unknown): ConflictError =>
  new ConflictError(`Workspace ${name} in namespace ${namespace} was deleted while this ran.`, {
    reason: 'RecordDeleted',
    ...(cause instanceof Error ? { fact: cause.message } : {}),
    hints: [`kaito-ts status ${name}`, 'Run the same command again to begin anew.'],
    cause,
  });

export const isRecordDeleted = (error: unknown): error is ConflictError => error instanceof ConflictError && error.reason === 'RecordDeleted';

export const isRecordChanged = (error: unknown): error is ConflictError => error instanceof ConflictError && error.reason === 'RecordChanged';
