import { parseQuantity } from '../controllers/quantity.ts';
import type { FieldProblem } from './errors.ts';
import { isRecord, type JsonRecord, listAt, recordAt, textAt } from './json.ts';
import { label, subdomain } from './names.ts';
import { byRule, forbidden, problemAt, repeatedNames, required } from './problems.ts';

/** A pod's volumes, at `path`. */
export const volumeProblems = (volumes: readonly unknown[], path: string): FieldProblem[] => [
  ...volumes.flatMap((volume, index) => problemsOf(recordAt(volume), `${path}[${index}]`)),
  ...repeatedNames(
    volumes.map((volume) => textAt(volume, 'name')),
    (index) => `${path}[${index}].name`,
  ),
];

const problemsOf = ({ name, ...sources }: JsonRecord, field: string): FieldProblem[] => {
  const [first, ...more] = Object.keys(sources).sort(bySourceOrder);
  return [
    ...(typeof name === 'string' && name !== '' ? byRule(`${field}.name`, name, label) : [required(`${field}.name`)]),
    ...(first === undefined ? [] : (sourceProblems[first]?.(recordAt(sources, first), `${field}.${first}`) ?? [])),
    ...more.map((source) => forbidden(`${field}.${source}`, 'may not specify more than 1 volume type')),
  ];
};

/** The order in which the API looks at them: of two sources the later one is too much. */
const order = ['emptyDir', 'hostPath', 'secret', 'nfs', 'persistentVolumeClaim', 'configMap', 'downwardAPI', 'projected', 'csi', 'ephemeral', 'image'];
const bySourceOrder = (left: string, right: string): number => order.indexOf(left) - order.indexOf(right);

const modeProblems = (source: unknown, field: string): FieldProblem[] => {
  const mode = recordAt(source)['defaultMode'];
  return typeof mode === 'number' && (mode < 0 || mode > 0o777) ? [problemAt(`${field}.defaultMode`, mode, 'must be a number between 0 and 0777 (octal), both inclusive')] : [];
};

const itemProblems = (source: unknown, field: string): FieldProblem[] =>
  listAt(source, 'items').flatMap((item, index) => {
    const [key, path] = [textAt(item, 'key'), textAt(item, 'path') ?? ''];
    const at = `${field}.items[${index}]`;
    return [...(key ? [] : [required(`${at}.key`)]), ...(path === '' ? [required(`${at}.path`)] : pathProblems(`${at}.path`, path))];
  });

const pathProblems = (field: string, path: string): FieldProblem[] => [
  ...(path.startsWith('/') ? [problemAt(field, path, 'must be a relative path')] : []),
  ...(path.split('/').includes('..') ? [problemAt(field, path, "must not contain '..'")] : []),
];

const sourceProblems: Record<string, (source: JsonRecord, field: string) => FieldProblem[]> = {
  emptyDir: (source, field) => {
    const size = source['sizeLimit'];
    return size === undefined || (parseQuantity(size) ?? 0) >= 0 ? [] : [forbidden(`${field}.sizeLimit`, 'SizeLimit field must be a valid resource quantity')];
  },
  hostPath: (source, field) => (source['path'] ? [] : [required(`${field}.path`)]),
  secret: (source, field) => [...(source['secretName'] ? [] : [required(`${field}.secretName`)]), ...modeProblems(source, field), ...itemProblems(source, field)],
  configMap: (source, field) => [...(source['name'] ? [] : [required(`${field}.name`)]), ...modeProblems(source, field), ...itemProblems(source, field)],
  persistentVolumeClaim: (source, field) => (source['claimName'] ? byRule(`${field}.claimName`, source['claimName'], subdomain) : [required(`${field}.claimName`)]),
};

/** Where a container puts them. */
export const mountProblems = (container: unknown, path: string, volumeNames: ReadonlySet<string | undefined>): FieldProblem[] => {
  const mounts = listAt(container, 'volumeMounts').filter(isRecord);
  return mounts.flatMap((mount, index): FieldProblem[] => {
    const field = `${path}.volumeMounts[${index}]`;
    const { name = '', mountPath, subPath } = mount;
    const isRepeated = mountPath && mounts.findIndex((other) => other['mountPath'] === mountPath) < index;
    return [
      ...(name === '' ? [required(`${field}.name`)] : []),
      ...(volumeNames.has(String(name)) ? [] : [{ type: 'NotFound', field: `${field}.name`, value: name, detail: '' } as const]),
      ...(mountPath ? [] : [required(`${field}.mountPath`)]),
      ...(isRepeated ? [problemAt(`${field}.mountPath`, mountPath, 'must be unique')] : []),
      // The place is the list's, not the item's: so it says.
      ...(typeof subPath === 'string' ? pathProblems(`${path}.volumeMounts.subPath`, subPath) : []),
    ];
  });
};
