import { containerProblems } from './container-validation.ts';
import type { FieldProblem } from './errors.ts';
import { type JsonRecord, listAt, recordAt, textAt } from './json.ts';
import { hostName, labelKey, labelValue } from './names.ts';
import { byRule, duplicate, oneOf, problemAt, required } from './problems.ts';
import { volumeProblems } from './volume-validation.ts';

/** What is wrong with a PodSpec that stands at `path`. */
export const podProblems = (spec: JsonRecord, path: string): FieldProblem[] => {
  const volumes = listAt(spec, 'volumes');
  const volumeNames = new Set(volumes.map((volume) => textAt(volume, 'name')));
  const [containers, initContainers] = [listAt(spec, 'containers'), listAt(spec, 'initContainers')];
  const deadline = spec['activeDeadlineSeconds'];
  return [
    ...volumeProblems(volumes, `${path}.volumes`),
    ...(containers.length > 0 ? [] : [required(`${path}.containers`)]),
    ...containers.flatMap((container, index) => containerProblems(container, `${path}.containers[${index}]`, volumeNames)),
    ...initContainers.flatMap((container, index) => containerProblems(container, `${path}.initContainers[${index}]`, volumeNames)),
    ...repeatedContainers(containers, initContainers, path),
    ...oneOf(`${path}.restartPolicy`, spec['restartPolicy'], ['Always', 'OnFailure', 'Never']),
    ...(spec['dnsPolicy'] === 'None' && Object.keys(recordAt(spec, 'dnsConfig')).length === 0 ? [required(`${path}.dnsConfig`, 'must provide `dnsConfig` when `dnsPolicy` is None')] : []),
    ...(typeof deadline === 'number' && deadline < 1 ? [problemAt(`${path}.activeDeadlineSeconds`, deadline, 'must be between 1 and 2147483647, inclusive')] : []),
    ...labelsProblems(spec['nodeSelector'], `${path}.nodeSelector`),
    ...byRule(`${path}.hostname`, spec['hostname'] || undefined, hostName),
    ...byRule(`${path}.subdomain`, spec['subdomain'] || undefined, hostName),
    ...listAt(spec, 'tolerations').flatMap((toleration, index) => tolerationProblems(recordAt(toleration), `${path}.tolerations[${index}]`)),
  ];
};

/** Labels as they are given or asked for. */
export const labelsProblems = (labels: unknown, field: string): FieldProblem[] =>
  Object.entries(recordAt(labels)).flatMap(([key, value]) => [...byRule(field, key, labelKey), ...byRule(field, value, labelValue)]);

/** One name in the whole pod; the later list is to blame. */
const repeatedContainers = (containers: readonly unknown[], initContainers: readonly unknown[], path: string): FieldProblem[] => {
  const seen = new Set<string>();
  const look = (list: readonly unknown[], name: string): FieldProblem[] =>
    list.flatMap((container, index) => {
      const own = textAt(container, 'name') ?? '';
      const isRepeated = own !== '' && seen.has(own);
      seen.add(own);
      return isRepeated ? [duplicate(`${path}.${name}[${index}].name`, own)] : [];
    });
  return [...look(containers, 'containers'), ...look(initContainers, 'initContainers')];
};

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

const tolerationProblems = ({ key = '', operator = 'Equal', value = '', effect, tolerationSeconds }: JsonRecord, field: string): FieldProblem[] => [
  ...(key === '' ? [] : byRule(`${field}.key`, key, labelKey)),
  ...(key === '' && operator !== 'Exists' ? [problemAt(`${field}.operator`, operator, 'operator must be Exists when `key` is empty, which means "match all values and all keys"')] : []),
  ...(tolerationSeconds !== undefined && effect !== 'NoExecute' ? [problemAt(`${field}.effect`, effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set")] : []),
  ...(operator === 'Exists' && value !== '' ? [problemAt(`${field}.operator`, value, "value must be empty when `operator` is 'Exists'")] : []),
  ...(operator === 'Equal' ? byRule(`${field}.operator`, value, labelValue) : []),
  ...oneOf(`${field}.operator`, operator, ['Equal', 'Exists']),
  ...(effect === '' ? [] : oneOf(`${field}.effect`, effect, effects)),
];
