import type { KubernetesObject } from '../../domain/kubernetes.ts';
import { ageColumn, type Column, computed, nameColumn, text, wide } from './column.ts';
import { humanAge } from './duration.ts';
import { listAt, numberAt, recordAt, textAt } from './json.ts';
import { networkColumnsByKind } from './network-columns.ts';
import { nodeColumns } from './node-columns.ts';
import { podColumns } from './pod-columns.ts';
import { workloadColumnsByKind } from './workload-columns.ts';

/** Columns and cells are those of https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/printers/internalversion/printers.go */
export const columnsOf = (kind: string): readonly Column[] => columnsByKind[kind] ?? [nameColumn, ageColumn];

const accessModes: Record<string, string> = { ReadWriteOnce: 'RWO', ReadOnlyMany: 'ROX', ReadWriteMany: 'RWX', ReadWriteOncePod: 'RWOP' };

const modesOf = (modes: readonly unknown[]): string =>
  Object.entries(accessModes)
    .filter(([mode]) => modes.includes(mode))
    .map(([, short]) => short)
    .join(',');

const phaseOf = (object: KubernetesObject): string =>
  object.metadata.deletionTimestamp ? 'Terminating' : (textAt(object, 'status', 'phase') ?? '');

const eventTime = (event: KubernetesObject, now: Date, first: string): string =>
  humanAge(textAt(event, first) ?? textAt(event, 'firstTimestamp') ?? textAt(event, 'eventTime'), now);

const eventSource = (event: KubernetesObject): string =>
  [
    textAt(event, 'source', 'component') || textAt(event, 'reportingComponent'),
    textAt(event, 'source', 'host') || textAt(event, 'reportingInstance'),
  ]
    .filter(Boolean)
    .join(', ');

const columnsByKind: Record<string, readonly Column[]> = {
  Pod: podColumns,
  Node: nodeColumns,
  ...workloadColumnsByKind,
  ...networkColumnsByKind,
  ConfigMap: [
    nameColumn,
    computed('Data', (map) => Object.keys(recordAt(map, 'data')).length + Object.keys(recordAt(map, 'binaryData')).length),
    ageColumn,
  ],
  Event: [
    computed('Last Seen', (event, now) => eventTime(event, now, 'lastTimestamp')),
    text('Type', 'type'),
    text('Reason', 'reason'),
    computed('Object', (event) =>
      [textAt(event, 'involvedObject', 'kind')?.toLowerCase(), textAt(event, 'involvedObject', 'name')].filter(Boolean).join('/'),
    ),
    wide(text('Subobject', 'involvedObject', 'fieldPath')),
    wide(computed('Source', eventSource)),
    computed('Message', (event) => textAt(event, 'message')?.trim() ?? ''),
    wide(computed('First Seen', (event, now) => eventTime(event, now, 'firstTimestamp'))),
    wide(computed('Count', (event) => numberAt(event, 'count') ?? 1)),
    wide(nameColumn),
  ],
  Lease: [nameColumn, text('Holder', 'spec', 'holderIdentity'), ageColumn],
  Namespace: [nameColumn, text('Status', 'status', 'phase'), ageColumn],
  PersistentVolume: [
    nameColumn,
    text('Capacity', 'spec', 'capacity', 'storage'),
    computed('Access Modes', (volume) => modesOf(listAt(volume, 'spec', 'accessModes'))),
    text('Reclaim Policy', 'spec', 'persistentVolumeReclaimPolicy'),
    computed('Status', phaseOf),
    computed('Claim', (volume) => ['namespace', 'name'].map((field) => textAt(volume, 'spec', 'claimRef', field)).filter(Boolean).join('/')),
    text('StorageClass', 'spec', 'storageClassName'),
    computed('VolumeAttributesClass', () => '<unset>'),
    text('Reason', 'status', 'reason'),
    ageColumn,
    wide(text('VolumeMode', 'spec', 'volumeMode')),
  ],
  PersistentVolumeClaim: [
    nameColumn,
    computed('Status', phaseOf),
    text('Volume', 'spec', 'volumeName'),
    text('Capacity', 'status', 'capacity', 'storage'),
    computed('Access Modes', (claim) => modesOf(listAt(claim, 'status', 'accessModes'))),
    text('StorageClass', 'spec', 'storageClassName'),
    computed('VolumeAttributesClass', () => '<unset>'),
    ageColumn,
    wide(text('VolumeMode', 'spec', 'volumeMode')),
  ],
  Secret: [nameColumn, text('Type', 'type'), computed('Data', (secret) => Object.keys(recordAt(secret, 'data')).length), ageColumn],
  StorageClass: [
    computed('Name', ({ metadata }) =>
      metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true' ? `${metadata.name} (default)` : metadata.name,
    ),
    text('Provisioner', 'provisioner'),
    text('ReclaimPolicy', 'reclaimPolicy'),
    text('VolumeBindingMode', 'volumeBindingMode'),
    { name: 'AllowVolumeExpansion', type: 'boolean', cell: (storageClass) => storageClass['allowVolumeExpansion'] === true },
    ageColumn,
  ],
};
