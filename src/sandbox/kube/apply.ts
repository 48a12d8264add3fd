import type { KubernetesObject } from '../../domain/kubernetes.ts';
import { applyConflict, type StatusCause } from './errors.ts';
import { describePath, difference, type FieldPath, type FieldSet, intersection, isEqualSet, sortedPaths, touches, union } from './field-set.ts';
import { claimedBy, compareFields } from './fields.ts';
import { isEqualJson, isKubernetesObject } from './json.ts';
import { isReset, type ManagerEntry, readManagers, withManagers, withoutManagers } from './managed-fields.ts';
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

  // Where the object stays as it is, nobody's time is touched, and who is new has none.
  const isUnchanged = live !== undefined && isEqualJson(withoutManagers(before), after);
  return withManagers(after, [
    ...others.map((entry) => ({ ...entry, fields: difference(entry.fields, union(changed, removed)) })),
    {
      manager: writer.manager,
      operation: 'Apply',
      apiVersion,
      time: isUnchanged ? own?.time : toTimestamp(writer.now),
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

const asObject = (value: unknown): KubernetesObject => {
  if (!isKubernetesObject(value)) throw new TypeError('An applied object lost its metadata.');
  return value;
};
