import type { Kinds } from '../cluster/kinds.ts';
import { lastLine } from './last-words.ts';

/**
 * Why pods do not do what they should: one reason in the operator's words, and whether waiting longer can help.
 * The order and the texts follow KAITO: https://github.com/kaito-project/kaito/blob/056b8280/pkg/workspace/controllers/workspace_controller.go#L934
 */
export interface Diagnosis {
  reason: PodReason;
  message: string;
  hints: string[];
  /** No waiting will mend this. */
  isFatal: boolean;
}

export type PodReason =
  | 'ContainerOOMKilled'
  | 'ImagePullError'
  | 'ContainerStartError'
  | 'ContainerCrashLoopBackOff'
  | 'ContainerFailed'
  | 'PodRefused'
  | 'NodeDiskPressure'
  | 'NodeMemoryPressure'
  | 'PodEvicted'
  | 'PodDisrupted'
  | 'PodFailed'
  | 'NodeNotReady'
  | 'NodeLost'
  | 'Unschedulable'
  | 'VolumeError';

type Pod = Kinds['Pod'];
type ContainerStatus = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number];

const imagePullReasons = new Set(['ImagePullBackOff', 'ErrImagePull', 'InvalidImageName', 'ErrImageNeverPull', 'ImageInspectError', 'RegistryUnavailable']);
const startReasons = new Set(['CreateContainerConfigError', 'PreCreateHookError', 'CreateContainerError', 'PreStartHookError', 'RunContainerError', 'PostStartHookError']);

/** Restarts after which another crash is no accident any more. */
const crashLimit = 2;

/** `earlierEnds` are not held against the containers: what made them end so may have been mended since. */
export const diagnosePods = (all: readonly Pod[], events: readonly Kinds['Event'][] = [], earlierEnds: ReadonlySet<string> = new Set()): Diagnosis | undefined => {
  const pods = withoutReplaced(all);
  return first(pods, (pod) => outOfMemory(pod, earlierEnds)) ?? first(pods, imagePull) ?? first(pods, start) ?? first(pods, (pod) => crashLoop(pod, earlierEnds)) ?? first(pods, evicted) ?? first(pods, disrupted) ?? first(pods, unschedulable) ?? volume(events) ?? first(pods, failedContainer) ?? first(pods, failedPod);
};

/** Its controller leaves an evicted pod where it is, and makes another: once a kubelet has let that in, only it tells how things stand. */
const withoutReplaced = (pods: readonly Pod[]): readonly Pod[] => (pods.some((pod) => containerStatuses(pod).length > 0 && !hasEnded(pod)) ? pods.filter((pod) => evictionOf(pod) === undefined && !disruptionOf(pod)) : pods);

/**
 * The kubelet's words. Where all containers obey in the second that they are given and end with 0, it calls the pod Succeeded
 * and only a condition still tells.
 */
const evictionOf = (pod: Pod): string | undefined => {
  if (pod.status?.phase === 'Failed' && pod.status.reason === 'Evicted') return pod.status.message ?? '';
  const { reason, message } = disruptionOf(pod) ?? {};
  return reason === 'TerminationByKubelet' && message?.startsWith('The node was low on resource') ? message : undefined;
};

const disruptionOf = (pod: Pod) => (hasEnded(pod) ? pod.status?.conditions?.find(({ type, status }) => type === 'DisruptionTarget' && status === 'True') : undefined);

/** It never runs again. */
export const hasEnded = ({ status }: Pod): boolean => status?.phase === 'Failed' || status?.phase === 'Succeeded';

const first = (pods: readonly Pod[], judge: (pod: Pod) => Diagnosis | undefined): Diagnosis | undefined => {
  for (const pod of pods) {
    const diagnosis = judge(pod);
    if (diagnosis) return diagnosis;
  }
  return undefined;
};

export const containerStatuses = (pod: Pod): ContainerStatus[] => [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];

/** How the containers that these pods tell of have ended or will end, to be recognised later: what runs already began before as well. */
export const endsOf = (pods: readonly Pod[]): ReadonlySet<string> =>
  new Set(pods.flatMap((pod) => containerStatuses(pod).flatMap((status) => [status.containerID, status.state?.terminated?.containerID, status.lastState?.terminated?.containerID].flatMap((id) => (id ? [identify(pod, status, id)] : [])))));

const identify = ({ metadata }: Pod, { name }: ContainerStatus, containerId: string): string => [metadata.uid, name, containerId].join(' ');

const isEarlier = (pod: Pod, status: ContainerStatus, earlierEnds: ReadonlySet<string>): boolean => {
  const end = status.state?.terminated ?? status.lastState?.terminated;
  return end?.containerID !== undefined && earlierEnds.has(identify(pod, status, end.containerID));
};

