import type { FieldProblem } from './errors.ts';
import { isRecord, listAt, recordAt, textAt, valueAt } from './json.ts';
import { configKey, subdomain, variableName } from './names.ts';
import { byRule, oneOf, problemAt, required } from './problems.ts';

const sources = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef', 'fileKeyRef'];
const told = sources.map((source) => `\`${source}\``);

/** Fields of its pod that a variable may show, beside single labels and annotations. */
const podFields = new Set(['metadata.name', 'metadata.namespace', 'metadata.uid', 'spec.nodeName', 'spec.serviceAccountName', 'status.hostIP', 'status.hostIPs', 'status.podIP', 'status.podIPs']);
const resourceFields = ['limits', 'requests'].flatMap((list) => ['cpu', 'ephemeral-storage', 'memory'].map((name) => `${list}.${name}`));

/** The variables of a container, by themselves and from maps. */
export const environmentProblems = (container: unknown, path: string): FieldProblem[] => [
  ...listAt(container, 'env').flatMap((variable, index) => variableProblems(variable, `${path}.env[${index}]`)),
  ...listAt(container, 'envFrom').flatMap((source, index) => mapProblems(source, path, index)),
];

const variableProblems = (variable: unknown, field: string): FieldProblem[] => {
  const name = textAt(variable, 'name');
  const from = recordAt(variable)['valueFrom'];
  return [...(name ? byRule(`${field}.name`, name, variableName) : [required(`${field}.name`)]), ...(isRecord(from) ? sourceProblems(from, textAt(variable, 'value'), `${field}.valueFrom`) : [])];
};

const sourceProblems = (from: object, value: string | undefined, field: string): FieldProblem[] => {
  const given = sources.filter((source) => isRecord(valueAt(from, source)));
  if (given.length === 0) return [problemAt(field, '', `must specify one of: ${told.slice(0, -1).join(', ')} or ${told.at(-1)}`)];
  return [
    ...given.flatMap((source) => referenceProblems(source, recordAt(from, source), `${field}.${source}`)),
    ...(value ? [problemAt(field, '', 'may not be specified when `value` is not empty')] : []),
    ...(given.length > 1 ? [problemAt(field, '', 'may not have more than one field specified at a time')] : []),
  ];
};

const referenceProblems = (source: string, reference: object, field: string): FieldProblem[] => {
  if (source === 'fieldRef') return fieldProblems(textAt(reference, 'fieldPath') ?? '', `${field}.fieldPath`);
  if (source === 'resourceFieldRef') return oneOf(`${field}.resource`, textAt(reference, 'resource') ?? '', resourceFields);
  if (source === 'fileKeyRef') return [];
  const [name, key] = [textAt(reference, 'name'), textAt(reference, 'key')];
  return [...(name ? byRule(`${field}.name`, name, subdomain) : [required(`${field}.name`)]), ...(key ? byRule(`${field}.key`, key, configKey) : [required(`${field}.key`)])];
};

const fieldProblems = (path: string, field: string): FieldProblem[] => {
  if (path === '') return [required(field)];
  if (podFields.has(path) || /^metadata\.(?:labels|annotations)\['.+'\]$/.test(path)) return [];
  return [problemAt(field, path, `error converting fieldPath: field label not supported: ${path}`)];
};

const mapProblems = (source: unknown, path: string, index: number): FieldProblem[] => {
  const field = `${path}.envFrom[${index}]`;
  const given = ['configMapRef', 'secretRef'].filter((name) => isRecord(valueAt(source, name)));
  if (given.length === 0) return [problemAt(`${path}.envFrom`, '', 'must specify one of: `configMapRef` or `secretRef`')];
  const prefix = textAt(source, 'prefix');
  return [
    ...(prefix ? byRule(`${field}.prefix`, prefix, variableName) : []),
    ...given.flatMap((name) => {
      const referred = textAt(source, name, 'name');
      return referred ? byRule(`${field}.${name}.name`, referred, subdomain) : [required(`${field}.${name}.name`)];
    }),
  ];
};
