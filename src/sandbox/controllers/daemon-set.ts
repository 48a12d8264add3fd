import { createController, type Reconciliation } from './controller.ts';
import { findUntolerated } from './node-fit.ts';
import type { Node, Objects, Pod, PodSpec } from './object-types.ts';
import { changeStatus, claimPods, controllerOf, create, find, isDeleted, isFinished, isOf, isReady, list, ownedBy, podFromTemplate, remove } from './objects.ts';
import { isAvailable } from './replica-set.ts';
import { hashTemplate } from './template-hash.ts';

type DaemonSet = Objects['daemonsets.apps'];
type Toleration = NonNullable<PodSpec['tolerations']>[number];

const hashLabel = 'controller-revision-hash';

/** One pod on every node that its template's selector and tolerations admit. https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/controller/daemon/daemon_controller.go */
export const daemonSetController = createController({
  name: 'daemonset-controller',
  resource: 'daemonsets.apps',
  affectedBy(happened, store) {
    if (happened.resource === 'nodes') return list(store, 'daemonsets.apps');
    const owner = isOf('pods', happened) ? controllerOf(happened.object) : undefined;
    const set = owner?.kind === 'DaemonSet' ? find(store, 'daemonsets.apps', happened.object.metadata.namespace, owner.name) : undefined;
    return set ? [set] : [];
  },
  reconcile(set, context) {
    const { store } = context;
    const pods = claimPods(store, set, set.spec?.selector);
    const wanted = list(store, 'nodes').filter((node) => isWanted(set, node));
    if (!isDeleted(set)) managePods(set, pods, wanted, context);
    writeStatus(set, wanted, context);
  },
});

/** Nodes that are not ready yet, cordoned or under pressure keep their daemons. */
const daemonTolerations: readonly Toleration[] = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  ...['not-ready', 'disk-pressure', 'memory-pressure', 'pid-pressure', 'unschedulable'].map((name) => ({ key: `node.kubernetes.io/${name}`, operator: 'Exists', effect: 'NoSchedule' })),
];

const tolerationsOf = ({ spec }: DaemonSet): Toleration[] => [...(spec?.template.spec?.tolerations ?? []), ...daemonTolerations];

const isWanted = (set: DaemonSet, node: Node): boolean =>
  Object.entries(set.spec?.template.spec?.nodeSelector ?? {}).every(([key, value]) => node.metadata.labels?.[key] === value) && !findUntolerated(node, tolerationsOf(set));

/** The node a pod is meant for: its own affinity says so before it is there. */
const targetOf = ({ spec }: Pod): string | undefined =>
  spec?.nodeName ?? spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms[0]?.matchFields?.[0]?.values?.[0];

const managePods = (set: DaemonSet, pods: readonly Pod[], wanted: readonly Node[], { store, record }: Reconciliation): void => {
  const { spec } = set;
  if (!spec) return;
  const names = new Set(wanted.map(({ metadata }) => metadata.name));
  const hash = hashTemplate(spec.template);
  const isOutdated = (pod: Pod): boolean => spec.updateStrategy?.type !== 'OnDelete' && pod.metadata.labels?.[hashLabel] !== hash;
  for (const pod of pods.filter((candidate) => !isDeleted(candidate))) {
    if (names.has(targetOf(pod) ?? '') && !isFinished(pod) && !isOutdated(pod)) continue;
    remove(store, 'pods', pod);
    record(set, { type: 'Normal', reason: 'SuccessfulDelete', message: `Deleted pod: ${pod.metadata.name}` });
  }
  const served = new Set(pods.map(targetOf));
  for (const name of names) {
    if (served.has(name)) continue;
    const nodeSelectorTerms = [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }] }];
    const pod = create(store, 'pods', {
      ...podFromTemplate(spec.template, set, { generateName: `${set.metadata.name}-`, labels: { [hashLabel]: hash } }),
      spec: { ...spec.template.spec, affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } }, tolerations: tolerationsOf(set) },
    });
    record(set, { type: 'Normal', reason: 'SuccessfulCreate', message: `Created pod: ${pod.metadata.name}` });
  }
};

const writeStatus = (set: DaemonSet, wanted: readonly Node[], context: Reconciliation): void => {
  const pods = ownedBy(list(context.store, 'pods', set.metadata.namespace), set).filter((pod) => !isDeleted(pod));
  const names = new Set(wanted.map(({ metadata }) => metadata.name));
  const hash = hashTemplate(set.spec?.template);
  const count = (isCounted: (pod: Pod) => boolean): number => pods.filter((pod) => names.has(targetOf(pod) ?? '') && isCounted(pod)).length;
  const available = count((pod) => isAvailable(pod, set.spec?.minReadySeconds ?? 0, context));
  changeStatus(context.store, 'daemonsets.apps', set, (draft) => {
    draft.status = {
      currentNumberScheduled: count(() => true),
      desiredNumberScheduled: wanted.length,
      numberMisscheduled: pods.length - count(() => true),
      numberReady: count(isReady),
      updatedNumberScheduled: count(({ metadata }) => metadata.labels?.[hashLabel] === hash),
      numberAvailable: available,
      numberUnavailable: wanted.length - available,
      ...(set.metadata.generation === undefined ? {} : { observedGeneration: set.metadata.generation }),
    };
  });
};