/** The kubelet's back-off grows up to five minutes. Nothing else shortens it than another pod. */
const startsAgain = ({ metadata: { name, namespace } }: Pod): string => `; it is started again within 5m, or at once after: kubectl delete pod ${name} -n ${namespace}`;

const outOfMemory = (pod: Pod, earlierEnds: ReadonlySet<string>): Diagnosis | undefined => {
  for (const status of containerStatuses(pod)) {
    const { name, state, lastState, restartCount } = status;
    const wasEarlier = isEarlier(pod, status, earlierEnds);
    if (state?.running && (wasEarlier || status.ready)) continue;
    // The kubelet says so as well where only a child was killed, and the container went on and succeeded.
    const terminated = [state?.terminated, lastState?.terminated].find((candidate) => candidate?.reason === 'OOMKilled' && candidate.exitCode !== 0);
    if (!terminated) continue;
    return {
      reason: 'ContainerOOMKilled',
      message: `container "${name}" was OOMKilled (exit code ${terminated.exitCode}); reduce memory usage or use a larger instance type${state?.running ? '; it runs again' : wasEarlier ? startsAgain(pod) : ''}`,
      hints: ['kaito-ts instance-types', `kubectl describe pod ${pod.metadata.name} -n ${pod.metadata.namespace}`],
      isFatal: !wasEarlier && !state?.running && (state?.terminated !== undefined || restartCount >= crashLimit),
    };
  }
  return undefined;
};

const imagePull = (pod: Pod): Diagnosis | undefined => {
  for (const { name, image, state } of containerStatuses(pod)) {
    const { reason = '', message = '' } = state?.waiting ?? {};
    if (!imagePullReasons.has(reason)) continue;
    const isRefused = /unauthorized|authentication required|denied|403 Forbidden|401 Unauthorized/i.test(message);
    const isAbsent = /not found|manifest unknown|does not exist/i.test(message);
    return {
      reason: 'ImagePullError',
      message: `container "${name}" image pull failed (${reason}): ${message}`,
      hints: [
        isRefused
          ? `The registry refused: check the pull secret of the pod, kubectl get pod ${pod.metadata.name} -n ${pod.metadata.namespace} -o jsonpath={.spec.imagePullSecrets}`
          : isAbsent
            ? `The registry has no such image: check the name and the tag of ${image}.`
            : `Check that the nodes can reach the registry of ${image}.`,
        `kubectl describe pod ${pod.metadata.name} -n ${pod.metadata.namespace}`,
      ],
      // A registry that hiccups answers otherwise than one that has no such image or lets nobody in.
      isFatal: isRefused || isAbsent || reason === 'InvalidImageName' || reason === 'ErrImageNeverPull',
    };
  }
  return undefined;
};

const start = (pod: Pod): Diagnosis | undefined => {
  for (const { name, state } of containerStatuses(pod)) {
    const { reason = '', message = '' } = state?.waiting ?? {};
    if (!startReasons.has(reason)) continue;
    return {
      reason: 'ContainerStartError',
      message: `container "${name}" failed to start (${reason}): ${message}`,
      hints: [`kubectl describe pod ${pod.metadata.name} -n ${pod.metadata.namespace}`],
      isFatal: true,
    };
  }
  return undefined;
};

const crashLoop = (pod: Pod, earlierEnds: ReadonlySet<string>): Diagnosis | undefined => {
  for (const status of containerStatuses(pod)) {
    const { name, state, lastState, restartCount } = status;
    const wasEarlier = isEarlier(pod, status, earlierEnds);
    if (state?.running && (wasEarlier || status.ready)) continue;
    const isBackingOff = state?.waiting?.reason === 'CrashLoopBackOff';
    if (!isBackingOff && restartCount < crashLimit) continue;
    const last = lastState?.terminated;
    return {
      reason: 'ContainerCrashLoopBackOff',
      message: `container "${name}" ${state?.running ? `runs again after ${restartCount} restarts` : 'is in CrashLoopBackOff'}${last ? `; last termination: ${rootError(last.message) ?? `exit code ${last.exitCode}`}` : ''}${wasEarlier ? startsAgain(pod) : ''}`,
      hints: [`kubectl logs ${pod.metadata.name} -n ${pod.metadata.namespace} -c ${name} --previous`],
      // What runs is loading, maybe with what it lacked before: only its next crash tells.
      isFatal: !wasEarlier && !state?.running && restartCount >= crashLimit,
    };
  }
  return undefined;
};

