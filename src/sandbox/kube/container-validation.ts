import { environmentProblems } from './environment-validation.ts';
import type { FieldProblem } from './errors.ts';
import { isRecord, listAt, recordAt, textAt } from './json.ts';
import { label, portName } from './names.ts';
import { probeProblems } from './probe-validation.ts';
import { byRule, oneOf, portNumber, problemAt, repeatedNames, required } from './problems.ts';
import { resourceProblems } from './resource-validation.ts';
import { mountProblems } from './volume-validation.ts';

export const containerProblems = (container: unknown, path: string, volumeNames: ReadonlySet<string | undefined>): FieldProblem[] => {
  const [name, image] = [textAt(container, 'name'), textAt(container, 'image')];
  const given = recordAt(container);
  return [
    ...(name ? byRule(`${path}.name`, name, label) : [required(`${path}.name`)]),
    ...(image ? [] : [required(`${path}.image`)]),
    ...(image && image !== image.trim() ? [problemAt(`${path}.image`, image, 'must not have leading or trailing whitespace')] : []),
    ...portProblems(container, path),
    ...environmentProblems(container, path),
    ...mountProblems(container, path, volumeNames),
    ...probeProblems(container, path),
    ...oneOf(`${path}.imagePullPolicy`, given['imagePullPolicy'], ['Always', 'IfNotPresent', 'Never']),
    ...oneOf(`${path}.terminationMessagePolicy`, given['terminationMessagePolicy'], ['File', 'FallbackToLogsOnError']),
    ...resourceProblems(container, `${path}.resources`),
    ...securityProblems(recordAt(given, 'securityContext'), `${path}.securityContext`),
  ];
};

const portProblems = (container: unknown, path: string): FieldProblem[] => {
  const ports = listAt(container, 'ports').filter(isRecord);
  return [
    ...ports.flatMap(({ name, containerPort, hostPort, protocol }, index) => {
      const field = `${path}.ports[${index}]`;
      return [
        ...(name ? byRule(`${field}.name`, name, portName).slice(0, 1) : []),
        ...(containerPort ? portNumber(`${field}.containerPort`, containerPort) : [required(`${field}.containerPort`)]),
        ...(hostPort ? portNumber(`${field}.hostPort`, hostPort) : []),
        ...oneOf(`${field}.protocol`, protocol, ['SCTP', 'TCP', 'UDP']),
      ];
    }),
    ...repeatedNames(
      ports.map((port) => textAt(port, 'name')),
      (index) => `${path}.ports[${index}].name`,
    ),
  ];
};

/** In the order and under the names of the API's inner type, which is what a refusal shows. */
const securityFields = ['capabilities', 'privileged', 'seLinuxOptions', 'windowsOptions', 'runAsUser', 'runAsGroup', 'runAsNonRoot', 'readOnlyRootFilesystem', 'allowPrivilegeEscalation', 'procMount', 'seccompProfile', 'appArmorProfile'];

const securityProblems = (context: object, field: string): FieldProblem[] => {
  const given = recordAt(context);
  if (given['privileged'] !== true || given['allowPrivilegeEscalation'] !== false) return [];
  const shown = Object.fromEntries(securityFields.map((name) => [name === 'seLinuxOptions' ? 'SELinuxOptions' : name.charAt(0).toUpperCase() + name.slice(1), given[name] ?? null]));
  return [problemAt(field, shown, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true')];
};
