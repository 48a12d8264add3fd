import { withCondition } from '../controllers/conditions.ts';
import type { Container, ContainerStatus, Pod, PodStatus } from '../controllers/object-types.ts';

export interface Terminated {
  exitCode: number;
  reason: string;
  message?: string;
  startedAt: string;
  finishedAt: string;
  containerID: string;
}

export type ContainerState = { kind: 'waiting'; reason: string; message?: string } | { kind: 'running'; startedAt: string } | ({ kind: 'terminated' } & Terminated);

/** What the kubelet knows of a container. */
export interface ContainerRecord {
  readonly spec: Container;
  readonly isInit: boolean;
  state: ContainerState;
  /** How the incarnation before this one ended. */
  last: Terminated | undefined;
  restartCount: number;
  isStarted: boolean;
  isReady: boolean;
  image: string;
  imageId: string;
  containerId: string;
}

export const createRecord = (spec: Container, isInit: boolean, hasInitContainers: boolean): ContainerRecord => ({
  spec,
  isInit,
  state: { kind: 'waiting', reason: hasInitContainers ? 'PodInitializing' : 'ContainerCreating' },
  last: undefined,
  restartCount: 0,
  isStarted: false,
  isReady: false,
  image: spec.image ?? '',
  imageId: '',
  containerId: '',
});

/** What events about a container name as their subject. */
export const fieldOf = ({ spec, isInit }: ContainerRecord): { fieldPath: string } => ({ fieldPath: `spec.${isInit ? 'initContainers' : 'containers'}{${spec.name}}` });

/** An init container that ends is started again by every policy but Never, and only when it failed. */
export const isRestarted = (pod: Pod, { isInit }: { isInit: boolean }, exitCode: number): boolean => {
  const policy = pod.spec?.restartPolicy ?? 'Always';
  if (policy === 'Never') return false;
  return exitCode !== 0 || (policy === 'Always' && !isInit);
};

export interface PodState {
  records: readonly ContainerRecord[];
  hasNetwork: boolean;
  /** Nothing will be started again: the pod is being deleted. */
  isEnding: boolean;
  startTime: string;
  podIp: string | undefined;
  hostIp: string;
}

/** https://github.com/kubernetes/kubernetes/blob/v1.34.2/pkg/kubelet/kubelet_pods.go, `generateAPIPodStatus` */
export const renderPodStatus = (pod: Pod, state: PodState, now: string): PodStatus => {
  const { records, hasNetwork, startTime, podIp, hostIp } = state;
  const init = records.filter(({ isInit }) => isInit);
  const main = records.filter(({ isInit }) => !isInit);
  const phase = phaseOf(pod, state);
  const observedGeneration = pod.metadata.generation ?? 1;
  const conditions = conditionsOf({ init, main, phase, hasNetwork }).reduce(
    (list, condition) => withCondition(list, { ...condition, observedGeneration }, now),
    pod.status?.conditions ?? [],
  );
  return {
    ...pod.status,
    observedGeneration,
    phase,
    conditions,
    hostIP: hostIp,
    hostIPs: [{ ip: hostIp }],
    ...(podIp === undefined ? {} : { podIP: podIp, podIPs: [{ ip: podIp }] }),
    startTime,
    ...(init.length > 0 ? { initContainerStatuses: init.map(renderRecord) } : {}),
    containerStatuses: main.map(renderRecord),
  };
};

const phaseOf = (pod: Pod, { records, isEnding }: PodState): string => {
  const known = pod.status?.phase;
  if (known === 'Failed' || known === 'Succeeded') return known;
  const willRun = (record: ContainerRecord): boolean => !isEnding && isRestarted(pod, record, endingOf(record) ?? 0);

  const init = records.filter(({ isInit }) => isInit);
  if (init.some((record) => (endingOf(record) ?? 0) !== 0 && !willRun(record))) return 'Failed';
  if (init.some(({ state }) => state.kind !== 'terminated' || state.exitCode !== 0)) return 'Pending';
  const main = records.filter(({ isInit }) => !isInit);
  if (main.some((record) => record.state.kind === 'waiting' && record.last === undefined)) return 'Pending';
  if (main.some(({ state }) => state.kind === 'running') || main.some(willRun)) return 'Running';
  return main.every((record) => endingOf(record) === 0) ? 'Succeeded' : 'Failed';
};

/** With which exit code a container that does not run has ended; undefined when it never ran. */
const endingOf = ({ state, last }: ContainerRecord): number | undefined => (state.kind === 'terminated' ? state.exitCode : state.kind === 'waiting' ? last?.exitCode : undefined);

interface PodCondition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
}

const conditionsOf = ({ init, main, phase, hasNetwork }: { init: ContainerRecord[]; main: ContainerRecord[]; phase: string; hasNetwork: boolean }): PodCondition[] => {
  const incomplete = init.filter(({ isReady }) => !isReady).map(({ spec }) => spec.name);
  const unready = main.filter(({ isReady }) => !isReady).map(({ spec }) => spec.name);
  const hasRun = main.some(({ state, last }) => state.kind !== 'waiting' || last !== undefined);
  const readiness =
    phase === 'Succeeded'
      ? { status: 'False', reason: 'PodCompleted' }
      : phase === 'Failed'
        ? { status: 'False', reason: 'PodFailed' }
        : unready.length > 0
          ? { status: 'False', reason: 'ContainersNotReady', message: `containers with unready status: [${unready.join(' ')}]` }
          : { status: 'True' };
  const initialized =
    incomplete.length > 0 && !hasRun
      ? { status: 'False', reason: 'ContainersNotInitialized', message: `containers with incomplete status: [${incomplete.join(' ')}]` }
      : { status: 'True', ...(phase === 'Succeeded' ? { reason: 'PodCompleted' } : {}) };
  return [
    { type: 'PodReadyToStartContainers', status: hasNetwork ? 'True' : 'False' },
    { type: 'Initialized', ...initialized },
    { type: 'Ready', ...readiness },
    { type: 'ContainersReady', ...readiness },
    { type: 'PodScheduled', status: 'True' },
  ];
};

const renderRecord = ({ spec, state, last, restartCount, isStarted, isReady, image, imageId, containerId }: ContainerRecord): ContainerStatus => ({
  name: spec.name,
  image,
  imageID: imageId,
  ...(containerId === '' ? {} : { containerID: containerId }),
  restartCount,
  ready: isReady,
  started: isStarted,
  state: renderState(state),
  lastState: last ? { terminated: { ...last } } : {},
});

const renderState = (state: ContainerState): NonNullable<ContainerStatus['state']> => {
  const { kind, ...rest } = state;
  return { [kind]: rest };
};
