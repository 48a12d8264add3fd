import type { KubernetesObject } from '../../domain/kubernetes.ts';
import type { FieldProblem } from './errors.ts';
import { isEqualJson, isRecord, listAt, recordAt, textAt, valueAt } from './json.ts';
import { labelKey } from './names.ts';
import { byRule, duplicate, notNegative, oneOf, problemAt, required } from './problems.ts';
import { matchesLabelSelector } from './selectors.ts';
import { mismatch, templateProblems } from './workload-validation.ts';

export const jobProblems = (job: KubernetesObject): FieldProblem[] => [...generatedProblems(job), ...jobSpecProblems(job)];

export const jobSpecProblems = (job: KubernetesObject): FieldProblem[] => {
  const spec = recordAt(job['spec']);
  const labels = valueAt(spec, 'template', 'metadata', 'labels');
  const isOther = isRecord(spec['selector']) && !matchesLabelSelector(spec['selector'], labels);
  return [
    ...(isOther ? [mismatch(labels)] : []),
    ...['parallelism', 'completions', 'activeDeadlineSeconds', 'backoffLimit', 'ttlSecondsAfterFinished'].flatMap((count) => notNegative(`spec.${count}`, spec[count])),
    ...oneOf('spec.completionMode', spec['completionMode'], ['NonIndexed', 'Indexed']),
    ...(isRecord(spec['podFailurePolicy']) ? policyProblems(spec) : []),
    ...templateProblems(job, ['OnFailure', 'Never']),
  ];
};

/** A Job chooses its pods by its own uid, and by nothing else unless somebody took it upon themselves. */
const generatedProblems = ({ metadata: { name, uid = '' }, spec }: KubernetesObject): FieldProblem[] => {
  const selector = valueAt(spec, 'selector');
  if (valueAt(spec, 'manualSelector') === true || !isRecord(selector)) return [];
  const labels = recordAt(spec, 'template', 'metadata', 'labels');
  const wanted = { 'batch.kubernetes.io/controller-uid': uid, 'batch.kubernetes.io/job-name': name, 'controller-uid': uid, 'job-name': name };
  const isGenerated = isEqualJson(selector, { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } });
  return [
    ...Object.entries(wanted).flatMap(([key, value]) => (labels[key] === value ? [] : [required(`spec.template.metadata.labels[${key}]`, `must be '${value}'`)])),
    ...(isGenerated ? [] : [problemAt('spec.selector', selector, '`selector` not auto-generated')]),
  ];
};

const policyProblems = (spec: object): FieldProblem[] => {
  const podSpec = recordAt(spec, 'template', 'spec');
  const names = ['containers', 'initContainers'].flatMap((list) => listAt(podSpec, list).map((container) => textAt(container, 'name')));
  const policy = textAt(podSpec, 'restartPolicy');
  return [
    ...(policy === 'Never' || policy === undefined ? [] : [problemAt('spec.template.spec.restartPolicy', policy, 'only "Never" is supported when podFailurePolicy is specified')]),
    ...listAt(spec, 'podFailurePolicy', 'rules').flatMap((rule, index) => ruleProblems(rule, `spec.podFailurePolicy.rules[${index}]`, names)),
    ...oneOf('spec.podReplacementPolicy', valueAt(spec, 'podReplacementPolicy'), ['Failed']),
  ];
};

const ruleProblems = (rule: unknown, field: string, containerNames: readonly (string | undefined)[]): FieldProblem[] => {
  const { action, onExitCodes: codes, onPodConditions: conditions = [] } = recordAt(rule);
  const list = Array.isArray(conditions) ? conditions : [];
  return [
    ...oneOf(`${field}.action`, action, ['Count', 'FailIndex', 'FailJob', 'Ignore']),
    ...(isRecord(codes) ? codeProblems(codes, `${field}.onExitCodes`, containerNames) : []),
    ...list.flatMap((condition, index) => [
      ...byRule(`${field}.onPodConditions[${index}].type`, textAt(condition, 'type'), labelKey),
      ...oneOf(`${field}.onPodConditions[${index}].status`, valueAt(condition, 'status'), ['False', 'True', 'Unknown']),
    ]),
    ...(isRecord(codes) || list.length > 0 ? [] : [{ type: 'Invalid', field, detail: 'specifying one of OnExitCodes and OnPodConditions is required' } as const]),
  ];
};

const codeProblems = (codes: object, field: string, containerNames: readonly (string | undefined)[]): FieldProblem[] => {
  const name = textAt(codes, 'containerName');
  const values = listAt(codes, 'values');
  return [
    ...(name === undefined || containerNames.includes(name) ? [] : [problemAt(`${field}.containerName`, name, 'must be one of the container or initContainer names in the pod template')]),
    ...oneOf(`${field}.operator`, valueAt(codes, 'operator'), ['In', 'NotIn']),
    ...values.flatMap((value, index) => [
      ...(value === 0 && valueAt(codes, 'operator') === 'In' ? [problemAt(`${field}.values[${index}]`, value, 'must not be 0 for the In operator')] : []),
      ...(values.indexOf(value) < index ? [duplicate(`${field}.values[${index}]`, value)] : []),
    ]),
  ];
};
