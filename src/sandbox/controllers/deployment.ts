import { isEqualJson } from '../kube/json.ts';
import { createController, type Reconciliation } from './controller.ts';
import { isComplete, maxSurgeOf, maxUnavailableOf, writeDeploymentStatus } from './deployment-status.ts';
import type { Objects } from './object-types.ts';
import { change, changeStatus, controllerOf, controllerReference, createIfPossible, find, isDeleted, isFinished, isOf, list, ownedBy, remove } from './objects.ts';
import { hashTemplate } from './template-hash.ts';

type Deployment = Objects['deployments.apps'];
type ReplicaSet = Objects['replicasets.apps'];

const revisionAnnotation = 'deployment.kubernetes.io/revision';
const hashLabel = 'pod-template-hash';

/** https://github.com/kubernetes/kubernetes/tree/v1.36.3/pkg/controller/deployment */
export const deploymentController = createController({
  name: 'deployment-controller',
  resource: 'deployments.apps',
  affectedBy(happened, store) {
    // A Recreate rollout waits for the old pods to be gone, which their ReplicaSets no longer count.
    const object = isOf('pods', happened) && happened.type === 'DELETED' ? replicaSetOf(happened.object, store) : happened.resource === 'replicasets.apps' ? happened.object : undefined;
    const owner = object && controllerOf(object);
    const deployment = owner?.kind === 'Deployment' ? find(store, 'deployments.apps', object?.metadata.namespace, owner.name) : undefined;
    return deployment ? [deployment] : [];
  },
  reconcile(deployment, context) {
    const { store } = context;
    const sets = () => ownedBy(list(store, 'replicasets.apps', deployment.metadata.namespace), deployment);
    if (!isDeleted(deployment) && !deployment.spec?.paused) {
      if (deployment.spec?.strategy?.type === 'Recreate') recreate(deployment, sets(), context);
      else roll(deployment, sets(), context);
    }
    writeDeploymentStatus(deployment, sets(), findCurrent(deployment, sets()), context);
    if (isComplete(deployment, deployment.status ?? {})) dropHistory(deployment, sets(), context);
  },
});

const replicaSetOf = (pod: Objects['pods'], store: Reconciliation['store']): ReplicaSet | undefined => {
  const owner = controllerOf(pod);
  return owner?.kind === 'ReplicaSet' ? find(store, 'replicasets.apps', pod.metadata.namespace, owner.name) : undefined;
};

