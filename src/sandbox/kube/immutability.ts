import type { KubernetesObject } from '../../domain/kubernetes.ts';
import type { FieldProblem } from './errors.ts';
import { isEqualJson, isRecord, type JsonRecord, recordAt, valueAt } from './json.ts';
import type { Resource } from './resources.ts';
import { problemAt, refuse } from './validation.ts';

/** Refuses an update of fields that stay as they were created. */
export const validateUpdate = (resource: Resource, before: KubernetesObject, after: KubernetesObject): void =>
  refuse(resource, after, [
    ...(immutableFields[resource.kind] ?? []).flatMap((field) => fieldProblems(before, after, field)),
    ...(byKind[resource.kind]?.(before, after) ?? []),
  ]);

/** Once set, these cannot be changed. */
const immutableFields: Record<string, readonly string[]> = {
  Deployment: ['spec.selector'],
  ReplicaSet: ['spec.selector'],
  DaemonSet: ['spec.selector'],
  Job: [
    'spec.selector',
    'spec.template',
    'spec.completionMode',
    'spec.podFailurePolicy',
    'spec.backoffLimitPerIndex',
    'spec.managedBy',
    'spec.successPolicy',
  ],
  Secret: ['type'],
  StorageClass: ['provisioner', 'parameters', 'reclaimPolicy', 'volumeBindingMode'],
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
    return isEqualJson(old, current) ? [] : [problemAt('spec.completions', current ?? null, 'field is immutable')];
  },

  Service: (before, after) => {
    const [old, current] = [valueAt(before, 'spec', 'clusterIP'), valueAt(after, 'spec', 'clusterIP')];
    return old === undefined || old === '' || old === current
      ? []
      : [problemAt('spec.clusterIPs[0]', current === undefined ? [] : [current], 'may not change once set')];
  },

  PersistentVolumeClaim: (before, after) => {
    // The volume is bound by its controller, and a claim may grow.
    const mutable = ['resources', 'volumeAttributesClassName', ...(valueAt(before, 'spec', 'volumeName') ? [] : ['volumeName'])];
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
