import type { Objects, Pod } from './object-types.ts';

type PodFailurePolicy = NonNullable<NonNullable<Objects['jobs.batch']['spec']>['podFailurePolicy']>;
type Rule = PodFailurePolicy['rules'][number];

export interface FailureVerdict {
  /** Whether the failure uses up some of the backoffLimit. */
  isCounted: boolean;
  /** Present: the whole Job fails, with this message. */
  failJobMessage?: string;
}

/**
 * The first rule that matches a failed pod decides.
 * https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/controller/job/pod_failure_policy.go
 */
export const judgeFailure = (policy: PodFailurePolicy | undefined, pod: Pod): FailureVerdict => {
  for (const [index, rule] of (policy?.rules ?? []).entries()) {
    const match = rule.onExitCodes ? matchExitCode(rule.onExitCodes, pod) : matchCondition(rule.onPodConditions ?? [], pod);
    if (match === undefined) continue;
    if (rule.action === 'FailJob') return { isCounted: true, failJobMessage: `${match} matching FailJob rule at index ${index}` };
    return { isCounted: rule.action !== 'Ignore' };
  }
  return { isCounted: true };
};

const nameOf = ({ metadata: { namespace, name } }: Pod): string => `${namespace}/${name}`;

const matchExitCode = ({ containerName, operator, values }: NonNullable<Rule['onExitCodes']>, pod: Pod): string | undefined => {
  const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
  const failed = statuses.find(({ name, state }) => {
    const exitCode = state?.terminated?.exitCode ?? 0;
    if (exitCode === 0 || (containerName && containerName !== name)) return false;
    return values.includes(exitCode) === (operator === 'In');
  });
  return failed && `Container ${failed.name} for pod ${nameOf(pod)} failed with exit code ${failed.state?.terminated?.exitCode}`;
};

const matchCondition = (patterns: NonNullable<Rule['onPodConditions']>, pod: Pod): string | undefined => {
  const found = pod.status?.conditions?.find(({ type, status }) => patterns.some((pattern) => pattern.type === type && (pattern.status ?? 'True') === status));
  return found && `Pod ${nameOf(pod)} has condition ${found.type}`;
};
