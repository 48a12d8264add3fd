import type { KubernetesObject } from '../../domain/kubernetes.ts';
import { ageColumn, type Column, labelsOf, computed, nameColumn, text, wide } from './column.ts';
import { listAt, numberAt, textAt, valueAt } from './json.ts';

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

export const networkColumnsByKind: Record<string, readonly Column[]> = {
  Endpoints: [nameColumn, computed('Endpoints', (endpoints) => firstThree(endpointAddresses(endpoints)) || '<none>'), ageColumn],
  EndpointSlice: [
    nameColumn,
    text('AddressType', 'addressType'),
    computed('Ports', (slice) => firstThree(listAt(slice, 'ports').map((port) => String(numberAt(port, 'port') ?? textAt(port, 'name') ?? '*'))) || '<unset>'),
    computed('Endpoints', (slice) => firstThree(listAt(slice, 'endpoints').flatMap((endpoint) => listAt(endpoint, 'addresses').map(String))) || '<unset>'),
    ageColumn,
  ],
  Service: [
    nameColumn,
    text('Type', 'spec', 'type'),
    computed('Cluster-IP', (service) => textAt(service, 'spec', 'clusterIP') || '<none>'),
    computed('External-IP', externalAddress),
    computed('Port(s)', servicePorts),
    ageColumn,
    wide(computed('Selector', (service) => labelsOf(valueAt(service, 'spec', 'selector')))),
  ],
};
