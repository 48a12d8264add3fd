import type { KubernetesObject } from '../../domain/kubernetes.ts';
import { applyConflict, type StatusCause } from './errors.ts';
import {
  describePath,
  difference,
  type FieldPath,
  type FieldSet,
  fromFieldsV1,
  intersection,
  isEqualSet,
  sortedPaths,
  toFieldsV1,
  touches,
  union,
} from './field-set.ts';
import { claimedBy, compareFields } from './fields.ts';
import { isEqualJson, isRecord, listAt, textAt } from './json.ts';
import { mergeApplied, prune } from './merge.ts';
import { toTimestamp } from './store.ts';

/** Who writes, and through which door. */
export interface Writer {
  manager: string;
  now: Date;
  /** The main resource when absent. Each subresource owns its own part. */
  subresource?: 'status' | 'scale';
  /** Fields at the top that this door does not write, such as `status` for the main resource. */
  ignoredFields?: readonly string[];
}

/**
 * Server-side apply: the configuration is merged into the live object (undefined: there is none yet), the fields which
 * this manager applied before and no longer names are removed unless others own them, and the rest is as before. Throws
 * 409 with one cause a field where another manager owns a field that would change, unless `force` takes it over.
 * The rules are those of structured-merge-diff:
 * https://github.com/kubernetes-sigs/structured-merge-diff/blob/v6.3.2/merge/update.go
 */
export const applyConfiguration = (
  live: KubernetesObject | undefined,
  given: KubernetesObject,
  writer: Writer & { force: boolean },
): KubernetesObject => {
  const configuration = withoutFields(given, writer.ignoredFields);
  const { apiVersion, kind } = configuration;
  const before = live ?? { apiVersion, kind, metadata: { name: configuration.metadata.name } };
  const managers = readManagers(before);
  if (live && managers.length === 0) managers.push(managerBeforeFirstApply(live, writer.now));

  const own = managers.find((entry) => isSameManager(entry, { ...writer, operation: 'Apply', apiVersion }));
  const claimed = claimedBy(configuration, kind);
  const others = managers.filter((entry) => entry !== own);
  const owned = union(claimed, ...others.map(({ fields }) => fields));

  const merged = mergeApplied(withoutManagers(before), withoutManagers(configuration), kind);
  const after = asObject(prune(merged, difference(own?.fields ?? new Set(), claimed), owned, kind));

  const { added, modified, removed } = compareFields(withoutManagers(before), after, kind);
  const changed = union(added, modified);
  if (!writer.force) refuseConflicts(others, changed);

  const isUnchanged = own !== undefined && isEqualSet(own.fields, claimed) && isEqualJson(withoutManagers(before), after);
  return withManagers(after, [
    ...others.map((entry) => ({ ...entry, fields: difference(entry.fields, union(changed, removed)) })),
    {
      manager: writer.manager,
      operation: 'Apply',
      apiVersion,
      time: isUnchanged ? own.time : toTimestamp(writer.now),
      subresource: writer.subresource,
      fields: claimed,
    },
  ]);
};

/**
 * The object with its `managedFields` as they are after a create, update or patch: what the writer added or changed is
 * its own from now on, and nobody else's.
 */
export const recordUpdate = (
  live: KubernetesObject | undefined,
  written: KubernetesObject,
  writer: Writer,
): KubernetesObject => {
  const before = live ?? { apiVersion: written.apiVersion, kind: written.kind, metadata: { name: written.metadata.name } };
  const given = readManagers(written);
  // Clients that do not know the field must not delete it by leaving it out.
  const managers = given.length > 0 && !writer.subresource ? given : readManagers(before);
  if (isReset(written) || (live && managers.length === 0)) return withManagers(written, []);

  const { apiVersion, kind } = written;
  const { added, modified, removed } = compareFields(withoutManagers(before), withoutManagers(written), kind);
  const changed = union(added, modified);
  const own = managers.find((entry) => isSameManager(entry, { ...writer, operation: 'Update', apiVersion }));
  const fields = withoutIgnored(union(difference(own?.fields ?? new Set(), removed), changed), writer.ignoredFields);
  const isUnchanged = own !== undefined && isEqualSet(own.fields, fields) && changed.size === 0;
  return withManagers(written, [
    ...managers
      .filter((entry) => entry !== own)
      .map((entry) => ({ ...entry, fields: difference(entry.fields, union(changed, removed)) })),
    {
      manager: writer.manager,
      operation: 'Update',
      apiVersion,
      time: isUnchanged ? own.time : toTimestamp(writer.now),
      subresource: writer.subresource,
      fields,
    },
  ]);
};

interface ManagerEntry {
  manager: string;
  operation: 'Apply' | 'Update';
  apiVersion: string;
  time: string | undefined;
  subresource: string | undefined;
  fields: FieldSet;
}

/** Appliers are one manager in all versions, updaters one in each. */
const isSameManager = (entry: ManagerEntry, other: Pick<ManagerEntry, 'manager' | 'operation' | 'apiVersion'> & Partial<Writer>): boolean =>
  entry.manager === other.manager &&
  entry.operation === other.operation &&
  entry.subresource === other.subresource &&
  (entry.operation === 'Apply' || entry.apiVersion === other.apiVersion);

