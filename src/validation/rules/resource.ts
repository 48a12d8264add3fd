import { findRetiredInstanceType, suggestInstanceTypes } from '../../domain/azure-instance-types.ts';
import { isReservedLabel } from '../../domain/reserved-labels.ts';
import { isAutoProvisioning } from '../environment.ts';
import { quote } from '../go-text.ts';
import { generic, invalidValue, type Rule } from '../rule.ts';
import { isPresetName, type Subject } from '../subject.ts';
import { isAzurePrefix, machinesOf } from './machines.ts';

const workspaceValidation = 'api/v1beta1/workspace_validation.go';

/** KAITO leaves the resource alone where the preset's name is wrong already. */
export const isResourceJudged = ({ inference, facts }: Subject): boolean => inference !== undefined && (!inference.preset || isPresetName(facts.presets, inference.preset.name));

/** Labels that choose nodes, without those that the operator uses itself. */
export const nodeLabels = ({ resource }: Subject): Record<string, string> => Object.fromEntries(Object.entries(resource.matchLabels).filter(([key]) => !isReservedLabel(key)));

/** Labels that are all the operator's own choose no nodes. */
const areAllReserved = (subject: Subject): boolean => Object.keys(subject.resource.matchLabels).length > 0 && Object.keys(nodeLabels(subject)).length === 0;

/** https://github.com/kubernetes/apimachinery/blob/v0.36.0/pkg/apis/meta/v1/helpers.go */
const selectorProblem = ({ resource }: Subject): string | undefined => {
  for (const { operator, values } of resource.matchExpressions) {
    if (operator === 'In' && values.length !== 1) return 'operator "In" without a single value cannot be converted into the old label selector format';
    if (['NotIn', 'Exists', 'DoesNotExist'].includes(operator)) return `operator "${operator}" cannot be converted into the old label selector format`;
    if (operator !== 'In') return `${quote(operator)} is not a valid selector operator`;
  }
  return undefined;
};

/** KAITO does not look at machines, parts of them and nodes where the labels are wrong already. */
export const areMachinesJudged = (subject: Subject): boolean => isResourceJudged(subject) && (subject.version !== 'kaito.sh/v1beta1' || (selectorProblem(subject) === undefined && !areAllReserved(subject)));

const selectorFix = 'Use matchLabels: only they choose nodes.';

export const resourceRules: readonly Rule[] = [
  {
    code: 'selector-not-convertible',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    upstream: `${workspaceValidation}#L507`,
    check: (subject) => {
      const problem = isResourceJudged(subject) ? selectorProblem(subject) : undefined;
      return problem === undefined ? [] : [{ path: ['resource', 'labelSelector', 'matchExpressions'], ...invalidValue(problem, 'resource.labelSelector'), fix: selectorFix }];
    },
  },
  {
    code: 'selector-reserved-only',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    isNewInV1beta1: true,
    upstream: `${workspaceValidation}#L527`,
    check: (subject) =>
      isResourceJudged(subject) && areAllReserved(subject)
        ? [{ path: ['resource', 'labelSelector', 'matchLabels'], ...invalidValue('matchLabels must contain at least one non-reserved label', 'resource.labelSelector.matchLabels'), fix: 'Add a label of your own, for example apps: <name>.' }]
        : [],
  },
  {
    code: 'instance-type-unknown',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    upstream: `${workspaceValidation}#L604`,
    isReached: areMachinesJudged,
    check: (subject) => {
      const { resource, environment } = subject;
      if (!isResourceJudged(subject) || !isAutoProvisioning(environment)) return [];
      const machines = machinesOf[environment.cloud];
      const name = resource.instanceType;
      if (machines.has(name.toLowerCase()) || (environment.cloud === 'azure' && isAzurePrefix(name))) return [];
      const supported = [...machines.values()].map((machine) => machine.name).sort();
      return [{ path: ['resource', 'instanceType'], ...invalidValue(`Unsupported instance type ${name}. Supported SKUs: [${supported.join(' ')}]`, 'resource.instanceType'), fix: instanceTypeFix(name) }];
    },
  },
  {
    code: 'tuning-count',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    upstream: `${workspaceValidation}#L464`,
    check: ({ resource, tuning }) =>
      tuning && resource.count > 1
        ? [
            {
              path: ['resource', 'count'],
              ...invalidValue('Tuning does not currently support multinode configurations. Please set the node count to 1. Future support with DeepSpeed will allow this.', 'resource.count'),
              fix: 'Leave count out.',
            },
          ]
        : [],
  },
  {
    code: 'tuning-partition',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    upstream: `${workspaceValidation}#L464`,
    check: ({ resource, tuning }) => (tuning && resource.partition ? [{ path: ['resource', 'partition'], ...invalidValue('GPU partitioning is not supported for tuning workloads', 'resource.partition'), fix: 'Leave partition out.' }] : []),
  },
  {
    code: 'partition-needs-existing-nodes',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    upstream: `${workspaceValidation}#L604`,
    isReached: areMachinesJudged,
    check: (subject) =>
      isResourceJudged(subject) && isAutoProvisioning(subject.environment) && subject.resource.partition
        ? [{ path: ['resource', 'partition'], ...generic('GPU partitioning is only supported with BYO nodes (disableNodeAutoProvisioning=true)', 'resource.partition'), fix: 'Leave partition out, or use existing nodes (--node-provisioner byo).' }]
        : [],
  },
];

/** What to write instead of a machine that cannot be used. */
export const instanceTypeFix = (name: string): string => {
  const retired = findRetiredInstanceType(name);
  const nearest = name === '' ? [] : suggestInstanceTypes(name);
  if (retired) return `Write instanceType: ${retired.replacement}.`;
  return nearest.length > 0 ? `Write instanceType: ${nearest.join(' or ')}.` : 'Choose one of kaito-ts instance-types.';
};
