import { isSame } from '../json.ts';
import { isAutoProvisioning } from '../environment.ts';
import { generic, invalidValue, missingField, type Finding, type Rule } from '../rule.ts';
import type { Subject } from '../subject.ts';
import type { ResourceView } from '../view.ts';

const workspaceValidation = 'api/v1beta1/workspace_validation.go';

const anew = 'Keep what is stored, or delete the Workspace and create it anew.';

type Stored = NonNullable<Subject['stored']>;

const rule = (code: string, line: string, check: (subject: Subject, stored: Stored) => Finding[]): Rule => ({
  code,
  source: 'kaito',
  severity: 'error',
  on: 'update',
  stage: 'webhook',
  upstream: `${workspaceValidation}#${line}`,
  check: (subject) => (subject.stored ? check(subject, subject.stored) : []),
});

const immutable = (path: string[], fieldPath = path.join('.')): Finding => ({ path, ...generic('field is immutable', fieldPath), fix: anew });

export const updateRules: readonly Rule[] = [
  rule('workspace-toggled', 'L237', (subject, stored) => [
    ...(isSet(subject.inference) === isSet(stored.inference) ? [] : [{ path: ['inference'], ...generic('Inference field cannot be toggled once set', 'spec.inference'), fix: anew }]),
    ...(isSet(subject.tuning) === isSet(stored.tuning) ? [] : [{ path: ['tuning'], ...generic('Tuning field cannot be toggled once set', 'spec.tuning'), fix: anew }]),
  ]),
  rule('count-immutable', 'L782', ({ json, resource }, stored) => (json['resource'] !== undefined && stored.json['resource'] !== undefined && resource.count !== stored.resource.count ? [immutable(['resource', 'count'])] : [])),
  rule('partition-immutable', 'L787', ({ resource }, stored) => (!isSame(resource.partition, stored.resource.partition) ? [immutable(['resource', 'partition'])] : [])),
  rule('instance-type-immutable', 'L792', judgeInstanceType),
  rule('selector-immutable', 'L813', ({ resource }, stored) => {
    const path = ['resource', 'labelSelector'];
    const [wanted, before] = [selectorMap(resource), selectorMap(stored.resource)];
    if (!wanted || !before) return [{ path, ...generic("Only allow matchLabels or 'IN' matchExpression", 'resource.labelSelector'), fix: 'Use matchLabels.' }];
    return isSame(wanted, before) ? [] : [immutable(path)];
  }),
  rule('preset-immutable', 'L895', ({ inference }, stored) => (inference && stored.inference && !isSame(inference.preset?.filled, stored.inference.preset?.filled) ? [immutable(['inference', 'preset'])] : [])),
  rule('template-toggled', 'L899', ({ inference }, stored) =>
    inference && stored.inference && isSet(inference.template) !== isSet(stored.inference.template)
      ? [{ path: ['inference', 'template'], ...generic('field cannot be unset/set if it was set/unset', 'inference.template'), fix: anew }]
      : [],
  ),
  rule('tuning-preset-immutable', 'L342', ({ tuning }, stored) => (tuning && stored.tuning && !isSame(tuning.preset?.filled, stored.tuning.preset?.filled) ? [{ path: ['tuning', 'preset'], ...generic('Preset cannot be changed', 'tuning.Preset'), fix: anew }] : [])),
  rule('tuning-method-immutable', 'L346', ({ tuning }, stored) =>
    tuning && stored.tuning && tuning.method.toLowerCase() !== stored.tuning.method.toLowerCase() ? [{ path: ['tuning', 'method'], ...generic('Method cannot be changed', 'tuning.Method'), fix: anew }] : [],
  ),
  rule('tuning-input-name-immutable', 'L415', ({ tuning }, stored) => (tuning?.input && stored.tuning?.input && tuning.input.name !== stored.tuning.input.name ? [{ path: ['tuning', 'input', 'name'], ...invalidValue('During tuning Name field cannot be changed once set', 'tuning.Input.Name'), fix: anew }] : [])),
  {
    ...rule('stored-input-missing', 'L415', ({ tuning }, stored) => (tuning?.input && stored.tuning && !stored.tuning.input ? [{ path: ['tuning', 'input'], message: 'The stored Workspace has no tuning.input, and the webhook crashes on it.', fix: 'Delete the Workspace and create it anew.' }] : [])),
    stage: 'panic',
  },
];

const isSet = (value: unknown): boolean => value !== undefined;

function judgeInstanceType({ resource, environment, version }: Subject, stored: Stored): Finding[] {
  const before = stored.resource.instanceType;
  const path = ['resource', 'instanceType'];
  if (version === 'kaito.sh/v1alpha1') return resource.instanceType === before ? [] : [immutable(path)];
  if (isAutoProvisioning(environment)) {
    if (resource.instanceType === '') return [{ path, ...missingField('resource.instanceType', 'resource.instanceType is required when node auto-provisioning is enabled'), fix: `Write instanceType: ${before}.` }];
    return before !== '' && resource.instanceType !== before ? [{ path, ...generic('instanceType cannot be changed once set when node auto-provisioning is enabled', 'resource.instanceType'), fix: anew }] : [];
  }
  // What was bought for it once may stay written, or go.
  if (resource.instanceType === '' || resource.instanceType === before) return [];
  const text = before === '' ? 'instanceType must be empty when node auto-provisioning is disabled (BYO scenario)' : 'instanceType cannot be changed once set';
  return [{ path, ...invalidValue(text, 'resource.instanceType'), fix: 'Leave instanceType out.' }];
}

/** Labels and the expressions that say the same; undefined when an expression says more. */
const selectorMap = ({ matchLabels, matchExpressions }: ResourceView): Record<string, string> | undefined => {
  const labels: Record<string, string> = { ...matchLabels };
  for (const { key, operator, values } of matchExpressions) {
    const [value] = values;
    if (operator !== 'In' || values.length !== 1 || value === undefined) return undefined;
    labels[key] = value;
  }
  return labels;
};
