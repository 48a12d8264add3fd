import type { KubernetesObject } from '../../domain/kubernetes.ts';
import type { FieldProblem } from './errors.ts';
import { isEqualJson, isRecord, type JsonRecord, recordAt, valueAt } from './json.ts';
import type { Resource } from './resources.ts';
import { jobSpecProblems } from './job-validation.ts';
import { problemAt } from './problems.ts';
import { problemsOf, refuse } from './validation.ts';

/** Refuses an update of fields that stay as they were created, together with all else that is wrong with the object. */
export const validateUpdate = (resource: Resource, before: KubernetesObject, after: KubernetesObject): void =>
  refuse(resource, after, [
    ...problemsOf(resource, after),
    ...finalizerProblems(before, after),
    ...(immutableFields[resource.kind] ?? []).flatMap((field) => fieldProblems(before, after, field)),
    ...(byKind[resource.kind]?.(before, after) ?? []),
  ]);

/** What is being deleted takes no new finalizers; said twice, as the API looks twice. */
const finalizerProblems = (before: KubernetesObject, after: KubernetesObject): FieldProblem[] => {
  const known = before.metadata.finalizers ?? [];
  const added = (after.metadata.finalizers ?? []).filter((finalizer) => !known.includes(finalizer));
  if (before.metadata.deletionTimestamp === undefined || added.length === 0) return [];
  const detail = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((finalizer) => JSON.stringify(finalizer)).join(', ')}}`;
  const problem: FieldProblem = { type: 'Forbidden', field: 'metadata.finalizers', detail };
  return [problem, problem];
};

/** Once set, these cannot be changed. */
const immutableFields: Record<string, readonly string[]> = {
  Deployment: ['spec.selector'],
  ReplicaSet: ['spec.selector'],
  DaemonSet: ['spec.selector'],
  Job: [
    'spec.selector',
    'spec.completionMode',
    'spec.podFailurePolicy',
    'spec.backoffLimitPerIndex',
    'spec.managedBy',
    'spec.successPolicy',
  ],
  Secret: ['type'],
  StorageClass: ['provisioner', 'parameters', 'reclaimPolicy', 'volumeBindingMode'],
};

/** Where its pods will run and what they are called may change until they have been started. */
const placingFields = ['nodeSelector', 'affinity', 'tolerations', 'schedulingGates'];

const withoutPlace = (job: KubernetesObject): JsonRecord => {
  const template = valueAt(job, 'spec', 'template');
  return { metadata: without(valueAt(template, 'metadata'), ['labels', 'annotations']), spec: without(valueAt(template, 'spec'), placingFields) };
};

const jobTemplateProblems = (before: KubernetesObject, after: KubernetesObject): FieldProblem[] => {
  const isWaiting = valueAt(before, 'spec', 'suspend') === true && valueAt(before, 'status', 'startTime') === undefined;
  return isWaiting && isEqualJson(withoutPlace(before), withoutPlace(after)) ? [] : fieldProblems(before, after, 'spec.template');
};

const fieldProblems = (before: KubernetesObject, after: KubernetesObject, field: string): FieldProblem[] => {
  const [old, current] = [valueAt(before, ...field.split('.')), valueAt(after, ...field.split('.'))];
  return isEqualJson(old, current) ? [] : [problemAt(field, current ?? null, 'field is immutable')];
};

const without = (spec: unknown, fields: readonly string[]): JsonRecord =>
  Object.fromEntries(Object.entries(isRecord(spec) ? spec : {}).filter(([field]) => !fields.includes(field)));

/** `immutable: true` in a ConfigMap or Secret is for good. */
const sealed = (before: KubernetesObject, after: KubernetesObject): FieldProblem[] => {
  if (before['immutable'] !== true) return [];
  return ['immutable', 'data', 'binaryData']
    .filter((field) => !isEqualJson(before[field], after[field]))
    .map((field) => ({ type: 'Forbidden', field, detail: 'field is immutable when `immutable` is set' }));
};

const statefulSetFields = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];

const byKind: Record<string, (before: KubernetesObject, after: KubernetesObject) => FieldProblem[]> = {
  ConfigMap: sealed,
  Secret: sealed,

  StatefulSet: (before, after) => {
    if (isEqualJson(without(before['spec'], statefulSetFields), without(after['spec'], statefulSetFields))) return [];
    const named = statefulSetFields.map((field) => `'${field}'`);
    const list = `${named.slice(0, -1).join(', ')} and ${named.at(-1)}`;
    return [{ type: 'Forbidden', field: 'spec', detail: `updates to statefulset spec for fields other than ${list} are forbidden` }];
  },

  Job: (before, after) => {
    const [old, current] = [valueAt(before, 'spec', 'completions'), valueAt(after, 'spec', 'completions')];
    // The API looks at the rest of the spec once more, too.
    return [...jobTemplateProblems(before, after), ...jobSpecProblems(after), ...(isEqualJson(old, current) ? [] : [problemAt('spec.completions', current ?? null, 'field is immutable')])];
  },

  Service: (before, after) => {
    const [old, current] = [valueAt(before, 'spec', 'clusterIP'), valueAt(after, 'spec', 'clusterIP')];
    return old === undefined || old === '' || old === current
      ? []
      : [problemAt('spec.clusterIPs[0]', current === undefined ? [] : [current], 'may not change once set')];
  },

  PersistentVolumeClaim: (before, after) => {
    // The volume is bound by its controller, and what is bound may grow.
    const isBound = valueAt(before, 'status', 'phase') === 'Bound';
    const mutable = [...(isBound ? ['resources', 'volumeAttributesClassName'] : []), ...(valueAt(before, 'spec', 'volumeName') ? [] : ['volumeName'])];
    if (isEqualJson(without(before['spec'], mutable), without(after['spec'], mutable))) return [];
    return [
      {
        type: 'Forbidden',
        field: 'spec',
        detail: 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
      },
    ];
  },

  Pod: (before, after) => {
    const mutable = ['containers', 'initContainers', 'activeDeadlineSeconds', 'tolerations', 'terminationGracePeriodSeconds', 'nodeName'];
    const images = (pod: KubernetesObject, list: string): unknown[] => {
      const containers = recordAt(pod, 'spec')[list];
      return Array.isArray(containers) ? containers.map((container) => without(container, ['image'])) : [];
    };
    const isEqual =
      isEqualJson(without(before['spec'], mutable), without(after['spec'], mutable)) &&
      ['containers', 'initContainers'].every((list) => isEqualJson(images(before, list), images(after, list)));
    if (isEqual) return [];
    const updatable = [
      '`spec.containers[*].image`',
      '`spec.initContainers[*].image`',
      '`spec.activeDeadlineSeconds`',
      '`spec.tolerations` (only additions to existing tolerations)',
      '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
    ];
    return [{ type: 'Forbidden', field: 'spec', detail: `pod updates may not change fields other than ${updatable.join(',')}` }];
  },
};