/** The ReplicaSet of the template as it is now. */
const findCurrent = ({ spec }: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined => sets.find((set) => isEqualJson(withoutHash(set), spec?.template));

const withoutHash = ({ spec }: ReplicaSet): unknown => {
  const { [hashLabel]: _hash, ...labels } = spec?.template?.metadata?.labels ?? {};
  const { labels: _labels, ...metadata } = spec?.template?.metadata ?? {};
  return { ...spec?.template, metadata: { ...metadata, labels } };
};

/** All old pods go before the first new one comes. */
const recreate = (deployment: Deployment, sets: readonly ReplicaSet[], context: Reconciliation): void => {
  const current = findCurrent(deployment, sets);
  const old = sets.filter((set) => set !== current);
  for (const set of old) scale(deployment, set, 0, context);
  const oldUids = new Set(old.map(({ metadata }) => metadata.uid));
  const isOldPod = (pod: Objects['pods']): boolean => oldUids.has(controllerOf(pod)?.uid ?? '') && !isFinished(pod);
  if (list(context.store, 'pods', deployment.metadata.namespace).some(isOldPod)) return;
  const wanted = deployment.spec?.replicas ?? 1;
  if (current) keepCurrent(deployment, current, sets, wanted, context);
  else createSet(deployment, sets, wanted, context);
};

const roll = (deployment: Deployment, sets: readonly ReplicaSet[], context: Reconciliation): void => {
  const current = findCurrent(deployment, sets);
  const old = sets.filter((set) => set !== current);
  const wanted = deployment.spec?.replicas ?? 1;
  const total = sets.reduce((count, { spec }) => count + (spec?.replicas ?? 0), 0);
  const own = current?.spec?.replicas ?? 0;
  const room = Math.max(0, wanted + maxSurgeOf(deployment) - total);
  const target = own > wanted ? wanted : Math.min(wanted, own + room);
  if (!current) return createSet(deployment, sets, target, context);
  keepCurrent(deployment, current, sets, target, context);
  if (target !== own) return;

  const available = sets.reduce((count, { status }) => count + (status?.availableReplicas ?? 0), 0);
  let spare = available - (wanted - maxUnavailableOf(deployment));
  for (const set of old.toSorted((left, right) => revisionOf(left) - revisionOf(right))) {
    const replicas = set.spec?.replicas ?? 0;
    const unhealthy = replicas - (set.status?.availableReplicas ?? 0);
    const dropped = Math.min(replicas, unhealthy + Math.max(0, spare));
    spare -= dropped - Math.min(dropped, unhealthy);
    scale(deployment, set, replicas - dropped, context);
  }
};

const scale = (deployment: Deployment, set: ReplicaSet, replicas: number, { store, record }: Reconciliation): void => {
  const before = set.spec?.replicas ?? 0;
  if (before === replicas) return;
  change(store, 'replicasets.apps', set, (draft) => {
    if (draft.spec) draft.spec.replicas = replicas;
  });
  record(deployment, { type: 'Normal', reason: 'ScalingReplicaSet', message: `Scaled ${replicas > before ? 'up' : 'down'} replica set ${set.metadata.name} from ${before} to ${replicas}` });
};

const revisionOf = ({ metadata }: ReplicaSet): number => Number(metadata.annotations?.[revisionAnnotation] ?? 0);

const nextRevision = (old: readonly ReplicaSet[]): number => Math.max(0, ...old.map(revisionOf)) + 1;

/** A template that comes back takes its old ReplicaSet again, as the newest revision. */
const keepCurrent = (deployment: Deployment, current: ReplicaSet, sets: readonly ReplicaSet[], replicas: number, context: Reconciliation): void => {
  const revision = Math.max(revisionOf(current), nextRevision(sets.filter((set) => set !== current)));
  const kept = change(context.store, 'replicasets.apps', current, ({ metadata }) => {
    metadata.annotations = { ...metadata.annotations, ...annotationsFor(deployment, revision) };
  });
  writeRevision(deployment, revision, context);
  if (kept) scale(deployment, kept, replicas, context);
};

const annotationsFor = (deployment: Deployment, revision: number): Record<string, string> => {
  const { [revisionAnnotation]: _revision, 'kubectl.kubernetes.io/last-applied-configuration': _applied, ...others } = deployment.metadata.annotations ?? {};
  const replicas = deployment.spec?.replicas ?? 1;
  return { ...others, [revisionAnnotation]: String(revision), 'deployment.kubernetes.io/desired-replicas': String(replicas), 'deployment.kubernetes.io/max-replicas': String(replicas + maxSurgeOf(deployment)) };
};

/** Through the door of the status: what the controller notes down is not what somebody wants. */
const writeRevision = (deployment: Deployment, revision: number, { store }: Reconciliation): void => {
  changeStatus(store, 'deployments.apps', deployment, ({ metadata }) => {
    metadata.annotations = { ...metadata.annotations, [revisionAnnotation]: String(revision) };
  });
};

const createSet = (deployment: Deployment, sets: readonly ReplicaSet[], replicas: number, context: Reconciliation): void => {
  const { metadata, spec } = deployment;
  if (spec === undefined) return;
  const hash = hashTemplate(spec.template);
  const labels = { ...spec.template.metadata?.labels, [hashLabel]: hash };
  const revision = nextRevision(sets);
  const set = createIfPossible(context.store, 'replicasets.apps', {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${metadata.name}-${hash}`,
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      labels,
      annotations: annotationsFor(deployment, revision),
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas,
      ...(spec.minReadySeconds === undefined ? {} : { minReadySeconds: spec.minReadySeconds }),
      selector: { ...spec.selector, matchLabels: { ...spec.selector.matchLabels, [hashLabel]: hash } },
      template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
    },
  });
  // The namesake of a Deployment that was deleted and made anew has to go first.
  if (!set) return;
  writeRevision(deployment, revision, context);
  if (replicas > 0) context.record(deployment, { type: 'Normal', reason: 'ScalingReplicaSet', message: `Scaled up replica set ${set.metadata.name} from 0 to ${replicas}` });
};

const dropHistory = (deployment: Deployment, sets: readonly ReplicaSet[], { store }: Reconciliation): void => {
  const current = findCurrent(deployment, sets);
  const idle = sets.filter((set) => set !== current && set.spec?.replicas === 0 && (set.status?.replicas ?? 0) === 0 && !isDeleted(set)).sort((left, right) => revisionOf(left) - revisionOf(right));
  for (const set of idle.slice(0, Math.max(0, idle.length - (deployment.spec?.revisionHistoryLimit ?? 10)))) remove(store, 'replicasets.apps', set);
};
