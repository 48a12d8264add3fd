import type { KubernetesObject } from '../../domain/kubernetes.ts';
import { ageColumn, type Column, nameColumn } from './column.ts';
import { humanAge, humanDuration } from './duration.ts';
import { listAt, numberAt, recordAt, textAt, valueAt } from './json.ts';
import { podColumns } from './pod-columns.ts';

/** Columns and cells are those of https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/printers/internalversion/printers.go */
export const columnsOf = (kind: string): readonly Column[] => columnsByKind[kind] ?? [nameColumn, ageColumn];

const text = (name: string, ...path: string[]): Column => ({ name, cell: (object) => textAt(object, ...path) ?? '' });

const count = (name: string, ...path: string[]): Column => ({ name, type: 'integer', cell: (object) => numberAt(object, ...path) ?? 0 });

const wide = (column: Column): Column => ({ ...column, isWide: true });

const made = (name: string, cell: Column['cell']): Column => ({ name, cell });

const readyOf = (object: KubernetesObject): string =>
  `${numberAt(object, 'status', 'readyReplicas') ?? 0}/${numberAt(object, 'spec', 'replicas') ?? 0}`;

const containersOf = (object: KubernetesObject, field: 'name' | 'image'): string =>
  listAt(object, 'spec', 'template', 'spec', 'containers')
    .map((container) => textAt(container, field) ?? '')
    .join(',');

const selectorOf = (selector: unknown): string => {
  const labels = Object.entries(recordAt(selector, 'matchLabels')).map(([key, value]) => `${key}=${String(value)}`);
  return labels.sort().join(',') || '<none>';
};

const labelsOf = (labels: unknown): string =>
  Object.entries(recordAt({ labels }, 'labels'))
    .map(([key, value]) => `${key}=${String(value)}`)
    .sort()
    .join(',') || '<none>';

const workloadColumns: Column[] = [
  made('Containers', (object) => containersOf(object, 'name')),
  made('Images', (object) => containersOf(object, 'image')),
  made('Selector', (object) => selectorOf(valueAt(object, 'spec', 'selector'))),
].map(wide);

const hasCondition = (object: KubernetesObject, type: string): boolean =>
  listAt(object, 'status', 'conditions').some((condition) => textAt(condition, 'type') === type && textAt(condition, 'status') === 'True');

const jobStatus = (job: KubernetesObject): string => {
  if (hasCondition(job, 'Complete')) return 'Complete';
  if (hasCondition(job, 'Failed')) return 'Failed';
  if (job.metadata.deletionTimestamp) return 'Terminating';
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find((type) => hasCondition(job, type)) ?? 'Running';
};

const jobCompletions = (job: KubernetesObject): string => {
  const succeeded = numberAt(job, 'status', 'succeeded') ?? 0;
  const completions = numberAt(job, 'spec', 'completions');
  const parallelism = numberAt(job, 'spec', 'parallelism') ?? 0;
  if (completions !== undefined) return `${succeeded}/${completions}`;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
};

const jobDuration = (job: KubernetesObject, now: Date): string => {
  const [start, end] = [textAt(job, 'status', 'startTime'), textAt(job, 'status', 'completionTime')];
  return start ? humanDuration((end ? Date.parse(end) : now.getTime()) - Date.parse(start)) : '';
};

const nodeStatus = (node: KubernetesObject): string => {
  const ready = listAt(node, 'status', 'conditions').find((condition) => textAt(condition, 'type') === 'Ready');
  const status = ready === undefined ? 'Unknown' : textAt(ready, 'status') === 'True' ? 'Ready' : 'NotReady';
  return valueAt(node, 'spec', 'unschedulable') === true ? `${status},SchedulingDisabled` : status;
};

const roleLabel = 'node-role.kubernetes.io/';

const nodeRoles = (node: KubernetesObject): string => {
  const labels = Object.entries(node.metadata.labels ?? {});
  const roles = labels.flatMap(([key, value]) => {
    if (key.startsWith(roleLabel)) return key.slice(roleLabel.length) || [];
    return key === 'kubernetes.io/role' && value ? value : [];
  });
  return [...new Set(roles)].sort().join(',') || '<none>';
};

