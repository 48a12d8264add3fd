import type { KubernetesObject } from '../../domain/kubernetes.ts';
import { type FieldProblem, invalid } from './errors.ts';
import { isRecord, type JsonRecord, listAt, recordAt, textAt, valueAt } from './json.ts';
import { configKey, label, labelKey, labelValue, type NameRule, serviceName, subdomain } from './names.ts';
import { podProblems } from './pod-validation.ts';
import type { Resource } from './resources.ts';
import { matchesLabelSelector } from './selectors.ts';

/**
 * Refuses with 422 and every problem at once. Held are the rules that a client meets when it makes a mistake of its own:
 * names, labels, what a workload cannot be without. Unknown fields are kept, as nothing here knows all of them.
 */
export const validate = (resource: Resource, object: KubernetesObject): void =>
  refuse(resource, object, [...metadataProblems(resource, object), ...(byKind[resource.kind]?.(object) ?? [])]);

export const refuse = (resource: Resource, object: KubernetesObject, problems: readonly FieldProblem[]): void => {
  if (problems.length > 0) throw invalid(resource.group, resource.kind, object.metadata.name ?? '', problems);
};

const nameRules: Record<string, NameRule> = { Namespace: label, Service: serviceName, StatefulSet: label };

const metadataProblems = (resource: Resource, { metadata }: KubernetesObject): FieldProblem[] => {
  const { name } = metadata;
  const nameRule = nameRules[resource.kind] ?? subdomain;
  return [
    ...(name
      ? nameRule(name).map((detail) => problemAt('metadata.name', name, detail))
      : [{ type: 'Required', field: 'metadata.name', detail: 'name or generateName is required' } as const]),
    ...labelProblems(metadata.labels, 'metadata.labels'),
    ...Object.keys(metadata.annotations ?? {}).flatMap((key) =>
      // Upper case is allowed in annotations, as it always was.
      labelKey(key.toLowerCase()).map((detail) => problemAt('metadata.annotations', key, detail)),
    ),
  ];
};

export const problemAt = (field: string, value: unknown, detail: string): FieldProblem => ({ type: 'Invalid', field, value, detail });

const labelProblems = (labels: unknown, field: string): FieldProblem[] =>
  Object.entries(isRecord(labels) ? labels : {}).flatMap(([key, value]) => [
    ...labelKey(key).map((detail) => problemAt(field, key, detail)),
    ...labelValue(String(value)).map((detail) => problemAt(field, value, detail)),
  ]);

/** A workload's selector must be there and choose the pods of its own template. */
const selectorProblems = ({ kind, spec }: KubernetesObject): FieldProblem[] => {
  const selector = valueAt(spec, 'selector');
  const labels = valueAt(spec, 'template', 'metadata', 'labels');
  if (!isRecord(selector)) return [{ type: 'Required', field: 'spec.selector', detail: '' }, ...mismatch(labels)];
  if (Object.keys(recordAt(selector, 'matchLabels')).length === 0 && listAt(selector, 'matchExpressions').length === 0) {
    return [problemAt('spec.selector', selector, `empty selector is invalid for ${kind.toLowerCase()}`)];
  }
  return matchesLabelSelector(selector, labels) ? [] : mismatch(labels);
};

const mismatch = (labels: unknown): FieldProblem[] => [
  problemAt('spec.template.metadata.labels', labels ?? null, '`selector` does not match template `labels`'),
];

const templateProblems = ({ spec }: KubernetesObject, allowedRestartPolicies: readonly string[]): FieldProblem[] => {
  const podSpec = recordAt(spec, 'template', 'spec');
  const policy = textAt(podSpec, 'restartPolicy') ?? '';
  return [
    ...labelProblems(valueAt(spec, 'template', 'metadata', 'labels'), 'spec.template.labels'),
    ...podProblems(podSpec, 'spec.template.spec'),
    ...(allowedRestartPolicies.includes(policy) ? [] : [restartPolicyProblem(policy, allowedRestartPolicies)]),
  ];
};

/** What a Job lacks is a decision; what a Deployment has is the wrong one. */
const restartPolicyProblem = (policy: string, allowed: readonly string[]): FieldProblem => {
  const quoted = allowed.map((name) => JSON.stringify(name));
  return allowed.length > 1
    ? { type: 'Required', field: 'spec.template.spec.restartPolicy', detail: `valid values: ${quoted.join(', ')}` }
    : { type: 'NotSupported', field: 'spec.template.spec.restartPolicy', value: policy, detail: `supported values: ${quoted.join(', ')}` };
};

const workload = (object: KubernetesObject): FieldProblem[] => [...selectorProblems(object), ...templateProblems(object, ['Always'])];

const byKind: Record<string, (object: KubernetesObject) => FieldProblem[]> = {
  Pod: ({ spec }) => podProblems(isRecord(spec) ? spec : {}, 'spec'),
  Deployment: workload,
  ReplicaSet: workload,
  StatefulSet: workload,
  DaemonSet: workload,
  Job: (job) => templateProblems(job, ['OnFailure', 'Never']),
  Service: ({ spec }) => {
    const isHeadless = valueAt(spec, 'clusterIP') === 'None';
    const ports = listAt(spec, 'ports');
    const hasPorts = ports.length > 0 || isHeadless || valueAt(spec, 'type') === 'ExternalName';
    const required: FieldProblem[] = hasPorts ? [] : [{ type: 'Required', field: 'spec.ports', detail: '' }];
    return [...required, ...ports.flatMap((port, index) => portProblems(port, `spec.ports[${index}]`, ports.length > 1))];
  },
  ConfigMap: (map) => [...configKeyProblems(map['data'], 'data'), ...configKeyProblems(map['binaryData'], 'binaryData')],
  Secret: (secret) => configKeyProblems(secret['data'], 'data'),
  PersistentVolumeClaim: ({ spec }) => [
    ...(listAt(spec, 'accessModes').length > 0
      ? []
      : [{ type: 'Required', field: 'spec.accessModes', detail: 'at least 1 access mode is required' } as const]),
    ...(textAt(spec, 'resources', 'requests', 'storage')
      ? []
      : [{ type: 'Required', field: 'spec.resources[storage]', detail: '' } as const]),
  ],
};

const configKeyProblems = (data: unknown, field: string): FieldProblem[] =>
  Object.keys(isRecord(data) ? data : {}).flatMap((key) => configKey(key).map((detail) => problemAt(`${field}[${key}]`, key, detail)));

const portProblems = (port: unknown, field: string, needsName: boolean): FieldProblem[] => {
  const entry: JsonRecord = isRecord(port) ? port : {};
  return [
    ...(needsName && !entry['name'] ? [{ type: 'Required', field: `${field}.name`, detail: '' } as const] : []),
    ...portNumberProblems(entry['port'], `${field}.port`),
  ];
};

const portNumberProblems = (port: unknown, field: string): FieldProblem[] =>
  typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65_536
    ? []
    : [problemAt(field, port ?? 0, 'must be between 1 and 65535, inclusive')];