/** A traceback ends with what wraps the cause: the engine's own error says more than "initialization failed". */
const rootError = (message: string | undefined): string | undefined => {
  const lines = (message ?? '').split(/[\r\n]+/).map((line) => line.trim()).filter((line) => line !== '');
  const errors = lines.flatMap((line) => /(?:[\w.]+(?:Error|Exception): .+)$/.exec(line)?.[0] ?? []).filter((line) => !line.includes('See root cause above'));
  return errors.at(-1) ?? lastLine(message ?? '');
};

const evicted = (pod: Pod): Diagnosis | undefined => {
  const message = evictionOf(pod)?.trim();
  if (message === undefined) return undefined;
  // The pods after the first are turned away at the door: `The node had condition: [DiskPressure]`.
  const isDisk = /ephemeral-storage|disk/i.test(message);
  const isMemory = /memory/i.test(message);
  return {
    reason: isDisk ? 'NodeDiskPressure' : isMemory ? 'NodeMemoryPressure' : 'PodEvicted',
    message: `pod "${pod.metadata.name}" evicted${isDisk ? ' due to node disk pressure' : isMemory ? ' due to node memory pressure' : ''}: ${message}`,
    hints: [`kubectl describe node ${pod.spec?.nodeName ?? ''}`.trim()],
    isFatal: false,
  };
};

/** Its containers' states are the last that were heard of them. */
const disrupted = (pod: Pod): Diagnosis | undefined => {
  const condition = disruptionOf(pod);
  if (!condition) return undefined;
  return {
    reason: 'PodDisrupted',
    message: `pod "${pod.metadata.name}" was disrupted (${condition.reason ?? 'DisruptionTarget'}): ${condition.message ?? ''}`,
    hints: [`kubectl describe pod ${pod.metadata.name} -n ${pod.metadata.namespace}`],
    isFatal: false,
  };
};

/** A kubelet turns away what it cannot run: a node that has just come back may not have found its GPUs again. */
const failedPod = (pod: Pod): Diagnosis | undefined => {
  const { phase, reason, message = '' } = pod.status ?? {};
  if (phase !== 'Failed' || reason === undefined) return undefined;
  const node = pod.spec?.nodeName;
  return {
    reason: 'PodFailed',
    message: `pod "${pod.metadata.name}" failed${node === undefined ? '' : ` on node ${node}`} (${reason}): ${message}`,
    hints: [`kubectl describe ${node === undefined ? `pod ${pod.metadata.name} -n ${pod.metadata.namespace}` : `node ${node}`}`],
    isFatal: false,
  };
};

const unschedulable = (pod: Pod): Diagnosis | undefined => {
  if (pod.status?.phase !== 'Pending') return undefined;
  const condition = pod.status.conditions?.find(({ type, status, reason }) => type === 'PodScheduled' && status === 'False' && reason === 'Unschedulable');
  if (!condition) return undefined;
  return {
    reason: 'Unschedulable',
    message: `pod "${pod.metadata.name}" is unschedulable: ${condition.message ?? ''}`,
    hints: [`kubectl describe pod ${pod.metadata.name} -n ${pod.metadata.namespace}`, 'kubectl get nodes -o custom-columns=NAME:.metadata.name,GPU:.status.allocatable.nvidia\\.com/gpu,TAINTS:.spec.taints'],
    isFatal: false,
  };
};

const volume = (events: readonly Kinds['Event'][]): Diagnosis | undefined => {
  const event = events.find(({ type, reason }) => type === 'Warning' && (reason === 'FailedMount' || reason === 'FailedAttachVolume' || reason === 'ProvisioningFailed'));
  if (!event) return undefined;
  return {
    reason: 'VolumeError',
    message: `${event.involvedObject.kind}/${event.involvedObject.name}: ${event.message ?? event.reason ?? ''}`,
    hints: [`kubectl get events -n ${event.metadata.namespace} --field-selector involvedObject.name=${event.involvedObject.name}`],
    isFatal: false,
  };
};

const failedContainer = (pod: Pod): Diagnosis | undefined => {
  for (const { name, state } of containerStatuses(pod)) {
    const terminated = state?.terminated;
    if (!terminated || terminated.exitCode === 0) continue;
    return {
      reason: 'ContainerFailed',
      message: `container "${name}" ended with exit code ${terminated.exitCode}${terminated.message ? `: ${rootError(terminated.message)}` : ''}`,
      hints: [`kubectl logs ${pod.metadata.name} -n ${pod.metadata.namespace} -c ${name}`],
      // Elsewhere it is started again, and only a crash that repeats is one.
      isFatal: pod.spec?.restartPolicy === 'Never',
    };
  }
  return undefined;
};
