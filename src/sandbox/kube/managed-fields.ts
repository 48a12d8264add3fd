import type { KubernetesObject } from '../../domain/kubernetes.ts';
import { type FieldSet, fromFieldsV1, toFieldsV1 } from './field-set.ts';
import { isEqualJson, isRecord, listAt, textAt } from './json.ts';

/** Who owns which fields, as `metadata.managedFields` keeps it. */
export interface ManagerEntry {
  manager: string;
  operation: 'Apply' | 'Update';
  apiVersion: string;
  time: string | undefined;
  subresource: string | undefined;
  fields: FieldSet;
}

export const readManagers = (object: KubernetesObject): ManagerEntry[] =>
  listAt(object, 'metadata', 'managedFields').flatMap((entry) => {
    const manager = textAt(entry, 'manager');
    if (manager === undefined || !isRecord(entry)) return [];
    return {
      manager,
      operation: textAt(entry, 'operation') === 'Apply' ? ('Apply' as const) : ('Update' as const),
      apiVersion: textAt(entry, 'apiVersion') ?? object.apiVersion,
      time: textAt(entry, 'time'),
      subresource: textAt(entry, 'subresource'),
      fields: fromFieldsV1(entry['fieldsV1']),
    };
  });

/** `managedFields: [{}]` is how a client says that it wants none. */
export const isReset = (object: KubernetesObject): boolean => isEqualJson(listAt(object, 'metadata', 'managedFields'), [{}]);

export const withoutManagers = (object: KubernetesObject): KubernetesObject => {
  const { managedFields: _dropped, ...metadata }: KubernetesObject['metadata'] & { managedFields?: unknown } = object.metadata;
  return { ...object, metadata };
};

export const withManagers = (object: KubernetesObject, managers: readonly ManagerEntry[]): KubernetesObject => {
  const managedFields = managers
    .filter(({ fields }) => fields.size > 0)
    .sort(compareManagers)
    .map(({ manager, operation, apiVersion, time, subresource, fields }) => ({
      manager,
      operation,
      apiVersion,
      ...(time ? { time } : {}),
      fieldsType: 'FieldsV1',
      fieldsV1: toFieldsV1(fields),
      ...(subresource ? { subresource } : {}),
    }));
  const bare = withoutManagers(object);
  return managedFields.length === 0 ? bare : { ...bare, metadata: Object.assign({ ...bare.metadata }, { managedFields }) };
};

const compareManagers = (left: ManagerEntry, right: ManagerEntry): number => {
  const key = ({ operation, time = '', manager, subresource = '' }: ManagerEntry): string =>
    [operation, time, manager, subresource].join(' ');
  return key(left) < key(right) ? -1 : 1;
};
