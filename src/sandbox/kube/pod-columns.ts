import type { KubernetesObject } from '../../domain/kubernetes.ts';
import { ageColumn, type Column, nameColumn } from './column.ts';
import { humanAge } from './duration.ts';
import { listAt, numberAt, recordAt, textAt, valueAt } from './json.ts';

/** What `kubectl get pods` says of a pod is computed by the server, and more telling than its phase. */
interface Summary {
  reason: string;
  readyCount: number;
  restartCount: number;
  lastRestart: string | undefined;
}

const summarise = (pod: KubernetesObject): Summary => {
  const phase = textAt(pod, 'status', 'phase') ?? '';
  const initial = textAt(pod, 'status', 'reason') || phase;
  const initialising = initSummary(pod);
  const isInitialised = isTrue(pod, 'Initialized');
  const summary = initialising && !isInitialised ? initialising : mainSummary(pod, initialising?.reason ?? initial);
  const isTerminal = phase === 'Succeeded' || phase === 'Failed';
  if (!pod.metadata.deletionTimestamp || isTerminal) return summary;
  return { ...summary, reason: textAt(pod, 'status', 'reason') === 'NodeLost' ? 'Unknown' : 'Terminating' };
};

/** Undefined when every init container is through. */
const initSummary = (pod: KubernetesObject): Summary | undefined => {
  const statuses = listAt(pod, 'status', 'initContainerStatuses');
  const index = statuses.findIndex((status) => numberAt(status, 'state', 'terminated', 'exitCode') !== 0);
  if (index < 0) return undefined;
  const status = statuses[index];
  const waiting = textAt(status, 'state', 'waiting', 'reason');
  const terminated = valueAt(status, 'state', 'terminated');
  const progress = `Init:${index}/${listAt(pod, 'spec', 'initContainers').length}`;
  const reason = terminated
    ? `Init:${exitReason(terminated)}`
    : waiting && waiting !== 'PodInitializing'
      ? `Init:${waiting}`
      : progress;
  return { reason, readyCount: 0, ...restartsOf(statuses.slice(0, index + 1)) };
};

const mainSummary = (pod: KubernetesObject, before: string): Summary => {
  const statuses = listAt(pod, 'status', 'containerStatuses');
  const running = statuses.filter((status) => valueAt(status, 'ready') === true && valueAt(status, 'state', 'running'));
  const told = statuses.map((status) => {
    const terminated = valueAt(status, 'state', 'terminated');
    if (terminated) return { reason: exitReason(terminated), isFailure: numberAt(terminated, 'exitCode') !== 0 };
    return { reason: textAt(status, 'state', 'waiting', 'reason') || undefined, isFailure: false };
  });
  // The first container has the last word, save that a failure is told before a completion.
  const first = told.find(({ reason }) => reason !== undefined)?.reason ?? before;
  const failure = told.find(({ isFailure }) => isFailure)?.reason;
  const reason = first === 'Completed' ? completedReason(running.length > 0, isTrue(pod, 'Ready'), failure) : first;
  return { reason, readyCount: running.length, ...restartsOf(statuses) };
};

const completedReason = (isRunning: boolean, isReady: boolean, failure: string | undefined): string => {
  if (isRunning && isReady) return 'Running';
  return failure ?? (isRunning ? 'NotReady' : 'Completed');
};

const exitReason = (terminated: unknown): string => {
  const signal = numberAt(terminated, 'signal');
  return textAt(terminated, 'reason') || (signal ? `Signal:${signal}` : `ExitCode:${numberAt(terminated, 'exitCode') ?? 0}`);
};

const restartsOf = (statuses: readonly unknown[]): { restartCount: number; lastRestart: string | undefined } => ({
  restartCount: statuses.reduce<number>((sum, status) => sum + (numberAt(status, 'restartCount') ?? 0), 0),
  lastRestart: statuses
    .map((status) => textAt(status, 'lastState', 'terminated', 'finishedAt'))
    .filter((time) => time !== undefined)
    .sort()
    .at(-1),
});

const isTrue = (pod: KubernetesObject, type: string): boolean =>
  listAt(pod, 'status', 'conditions').some((condition) => textAt(condition, 'type') === type && textAt(condition, 'status') === 'True');

const readinessGates = (pod: KubernetesObject): string => {
  const gates = listAt(pod, 'spec', 'readinessGates').map((gate) => textAt(gate, 'conditionType') ?? '');
  return gates.length === 0 ? '<none>' : `${gates.filter((type) => isTrue(pod, type)).length}/${gates.length}`;
};

export const podColumns: readonly Column[] = [
  nameColumn,
  { name: 'Ready', cell: (pod) => `${summarise(pod).readyCount}/${listAt(recordAt(pod, 'spec'), 'containers').length}` },
  { name: 'Status', cell: (pod) => summarise(pod).reason },
  {
    name: 'Restarts',
    cell: (pod, now) => {
      const { restartCount, lastRestart } = summarise(pod);
      return restartCount > 0 && lastRestart ? `${restartCount} (${humanAge(lastRestart, now)} ago)` : String(restartCount);
    },
  },
  ageColumn,
  { name: 'IP', isWide: true, cell: (pod) => textAt(pod, 'status', 'podIP') || '<none>' },
  { name: 'Node', isWide: true, cell: (pod) => textAt(pod, 'spec', 'nodeName') || '<none>' },
  { name: 'Nominated Node', isWide: true, cell: (pod) => textAt(pod, 'status', 'nominatedNodeName') || '<none>' },
  { name: 'Readiness Gates', isWide: true, cell: readinessGates },
];
