import type { KubernetesObject } from '../../domain/kubernetes.ts';
import { ageColumn, type Column, count, labelsOf, computed, nameColumn, wide } from './column.ts';
import { humanDuration } from './duration.ts';
import { listAt, numberAt, recordAt, textAt, valueAt } from './json.ts';

const readyOf = (object: KubernetesObject): string =>
  `${numberAt(object, 'status', 'readyReplicas') ?? 0}/${numberAt(object, 'spec', 'replicas') ?? 0}`;

const containersOf = (object: KubernetesObject, field: 'name' | 'image'): string =>
  listAt(object, 'spec', 'template', 'spec', 'containers')
    .map((container) => textAt(container, field) ?? '')
    .join(',');

const selectorOf = (selector: unknown): string => {
  const labels = Object.entries(recordAt(selector, 'matchLabels')).map(([key, value]) => `${key}=${String(value)}`);
  return labels.sort().join(',') || '<none>';
};

const workloadColumns: Column[] = [
  computed('Containers', (object) => containersOf(object, 'name')),
  computed('Images', (object) => containersOf(object, 'image')),
  computed('Selector', (object) => selectorOf(valueAt(object, 'spec', 'selector'))),
].map(wide);

const hasCondition = (object: KubernetesObject, type: string): boolean =>
  listAt(object, 'status', 'conditions').some((condition) => textAt(condition, 'type') === type && textAt(condition, 'status') === 'True');

const jobStatus = (job: KubernetesObject): string => {
  if (hasCondition(job, 'Complete')) return 'Complete';
  if (hasCondition(job, 'Failed')) return 'Failed';
  if (job.metadata.deletionTimestamp) return 'Terminating';
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find((type) => hasCondition(job, type)) ?? 'Running';
};

const jobCompletions = (job: KubernetesObject): string => {
  const succeeded = numberAt(job, 'status', 'succeeded') ?? 0;
  const completions = numberAt(job, 'spec', 'completions');
  const parallelism = numberAt(job, 'spec', 'parallelism') ?? 0;
  if (completions !== undefined) return `${succeeded}/${completions}`;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
};

const jobDuration = (job: KubernetesObject, now: Date): string => {
  const [start, end] = [textAt(job, 'status', 'startTime'), textAt(job, 'status', 'completionTime')];
  return start ? humanDuration((end ? Date.parse(end) : now.getTime()) - Date.parse(start)) : '';
};

export const workloadColumnsByKind: Record<string, readonly Column[]> = {
  DaemonSet: [
    nameColumn,
    count('Desired', 'status', 'desiredNumberScheduled'),
    count('Current', 'status', 'currentNumberScheduled'),
    count('Ready', 'status', 'numberReady'),
    count('Up-to-date', 'status', 'updatedNumberScheduled'),
    count('Available', 'status', 'numberAvailable'),
    computed('Node Selector', (set) => labelsOf(valueAt(set, 'spec', 'template', 'spec', 'nodeSelector'))),
    ageColumn,
    ...workloadColumns,
  ],
  Deployment: [
    nameColumn,
    computed('Ready', readyOf),
    // Numbers, although they call themselves text.
    { ...count('Up-to-date', 'status', 'updatedReplicas'), type: 'string' },
    { ...count('Available', 'status', 'availableReplicas'), type: 'string' },
    ageColumn,
    ...workloadColumns,
  ],
  Job: [
    nameColumn,
    computed('Status', jobStatus),
    computed('Completions', jobCompletions),
    computed('Duration', jobDuration),
    ageColumn,
    ...workloadColumns,
  ],
  ReplicaSet: [
    nameColumn,
    count('Desired', 'spec', 'replicas'),
    count('Current', 'status', 'replicas'),
    count('Ready', 'status', 'readyReplicas'),
    ageColumn,
    ...workloadColumns,
  ],
  StatefulSet: [nameColumn, computed('Ready', readyOf), ageColumn, ...workloadColumns.slice(0, 2)],
};
