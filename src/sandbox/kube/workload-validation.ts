import type { KubernetesObject } from '../../domain/kubernetes.ts';
import { claimProblems } from './claim-validation.ts';
import type { FieldProblem } from './errors.ts';
import { isRecord, listAt, recordAt, textAt, valueAt } from './json.ts';
import { label } from './names.ts';
import { labelsProblems, podProblems } from './pod-validation.ts';
import { byRule, forbidden, notNegative, problemAt, required } from './problems.ts';
import { matchesLabelSelector } from './selectors.ts';

/** What all workloads share: how many, of which pods, made how. */
export const workloadProblems = (object: KubernetesObject): FieldProblem[] => [
  ...selectorProblems(object),
  ...['replicas', 'minReadySeconds', 'revisionHistoryLimit', 'progressDeadlineSeconds'].flatMap((count) => notNegative(`spec.${count}`, valueAt(object['spec'], count))),
  ...(strategies[object.kind]?.(object['spec']) ?? []),
  ...templateProblems(object, ['Always']),
];

/** A workload's selector must be there and choose the pods of its own template. */
const selectorProblems = ({ kind, spec }: KubernetesObject): FieldProblem[] => {
  const selector = valueAt(spec, 'selector');
  const labels = valueAt(spec, 'template', 'metadata', 'labels');
  if (!isRecord(selector)) return [required('spec.selector'), mismatch(labels)];
  const expressions = listAt(selector, 'matchExpressions');
  if (Object.keys(recordAt(selector, 'matchLabels')).length === 0 && expressions.length === 0) {
    return [problemAt('spec.selector', selector, `empty selector is invalid for ${kind.toLowerCase()}`)];
  }
  const wrong = expressions.flatMap((expression, index) => expressionProblems(expression, `spec.selector.matchExpressions[${index}]`));
  if (wrong.length > 0) return [...wrong, problemAt('spec.selector', selector, 'invalid label selector')];
  return matchesLabelSelector(selector, labels) ? [] : [mismatch(labels)];
};

const expressionProblems = (expression: unknown, field: string): FieldProblem[] => {
  const operator = textAt(expression, 'operator') ?? '';
  const values = listAt(expression, 'values');
  if (operator === 'In' || operator === 'NotIn') return values.length > 0 ? [] : [required(`${field}.values`, "must be specified when `operator` is 'In' or 'NotIn'")];
  if (operator !== 'Exists' && operator !== 'DoesNotExist') return [problemAt(`${field}.operator`, operator, 'not a valid selector operator')];
  return values.length === 0 ? [] : [forbidden(`${field}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")];
};

export const mismatch = (labels: unknown): FieldProblem => problemAt('spec.template.metadata.labels', labels ?? null, '`selector` does not match template `labels`');

export const templateProblems = ({ spec }: KubernetesObject, allowedRestartPolicies: readonly string[]): FieldProblem[] => {
  const podSpec = recordAt(spec, 'template', 'spec');
  const policy = textAt(podSpec, 'restartPolicy') ?? '';
  const isKnown = allowedRestartPolicies.includes(policy);
  // Whatever else is wrong with a template that is not there, its policy is not looked at.
  const isEmpty = Object.keys(podSpec).length === 0 && allowedRestartPolicies.length === 1;
  return [
    ...labelsProblems(valueAt(spec, 'template', 'metadata', 'labels'), 'spec.template.labels'),
    ...podProblems(podSpec, 'spec.template.spec'),
    ...(isKnown || isEmpty ? [] : [restartPolicyProblem(policy, allowedRestartPolicies)]),
  ];
};

/** What a Job lacks is a decision; what a Deployment has is the wrong one. */
const restartPolicyProblem = (policy: string, allowed: readonly string[]): FieldProblem => {
  const quoted = allowed.map((name) => JSON.stringify(name));
  return allowed.length > 1
    ? required('spec.template.spec.restartPolicy', `valid values: ${quoted.join(', ')}`)
    : { type: 'NotSupported', field: 'spec.template.spec.restartPolicy', value: policy, detail: `supported values: ${quoted.join(', ')}` };
};

const strategies: Record<string, (spec: unknown) => FieldProblem[]> = {
  Deployment: (spec) => {
    const { type, rollingUpdate } = recordAt(spec, 'strategy');
    const [ready, deadline] = [valueAt(spec, 'minReadySeconds') ?? 0, valueAt(spec, 'progressDeadlineSeconds')];
    return [
      ...(type === 'Recreate' && rollingUpdate !== undefined ? [forbidden('spec.strategy.rollingUpdate', "may not be specified when strategy `type` is 'Recreate'")] : []),
      ...(type === 'RollingUpdate' ? rollingProblems(rollingUpdate) : []),
      ...(type === 'RollingUpdate' || type === 'Recreate' || type === undefined
        ? []
        : [{ type: 'NotSupported', field: 'spec.strategy', value: { Type: type, RollingUpdate: null }, detail: 'supported values: "Recreate", "RollingUpdate"' } as const]),
      ...(typeof deadline === 'number' && deadline <= Number(ready) && deadline >= 0 ? [problemAt('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds')] : []),
    ];
  },
  StatefulSet: (spec) => {
    const { podManagementPolicy: management, serviceName } = recordAt(spec);
    const { type } = recordAt(spec, 'updateStrategy');
    return [
      ...(management === 'OrderedReady' || management === 'Parallel' ? [] : [problemAt('spec.podManagementPolicy', management ?? '', "must be 'OrderedReady' or 'Parallel'")]),
      ...(type === 'RollingUpdate' || type === 'OnDelete' ? [] : [problemAt('spec.updateStrategy', { Type: type ?? '', RollingUpdate: null }, "must be 'RollingUpdate' or 'OnDelete'")]),
      ...byRule('spec.serviceName', serviceName || undefined, label),
      ...listAt(spec, 'volumeClaimTemplates').flatMap((claim, index) => [
        // As a volume of the pods, which it becomes.
        ...byRule('spec.template.spec.volumes[0].name', textAt(claim, 'metadata', 'name'), label),
        ...claimProblems(recordAt(claim, 'spec'), `spec.volumeClaimTemplates[${index}].spec`),
      ]),
    ];
  },
};

const isNone = (share: unknown): boolean => share === 0 || share === '0%';

const rollingProblems = (rolling: unknown): FieldProblem[] => {
  const field = 'spec.strategy.rollingUpdate';
  const { maxSurge, maxUnavailable } = recordAt(rolling);
  return [
    ...shareProblems(`${field}.maxUnavailable`, maxUnavailable),
    ...shareProblems(`${field}.maxSurge`, maxSurge),
    ...(isNone(maxSurge) && isNone(maxUnavailable) ? [problemAt(`${field}.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0')] : []),
    ...(typeof maxUnavailable === 'string' && Number.parseInt(maxUnavailable, 10) > 100 ? [problemAt(`${field}.maxUnavailable`, maxUnavailable, 'must not be greater than 100%')] : []),
  ];
};

/** A count, or a part of all in percent. */
const shareProblems = (field: string, value: unknown): FieldProblem[] => {
  if (typeof value !== 'string' || /^[0-9]+%$/.test(value)) return notNegative(field, value);
  return [problemAt(field, value, "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')")];
};
