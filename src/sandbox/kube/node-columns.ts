import type { KubernetesObject } from '../../domain/kubernetes.ts';
import { ageColumn, type Column, computed, nameColumn, text, wide } from './column.ts';
import { listAt, textAt, valueAt } from './json.ts';

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

export const nodeColumns: readonly Column[] = [
  nameColumn,
  computed('Status', nodeStatus),
  computed('Roles', nodeRoles),
  ageColumn,
  text('Version', 'status', 'nodeInfo', 'kubeletVersion'),
  ...[
    computed('Internal-IP', (node) => nodeAddress(node, 'InternalIP')),
    computed('External-IP', (node) => nodeAddress(node, 'ExternalIP')),
    computed('OS-Image', (node) => nodeInfo(node, 'osImage')),
    computed('Kernel-Version', (node) => {
      const architecture = textAt(node, 'status', 'nodeInfo', 'architecture');
      return nodeInfo(node, 'kernelVersion') + (architecture ? ` (${architecture})` : '');
    }),
    computed('Container-Runtime', (node) => nodeInfo(node, 'containerRuntimeVersion')),
  ].map(wide),
];
