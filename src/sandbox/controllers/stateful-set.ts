import { createController, type Reconciliation } from './controller.ts';
import type { Objects, Pod, PodSpec } from './object-types.ts';
import { changeStatus, claimPods, controllerOf, create, createIfPossible, find, isDeleted, isFinished, isOf, isReady, ownedBy, list, podFromTemplate, remove } from './objects.ts';
import { isAvailable } from './replica-set.ts';
import { hashTemplate } from './template-hash.ts';

type StatefulSet = Objects['statefulsets.apps'];

const revisionLabel = 'controller-revision-hash';

/** https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/controller/statefulset/stateful_set_control.go */
export const statefulSetController = createController({
  name: 'statefulset-controller',
  resource: 'statefulsets.apps',
  affectedBy(happened, store) {
    if (!isOf('pods', happened)) return [];
    const owner = controllerOf(happened.object);
    const set = owner?.kind === 'StatefulSet' ? find(store, 'statefulsets.apps', happened.object.metadata.namespace, owner.name) : undefined;
    return set ? [set] : [];
  },
  reconcile(set, context) {
    if (set.spec === undefined) return;
    const pods = claimPods(context.store, set, set.spec.selector);
    if (!isDeleted(set)) managePods(set, pods, context);
    writeStatus(set, context);
  },
});

const ordinalOf = ({ metadata }: Pod): number => Number(/-(\d+)$/.exec(metadata.name)?.[1] ?? -1);

/** Names the template's revision, as the real controller's ControllerRevision does. */
const revisionOf = ({ metadata, spec }: StatefulSet): string => `${metadata.name}-${hashTemplate(spec?.template)}`;

const managePods = (set: StatefulSet, pods: readonly Pod[], context: Reconciliation): void => {
  const { spec } = set;
  if (spec === undefined) return;
  const first = spec.ordinals?.start ?? 0;
  const wanted = Array.from({ length: spec.replicas ?? 1 }, (_, index) => first + index);
  const isOrdered = spec.podManagementPolicy !== 'Parallel';
  const podAt = new Map(pods.map((pod) => [ordinalOf(pod), pod]));

  for (const ordinal of wanted) {
    const pod = podAt.get(ordinal);
    if (!pod) createPod(set, ordinal, context);
    else if (isFinished(pod) && !isDeleted(pod)) deletePod(set, pod, context);
    // One after the other: the next comes when this one is ready.
    if (isOrdered && !(pod && isReady(pod) && !isDeleted(pod))) return;
  }
  const surplus = pods.filter((pod) => !wanted.includes(ordinalOf(pod))).sort((left, right) => ordinalOf(right) - ordinalOf(left));
  for (const pod of isOrdered ? surplus.slice(0, 1) : surplus) if (!isDeleted(pod)) deletePod(set, pod, context);
  if (surplus.length === 0) replaceOutdated(set, pods, context);
};

/** From the last to the first, each waiting for the one before to be ready again, down to the partition. */
const replaceOutdated = (set: StatefulSet, pods: readonly Pod[], context: Reconciliation): void => {
  if (set.spec?.updateStrategy?.type === 'OnDelete') return;
  const partition = set.spec?.updateStrategy?.rollingUpdate?.partition ?? 0;
  for (const pod of pods.toSorted((left, right) => ordinalOf(right) - ordinalOf(left))) {
    if (ordinalOf(pod) < partition) return;
    const isOutdated = pod.metadata.labels?.[revisionLabel] !== revisionOf(set);
    if (isOutdated && !isDeleted(pod)) return deletePod(set, pod, context);
    if (isDeleted(pod) || !isReady(pod)) return;
  }
};

const createPod = (set: StatefulSet, ordinal: number, { store, record }: Reconciliation): void => {
  const { spec } = set;
  if (spec === undefined) return;
  const { namespace } = set.metadata;
  const name = `${set.metadata.name}-${ordinal}`;
  const claimed = (spec.volumeClaimTemplates ?? []).map((template) => {
    const claimName = `${template.metadata?.name}-${name}`;
    const made = createIfPossible(store, 'persistentvolumeclaims', {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: claimName, ...(namespace === undefined ? {} : { namespace }), labels: { ...template.metadata?.labels, ...spec.selector.matchLabels } },
      spec: template.spec,
    });
    if (made) record(set, { type: 'Normal', reason: 'SuccessfulCreate', message: `create Claim ${claimName} Pod ${name} in StatefulSet ${set.metadata.name} success` });
    return { name: template.metadata?.name ?? '', persistentVolumeClaim: { claimName } };
  });
  const labels = { 'apps.kubernetes.io/pod-index': String(ordinal), [revisionLabel]: revisionOf(set), 'statefulset.kubernetes.io/pod-name': name };
  const pod = podFromTemplate(spec.template, set, { name, labels });
  const names = new Set(claimed.map((volume) => volume.name));
  const podSpec: Partial<PodSpec> = {
    ...spec.template.spec,
    hostname: name,
    ...(spec.serviceName ? { subdomain: spec.serviceName } : {}),
    volumes: [...claimed, ...(spec.template.spec?.volumes ?? []).filter((volume) => !names.has(volume.name))],
  };
  create(store, 'pods', { ...pod, spec: podSpec });
  record(set, { type: 'Normal', reason: 'SuccessfulCreate', message: `create Pod ${name} in StatefulSet ${set.metadata.name} successful` });
};

const deletePod = (set: StatefulSet, pod: Pod, { store, record }: Reconciliation): void => {
  remove(store, 'pods', pod);
  record(set, { type: 'Normal', reason: 'SuccessfulDelete', message: `delete Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name} successful` });
};

const writeStatus = (set: StatefulSet, context: Reconciliation): void => {
  const pods = ownedBy(list(context.store, 'pods', set.metadata.namespace), set);
  const revision = revisionOf(set);
  const updated = pods.filter(({ metadata }) => metadata.labels?.[revisionLabel] === revision).length;
  const ready = pods.filter(isReady).length;
  const isRolledOut = updated === pods.length && updated === (set.spec?.replicas ?? 1);
  changeStatus(context.store, 'statefulsets.apps', set, (draft) => {
    const current = isRolledOut ? revision : (draft.status?.currentRevision ?? revision);
    const currentCount = pods.filter(({ metadata }) => metadata.labels?.[revisionLabel] === current).length;
    draft.status = {
      ...(set.metadata.generation === undefined ? {} : { observedGeneration: set.metadata.generation }),
      replicas: pods.length,
      ...(ready > 0 ? { readyReplicas: ready } : {}),
      ...(currentCount > 0 ? { currentReplicas: currentCount } : {}),
      ...(updated > 0 ? { updatedReplicas: updated } : {}),
      availableReplicas: pods.filter((pod) => isAvailable(pod, set.spec?.minReadySeconds ?? 0, context)).length,
      currentRevision: current,
      updateRevision: revision,
      collisionCount: 0,
    };
  });
};