const refuseConflicts = (others: readonly ManagerEntry[], changed: FieldSet): void => {
  const conflicts = others
    .map((entry) => ({ who: describeManager(entry), paths: sortedPaths(intersection(entry.fields, changed)) }))
    .filter(({ paths }) => paths.length > 0)
    .sort((left, right) => (left.who < right.who ? -1 : 1));
  const causes = conflicts.flatMap(({ who, paths }) => paths.map((path) => causeOf(who, path)));
  const [first] = causes;
  if (!first) return;
  if (causes.length === 1) throw applyConflict(`Apply failed with 1 conflict: ${first.message}: ${first.field}`, causes);
  const told = conflicts.flatMap(({ who, paths }) => [
    `conflicts with ${who}:`,
    ...paths.map((path) => `- ${describePath(path)}`),
  ]);
  throw applyConflict(`Apply failed with ${causes.length} conflicts: ${told.join('\n')}`, causes);
};

const causeOf = (who: string, path: FieldPath): StatusCause & { field: string } => ({
  reason: 'FieldManagerConflict',
  message: `conflict with ${who}`,
  field: describePath(path),
});

const describeManager = ({ manager, operation, subresource, apiVersion }: ManagerEntry): string =>
  JSON.stringify(manager) +
  (subresource ? ` with subresource ${JSON.stringify(subresource)}` : '') +
  (operation === 'Update' ? ` using ${apiVersion}` : '');

/** Objects made by somebody whose writes are not tracked, such as a controller, belong to this name once they are applied. */
const managerBeforeFirstApply = (live: KubernetesObject, now: Date): ManagerEntry => ({
  manager: 'before-first-apply',
  operation: 'Update',
  apiVersion: live.apiVersion,
  time: toTimestamp(now),
  subresource: undefined,
  fields: compareFields({}, withoutManagers(live), live.kind).added,
});

const withoutIgnored = (set: FieldSet, ignoredFields: readonly string[] = []): FieldSet =>
  new Set([...set].filter((path) => !ignoredFields.some((field) => touches(new Set([path]), `f:${field}`))));

const withoutFields = (object: KubernetesObject, ignoredFields: readonly string[] = []): KubernetesObject => {
  const { name, namespace } = object.metadata;
  const identity = { name, ...(namespace ? { namespace } : {}) };
  const kept = Object.entries(object).filter(([field]) => !ignoredFields.includes(field));
  return { ...Object.fromEntries(kept), apiVersion: object.apiVersion, kind: object.kind, metadata: ignoredFields.includes('metadata') ? identity : object.metadata };
};

const readManagers = (object: KubernetesObject): ManagerEntry[] =>
  listAt(object, 'metadata', 'managedFields').flatMap((entry) => {
    const manager = textAt(entry, 'manager');
    if (manager === undefined || !isRecord(entry)) return [];
    return {
      manager,
      operation: textAt(entry, 'operation') === 'Apply' ? ('Apply' as const) : ('Update' as const),
      apiVersion: textAt(entry, 'apiVersion') ?? object.apiVersion,
      time: textAt(entry, 'time'),
      subresource: textAt(entry, 'subresource'),
      fields: fromFieldsV1(entry['fieldsV1']),
    };
  });

/** `managedFields: [{}]` is how a client says that it wants none. */
const isReset = (object: KubernetesObject): boolean => isEqualJson(listAt(object, 'metadata', 'managedFields'), [{}]);

const withoutManagers = (object: KubernetesObject): KubernetesObject => {
  const { managedFields: _dropped, ...metadata }: KubernetesObject['metadata'] & { managedFields?: unknown } = object.metadata;
  return { ...object, metadata };
};

const withManagers = (object: KubernetesObject, managers: readonly ManagerEntry[]): KubernetesObject => {
  const managedFields = managers
    .filter(({ fields }) => fields.size > 0)
    .sort(compareManagers)
    .map(({ manager, operation, apiVersion, time, subresource, fields }) => ({
      manager,
      operation,
      apiVersion,
      ...(time ? { time } : {}),
      fieldsType: 'FieldsV1',
      fieldsV1: toFieldsV1(fields),
      ...(subresource ? { subresource } : {}),
    }));
  const bare = withoutManagers(object);
  return managedFields.length === 0 ? bare : { ...bare, metadata: Object.assign({ ...bare.metadata }, { managedFields }) };
};

const compareManagers = (left: ManagerEntry, right: ManagerEntry): number => {
  const key = ({ operation, time = '', manager, subresource = '' }: ManagerEntry): string =>
    [operation, time, manager, subresource].join(' ');
  return key(left) < key(right) ? -1 : 1;
};

const asObject = (value: unknown): KubernetesObject => {
  if (!isKubernetesObject(value)) throw new TypeError('An applied object lost its metadata.');
  return value;
};

/** The least that makes a JSON value an object of the API. */
export const isKubernetesObject = (value: unknown): value is KubernetesObject =>
  isRecord(value) && typeof value['apiVersion'] === 'string' && typeof value['kind'] === 'string' && isRecord(value['metadata']);
