import type { KubernetesObject } from '../../domain/kubernetes.ts';
import { claimProblems } from './claim-validation.ts';
import { configMapProblems, secretProblems } from './content-validation.ts';
import { type FieldProblem, invalid } from './errors.ts';
import { jobProblems } from './job-validation.ts';
import { listAt, recordAt, textAt } from './json.ts';
import { label, labelKey, type NameRule, subdomain } from './names.ts';
import { labelsProblems, podProblems } from './pod-validation.ts';
import { byRule, problemAt, required } from './problems.ts';
import type { Resource } from './resources.ts';
import { serviceProblems } from './service-validation.ts';
import { workloadProblems } from './workload-validation.ts';

/**
 * Refuses with 422 and every problem at once. Held are the rules that a client meets when it makes a mistake of its own:
 * names, labels, what a workload cannot be without. Whether fields are known and of the right type was seen before.
 */
export const validate = (resource: Resource, object: KubernetesObject): void => refuse(resource, object, problemsOf(resource, object));

export const problemsOf = (resource: Resource, object: KubernetesObject): FieldProblem[] => [...metadataProblems(resource, object), ...(byKind[resource.kind]?.(object) ?? [])];

export const refuse = (resource: Resource, object: KubernetesObject, problems: readonly FieldProblem[]): void => {
  if (problems.length > 0) throw invalid(resource.group, resource.kind, object.metadata.name ?? '', problems);
};

const nameRules: Record<string, NameRule> = { Namespace: label, Service: label, StatefulSet: label };

const metadataProblems = (resource: Resource, { metadata }: KubernetesObject): FieldProblem[] => {
  const { name } = metadata;
  const prefix = textAt(metadata, 'generateName');
  const nameRule = nameRules[resource.kind] ?? subdomain;
  return [
    // What it may end in is still to come.
    ...(prefix ? nameRule(`${prefix}a`).map((detail) => problemAt('metadata.generateName', prefix, detail)) : []),
    ...(name ? byRule('metadata.name', name, nameRule) : [required('metadata.name', 'name or generateName is required')]),
    ...labelsProblems(metadata.labels, 'metadata.labels'),
    ...Object.keys(metadata.annotations ?? {}).flatMap((key) =>
      // Upper case is allowed in annotations, as it always was.
      labelKey(key.toLowerCase()).map((detail) => problemAt('metadata.annotations', key, detail)),
    ),
    ...ownerProblems(listAt(metadata, 'ownerReferences')),
    ...listAt(metadata, 'finalizers').flatMap((finalizer, index) => finalizerProblems(String(finalizer), `metadata.finalizers[${index}]`)),
  ];
};

const standardFinalizers = new Set(['orphan', 'foregroundDeletion', 'kubernetes']);

const finalizerProblems = (finalizer: string, field: string): FieldProblem[] =>
  finalizer.includes('/') || standardFinalizers.has(finalizer) ? byRule(field, finalizer, labelKey) : [problemAt(field, finalizer, 'name is neither a standard finalizer name nor is it fully qualified')];

const ownerProblems = (owners: readonly unknown[]): FieldProblem[] => {
  const field = 'metadata.ownerReferences';
  const controllers = owners.filter((owner) => recordAt(owner)['controller'] === true);
  const [first, second] = controllers.map((owner) => `${textAt(owner, 'kind')}/${textAt(owner, 'name')}`);
  return [
    ...['apiVersion', 'kind', 'name', 'uid'].flatMap((name) => owners.filter((owner) => !textAt(owner, name)).map(() => problemAt(`${field}.${name}`, '', 'must not be empty'))),
    ...(second === undefined ? [] : [problemAt(field, owners, `Only one reference can have Controller set to true. Found "true" in references for ${first} and ${second}`)]),
  ];
};

const byKind: Record<string, (object: KubernetesObject) => FieldProblem[]> = {
  Pod: (pod) => podProblems(recordAt(pod, 'spec'), 'spec'),
  Deployment: workloadProblems,
  ReplicaSet: workloadProblems,
  StatefulSet: workloadProblems,
  DaemonSet: workloadProblems,
  Job: jobProblems,
  Service: (service) => serviceProblems(recordAt(service, 'spec')),
  ConfigMap: configMapProblems,
  Secret: secretProblems,
  PersistentVolumeClaim: (claim) => claimProblems(recordAt(claim, 'spec'), 'spec'),
};
