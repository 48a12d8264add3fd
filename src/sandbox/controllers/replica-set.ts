import { StatusError } from '../kube/errors.ts';
import { toTimestamp } from '../kube/store.ts';
import { withCondition } from './conditions.ts';
import { createController, type Reconciliation } from './controller.ts';
import type { Objects, Pod } from './object-types.ts';
import { changeStatus, claimPods, controllerOf, create, find, isActive, isDeleted, isFinished, isOf, isReady, ownedBy, list, podFromTemplate, remove } from './objects.ts';

type ReplicaSet = Objects['replicasets.apps'];

/** https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/controller/replicaset/replica_set.go */
export const replicaSetController = createController({
  name: 'replicaset-controller',
  resource: 'replicasets.apps',
  affectedBy(happened, store) {
    if (!isOf('pods', happened)) return [];
    const owner = controllerOf(happened.object);
    const set = owner?.kind === 'ReplicaSet' ? find(store, 'replicasets.apps', happened.object.metadata.namespace, owner.name) : undefined;
    return set ? [set] : [];
  },
  reconcile(set, context) {
    const active = claimPods(context.store, set, set.spec?.selector).filter(isActive);
    const failure = isDeleted(set) ? undefined : managePods(set, active, context);
    writeStatus(set, failure, context);
  },
});

/** Undefined, or why a pod could not be created. */
const managePods = (set: ReplicaSet, active: readonly Pod[], { store, record }: Reconciliation): string | undefined => {
  const wanted = set.spec?.replicas ?? 1;
  const template = set.spec?.template;
  for (const pod of [...active].sort(byWorth).slice(0, Math.max(0, active.length - wanted))) {
    remove(store, 'pods', pod);
    record(set, { type: 'Normal', reason: 'SuccessfulDelete', message: `Deleted pod: ${pod.metadata.name}` });
  }
  if (template === undefined) return undefined;
  for (let count = active.length; count < wanted; count += 1) {
    try {
      const pod = create(store, 'pods', podFromTemplate(template, set, { generateName: `${set.metadata.name}-` }));
      record(set, { type: 'Normal', reason: 'SuccessfulCreate', message: `Created pod: ${pod.metadata.name}` });
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      record(set, { type: 'Warning', reason: 'FailedCreate', message: `Error creating: ${error.message}` });
      return error.message;
    }
  }
  return undefined;
};

/** The least useful first: not placed, not running, not ready, youngest. */
const byWorth = (left: Pod, right: Pod): number => worth(left) - worth(right) || (left.metadata.creationTimestamp < right.metadata.creationTimestamp ? 1 : -1);

const worth = (pod: Pod): number => (pod.spec?.nodeName ? 4 : 0) + (pod.status?.phase === 'Running' ? 2 : 0) + (isReady(pod) ? 1 : 0);

/** Ready for `minReadySeconds`. */
export const isAvailable = (pod: Pod, minReadySeconds: number, { hasPassed }: Reconciliation): boolean =>
  isReady(pod) && (minReadySeconds === 0 || hasPassed(`ready ${pod.metadata.uid}`, minReadySeconds * 1000));

const writeStatus = (set: ReplicaSet, failure: string | undefined, context: Reconciliation): void => {
  const { store, clock } = context;
  const owned = ownedBy(list(store, 'pods', set.metadata.namespace), set);
  const active = owned.filter(isActive);
  const labels = Object.entries(set.spec?.template?.metadata?.labels ?? {});
  const count = (isCounted: (pod: Pod) => boolean): number => active.filter(isCounted).length;
  const fullyLabeled = count((pod) => labels.every(([key, value]) => pod.metadata.labels?.[key] === value));
  const ready = count(isReady);
  const available = count((pod) => isAvailable(pod, set.spec?.minReadySeconds ?? 0, context));
  changeStatus(store, 'replicasets.apps', set, (draft) => {
    const others = (draft.status?.conditions ?? []).filter(({ type }) => type !== 'ReplicaFailure');
    const conditions =
      failure === undefined
        ? others
        : withCondition(draft.status?.conditions, { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: failure }, toTimestamp(clock.now()));
    draft.status = {
      replicas: active.length,
      terminatingReplicas: owned.filter((pod) => isDeleted(pod) && !isFinished(pod)).length,
      ...(fullyLabeled > 0 ? { fullyLabeledReplicas: fullyLabeled } : {}),
      ...(ready > 0 ? { readyReplicas: ready } : {}),
      ...(available > 0 ? { availableReplicas: available } : {}),
      ...(set.metadata.generation === undefined ? {} : { observedGeneration: set.metadata.generation }),
      ...(conditions.length > 0 ? { conditions } : {}),
    };
  });
};