const nodeAddress = (node: KubernetesObject, type: string): string => {
  const found = listAt(node, 'status', 'addresses').find((address) => textAt(address, 'type') === type);
  return textAt(found, 'address') ?? '<none>';
};

const nodeInfo = (node: KubernetesObject, field: string): string => textAt(node, 'status', 'nodeInfo', field) || '<unknown>';

const externalAddress = (service: KubernetesObject): string => {
  const type = textAt(service, 'spec', 'type');
  const fixed = listAt(service, 'spec', 'externalIPs').map(String);
  if (type === 'ExternalName') return textAt(service, 'spec', 'externalName') ?? '';
  if (type !== 'LoadBalancer') return fixed.join(',') || '<none>';
  const given = listAt(service, 'status', 'loadBalancer', 'ingress').map((entry) => textAt(entry, 'ip') ?? textAt(entry, 'hostname') ?? '');
  return [...given, ...fixed].join(',') || '<pending>';
};

const servicePorts = (service: KubernetesObject): string =>
  listAt(service, 'spec', 'ports')
    .map((port) => {
      const nodePort = numberAt(port, 'nodePort');
      return `${numberAt(port, 'port')}${nodePort ? `:${nodePort}` : ''}/${textAt(port, 'protocol') ?? 'TCP'}`;
    })
    .join(',') || '<none>';

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

/** The first three, and how many more. */
const firstThree = (list: readonly string[]): string => {
  const shown = list.slice(0, 3).join(',');
  return list.length > 3 ? `${shown} + ${list.length - 3} more...` : shown;
};

const endpointAddresses = (endpoints: KubernetesObject): string[] =>
  listAt(endpoints, 'subsets').flatMap((subset) => {
    const addresses = listAt(subset, 'addresses').map((address) => textAt(address, 'ip') ?? '');
    const ports = listAt(subset, 'ports').map((port) => numberAt(port, 'port'));
    return ports.length === 0 ? addresses : ports.flatMap((port) => addresses.map((address) => `${address}:${port}`));
  });

