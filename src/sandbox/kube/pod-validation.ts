import type { FieldProblem } from './errors.ts';
import { isRecord, type JsonRecord, listAt, textAt } from './json.ts';
import { label } from './names.ts';

/** What is wrong with a PodSpec that stands at `path`: containers, their mounts and volumes. */
export const podProblems = (spec: JsonRecord, path: string): FieldProblem[] => {
  const volumes = listAt(spec, 'volumes');
  const volumeNames = new Set(volumes.map((volume) => textAt(volume, 'name')));
  const containers = listAt(spec, 'containers');
  return [
    ...volumes.flatMap((volume, index) => nameProblems(volume, `${path}.volumes[${index}]`)),
    ...duplicates(volumes, `${path}.volumes`),
    ...(containers.length > 0 ? [] : [required(`${path}.containers`)]),
    ...containers.flatMap((container, index) => containerProblems(container, `${path}.containers[${index}]`, volumeNames)),
    ...listAt(spec, 'initContainers').flatMap((container, index) =>
      containerProblems(container, `${path}.initContainers[${index}]`, volumeNames),
    ),
    ...duplicates(containers, `${path}.containers`),
  ];
};

const required = (field: string): FieldProblem => ({ type: 'Required', field, detail: '' });

const nameProblems = (value: unknown, path: string): FieldProblem[] => {
  const name = textAt(value, 'name') ?? '';
  if (!name) return [required(`${path}.name`)];
  return label(name).map((detail) => ({ type: 'Invalid', field: `${path}.name`, value: name, detail }));
};

const duplicates = (list: readonly unknown[], path: string): FieldProblem[] => {
  const names = list.map((value) => textAt(value, 'name'));
  return names.flatMap((name, index) =>
    name && names.indexOf(name) < index ? [{ type: 'Duplicate' as const, field: `${path}[${index}].name`, value: name, detail: '' }] : [],
  );
};

const containerProblems = (container: unknown, path: string, volumeNames: ReadonlySet<string | undefined>): FieldProblem[] => [
  ...nameProblems(container, path),
  ...(textAt(container, 'image') ? [] : [required(`${path}.image`)]),
  ...listAt(container, 'volumeMounts').flatMap((mount, index): FieldProblem[] => {
    const name = textAt(mount, 'name');
    if (!name) return [required(`${path}.volumeMounts[${index}].name`)];
    if (volumeNames.has(name)) return [];
    return [{ type: 'Invalid', field: `${path}.volumeMounts[${index}].name`, value: name, detail: `not found: ${JSON.stringify(name)}` }];
  }),
  ...listAt(container, 'env').flatMap((variable, index): FieldProblem[] =>
    isRecord(variable) && variable['name'] ? [] : [required(`${path}.env[${index}].name`)],
  ),
];
