import { readOptional } from './body.ts';
import { badRequest, conflict, type FieldProblem } from './errors.ts';
import { type Exchange, sendJson } from './exchange.ts';
import { isRecord, listAt, numberAt, textAt } from './json.ts';
import { findTarget, parseSelectors } from './read.ts';
import { apiVersionOf, type Resource, resourceNameOf } from './resources.ts';
import { sendList, sendObject } from './respond.ts';
import { type Store, type StoredObject, toTimestamp } from './store.ts';
import { dryRunProblems, invalidOptions } from './write-options.ts';

interface DeleteOptions {
  dryRun: boolean;
  policy: string | undefined;
  gracePeriodSeconds: number | undefined;
  preconditions: { uid: string | undefined; resourceVersion: string | undefined };
}

export const deleteOne = async (exchange: Exchange): Promise<void> => {
  const options = await readOptions(exchange);
  const { api, target } = exchange;
  const live = findTarget(api.store, target);
  const deleted = remove(api.store, target.resource, live, options);
  const isStillThere = api.store.get(resourceNameOf(target.resource), live.metadata.namespace, live.metadata.name) !== undefined;
  if (target.resource.kind === 'Pod') return sendObject(exchange, 200, isStillThere ? deleted : asDeleted(deleted, toTimestamp(api.clock.now())));
  if (isStillThere && !options.dryRun) return sendObject(exchange, 200, deleted);
  const { group, plural } = target.resource;
  sendJson(exchange.response, 200, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name: live.metadata.name, ...(group ? { group } : {}), kind: plural, uid: live.metadata.uid },
  });
};

/** A pod with no grace left is told as it was when its last moment came. */
const asDeleted = (pod: StoredObject, now: string): StoredObject => {
  const { deletionTimestamp = now, generation = 0 } = pod.metadata;
  return { ...pod, metadata: { ...pod.metadata, deletionTimestamp, deletionGracePeriodSeconds: 0, generation: generation + (pod.metadata.deletionTimestamp === undefined ? 1 : 0) } };
};

export const deleteCollection = async (exchange: Exchange): Promise<void> => {
  const options = await readOptions(exchange);
  const { api, target } = exchange;
  const matching = api.store.list(resourceNameOf(target.resource), target.namespace).filter(parseSelectors(exchange));
  sendList(exchange, {
    kind: `${target.resource.kind}List`,
    apiVersion: apiVersionOf(target.resource),
    metadata: { resourceVersion: api.store.resourceVersion },
    items: matching.map((object) => remove(api.store, target.resource, object, options)),
  });
};

/**
 * Marks the object for what its dependents need, and deletes it. With `Foreground` and `Orphan` a finalizer keeps it
 * until the garbage collector has seen to them. https://kubernetes.io/docs/concepts/architecture/garbage-collection/
 */
const remove = (store: Store, resource: Resource, live: StoredObject, options: DeleteOptions): StoredObject => {
  const name = resourceNameOf(resource);
  const { namespace } = live.metadata;
  const { dryRun, policy } = options;
  refusePreconditions(resource, live, options);

  const finalizer = policy === undefined ? undefined : finalizers[policy];
  if (!dryRun && !live.metadata.deletionTimestamp && (finalizer || resource.kind === 'Namespace')) {
    store.update(name, namespace, live.metadata.name, (object) => {
      const kept = listAt(object, 'metadata', 'finalizers').map(String);
      if (finalizer) object.metadata.finalizers = [...new Set([...kept, finalizer])];
      if (resource.kind === 'Namespace') object['status'] = { phase: 'Terminating' };
    });
  }
  return store.delete(name, namespace, live.metadata.name, { dryRun, gracePeriodSeconds: graceOf(resource, live, options) });
};

const finalizers: Record<string, string> = { Foreground: 'foregroundDeletion', Orphan: 'orphan' };

/** A pod that a kubelet runs is stopped by that kubelet, which then deletes it with no grace left. */
const graceOf = ({ kind }: Resource, live: StoredObject, { gracePeriodSeconds }: DeleteOptions): number => {
  const phase = textAt(live, 'status', 'phase');
  const isRunning = kind === 'Pod' && textAt(live, 'spec', 'nodeName') && phase !== 'Succeeded' && phase !== 'Failed';
  return isRunning ? (gracePeriodSeconds ?? numberAt(live, 'spec', 'terminationGracePeriodSeconds') ?? 30) : 0;
};

const refusePreconditions = ({ kind, group }: Resource, { metadata }: StoredObject, { preconditions }: DeleteOptions): void => {
  const refuse = (field: string, given: string, found: string, hint: string): Error =>
    conflict(
      group ? `${kind}.${group}` : kind,
      metadata.name,
      `the ${field} in the precondition (${given}) does not match the ${field} in record (${found}). The object might have been ${hint}`,
    );
  const { uid, resourceVersion } = preconditions;
  if (uid && uid !== metadata.uid) throw refuse('UID', uid, metadata.uid, 'deleted and then recreated');
  if (resourceVersion && resourceVersion !== metadata.resourceVersion) {
    throw refuse('ResourceVersion', resourceVersion, metadata.resourceVersion, 'modified');
  }
};

const policyProblems = (policy: string | undefined, isOrphaning: boolean): FieldProblem[] => {
  if (policy === undefined) return [];
  if (isOrphaning) return [{ type: 'Invalid', field: 'propagationPolicy', value: policy, detail: 'orphanDependents and deletionPropagation cannot be both set' }];
  if (['Foreground', 'Background', 'Orphan'].includes(policy)) return [];
  return [{ type: 'NotSupported', field: 'propagationPolicy', value: policy, detail: 'supported values: "Foreground", "Background", "Orphan", "nil"' }];
};

/** DeleteOptions come in the body or, where there is none, in the query. */
const readOptions = async ({ request, query }: Exchange): Promise<DeleteOptions> => {
  const body = (await readOptional(request)) ?? {};
  if (!isRecord(body)) throw badRequest('decoded object cannot be converted to DeleteOptions');
  const { apiVersion = 'v1', kind = 'DeleteOptions' } = body;
  if (kind !== 'DeleteOptions') throw badRequest(`no kind "${String(kind)}" is registered for version "${String(apiVersion)}" in scheme "pkg/runtime/scheme.go:111"`);
  const grace = numberAt(body, 'gracePeriodSeconds') ?? (query.has('gracePeriodSeconds') ? Number(query.get('gracePeriodSeconds')) : undefined);
  const policy = textAt(body, 'propagationPolicy') ?? query.get('propagationPolicy') ?? undefined;
  const isOrphaning = body['orphanDependents'] === true || query.get('orphanDependents') === 'true';
  const dryRun = [...query.getAll('dryRun'), ...listAt(body, 'dryRun').map(String)];
  const problems: FieldProblem[] = [...policyProblems(policy, isOrphaning), ...dryRunProblems(dryRun)];
  if (problems.length > 0) throw invalidOptions('DeleteOptions', problems);
  return {
    dryRun: dryRun.length > 0,
    policy: policy ?? (isOrphaning ? 'Orphan' : undefined),
    gracePeriodSeconds: grace,
    preconditions: {
      uid: textAt(body, 'preconditions', 'uid'),
      resourceVersion: textAt(body, 'preconditions', 'resourceVersion'),
    },
  };
};