const columnsByKind: Record<string, readonly Column[]> = {
  Pod: podColumns,
  ConfigMap: [
    nameColumn,
    made('Data', (map) => String(Object.keys(recordAt(map, 'data')).length + Object.keys(recordAt(map, 'binaryData')).length)),
    ageColumn,
  ],
  DaemonSet: [
    nameColumn,
    count('Desired', 'status', 'desiredNumberScheduled'),
    count('Current', 'status', 'currentNumberScheduled'),
    count('Ready', 'status', 'numberReady'),
    count('Up-to-date', 'status', 'updatedNumberScheduled'),
    count('Available', 'status', 'numberAvailable'),
    made('Node Selector', (set) => labelsOf(valueAt(set, 'spec', 'template', 'spec', 'nodeSelector'))),
    ageColumn,
    ...workloadColumns,
  ],
  Deployment: [
    nameColumn,
    made('Ready', readyOf),
    count('Up-to-date', 'status', 'updatedReplicas'),
    count('Available', 'status', 'availableReplicas'),
    ageColumn,
    ...workloadColumns,
  ],
  Endpoints: [nameColumn, made('Endpoints', (endpoints) => firstThree(endpointAddresses(endpoints)) || '<none>'), ageColumn],
  EndpointSlice: [
    nameColumn,
    text('AddressType', 'addressType'),
    made('Ports', (slice) => firstThree(listAt(slice, 'ports').map((port) => String(numberAt(port, 'port') ?? textAt(port, 'name') ?? '*'))) || '<unset>'),
    made('Endpoints', (slice) => firstThree(listAt(slice, 'endpoints').flatMap((endpoint) => listAt(endpoint, 'addresses').map(String))) || '<unset>'),
    ageColumn,
  ],
  Event: [
    made('Last Seen', (event, now) => eventTime(event, now, 'lastTimestamp')),
    text('Type', 'type'),
    text('Reason', 'reason'),
    made('Object', (event) =>
      [textAt(event, 'involvedObject', 'kind')?.toLowerCase(), textAt(event, 'involvedObject', 'name')].filter(Boolean).join('/'),
    ),
    wide(text('Subobject', 'involvedObject', 'fieldPath')),
    wide(made('Source', eventSource)),
    made('Message', (event) => textAt(event, 'message')?.trim() ?? ''),
    wide(made('First Seen', (event, now) => eventTime(event, now, 'firstTimestamp'))),
    wide(made('Count', (event) => numberAt(event, 'count') ?? 1)),
    wide(nameColumn),
  ],
  Job: [
    nameColumn,
    made('Status', jobStatus),
    made('Completions', jobCompletions),
    made('Duration', jobDuration),
    ageColumn,
    ...workloadColumns,
  ],
  Lease: [nameColumn, text('Holder', 'spec', 'holderIdentity'), ageColumn],
  Namespace: [nameColumn, text('Status', 'status', 'phase'), ageColumn],
  Node: [
    nameColumn,
    made('Status', nodeStatus),
    made('Roles', nodeRoles),
    ageColumn,
    text('Version', 'status', 'nodeInfo', 'kubeletVersion'),
    ...[
      made('Internal-IP', (node) => nodeAddress(node, 'InternalIP')),
      made('External-IP', (node) => nodeAddress(node, 'ExternalIP')),
      made('OS-Image', (node) => nodeInfo(node, 'osImage')),
      made('Kernel-Version', (node) => {
        const architecture = textAt(node, 'status', 'nodeInfo', 'architecture');
        return nodeInfo(node, 'kernelVersion') + (architecture ? ` (${architecture})` : '');
      }),
      made('Container-Runtime', (node) => nodeInfo(node, 'containerRuntimeVersion')),
    ].map(wide),
  ],
  PersistentVolume: [
    nameColumn,
    text('Capacity', 'spec', 'capacity', 'storage'),
    made('Access Modes', (volume) => modesOf(listAt(volume, 'spec', 'accessModes'))),
    text('Reclaim Policy', 'spec', 'persistentVolumeReclaimPolicy'),
    made('Status', phaseOf),
    made('Claim', (volume) => ['namespace', 'name'].map((field) => textAt(volume, 'spec', 'claimRef', field)).filter(Boolean).join('/')),
    text('StorageClass', 'spec', 'storageClassName'),
    made('VolumeAttributesClass', () => '<unset>'),
    text('Reason', 'status', 'reason'),
    ageColumn,
    wide(text('VolumeMode', 'spec', 'volumeMode')),
  ],
  PersistentVolumeClaim: [
    nameColumn,
    made('Status', phaseOf),
    text('Volume', 'spec', 'volumeName'),
    text('Capacity', 'status', 'capacity', 'storage'),
    made('Access Modes', (claim) => modesOf(listAt(claim, 'status', 'accessModes'))),
    text('StorageClass', 'spec', 'storageClassName'),
    made('VolumeAttributesClass', () => '<unset>'),
    ageColumn,
    wide(text('VolumeMode', 'spec', 'volumeMode')),
  ],
  ReplicaSet: [
    nameColumn,
    count('Desired', 'spec', 'replicas'),
    count('Current', 'status', 'replicas'),
    count('Ready', 'status', 'readyReplicas'),
    ageColumn,
    ...workloadColumns,
  ],
  Secret: [nameColumn, text('Type', 'type'), made('Data', (secret) => String(Object.keys(recordAt(secret, 'data')).length)), ageColumn],
  Service: [
    nameColumn,
    text('Type', 'spec', 'type'),
    made('Cluster-IP', (service) => textAt(service, 'spec', 'clusterIP') || '<none>'),
    made('External-IP', externalAddress),
    made('Port(s)', servicePorts),
    ageColumn,
    wide(made('Selector', (service) => labelsOf(valueAt(service, 'spec', 'selector')))),
  ],
  StatefulSet: [nameColumn, made('Ready', readyOf), ageColumn, ...workloadColumns.slice(0, 2)],
  StorageClass: [
    made('Name', ({ metadata }) =>
      metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true' ? `${metadata.name} (default)` : metadata.name,
    ),
    text('Provisioner', 'provisioner'),
    text('ReclaimPolicy', 'reclaimPolicy'),
    text('VolumeBindingMode', 'volumeBindingMode'),
    { name: 'AllowVolumeExpansion', type: 'boolean', cell: (storageClass) => storageClass['allowVolumeExpansion'] === true },
    ageColumn,
  ],
};
