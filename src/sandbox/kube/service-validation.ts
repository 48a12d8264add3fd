import { isIP } from 'node:net';
import type { FieldProblem } from './errors.ts';
import { isRecord, type JsonRecord, listAt } from './json.ts';
import { label, subdomain } from './names.ts';
import { labelsProblems } from './pod-validation.ts';
import { byRule, duplicate, forbidden, oneOf, portNumber, portReference, problemAt, repeatedNames, required } from './problems.ts';

export const serviceProblems = (spec: JsonRecord): FieldProblem[] => {
  const ports = listAt(spec, 'ports').filter(isRecord);
  const { type, clusterIP: address, externalName } = spec;
  const needsPorts = address !== 'None' && type !== 'ExternalName';
  return [
    ...(ports.length === 0 && needsPorts ? [required('spec.ports')] : []),
    ...ports.flatMap((port, index) => portProblems(port, `spec.ports[${index}]`, { needsName: ports.length > 1, type })),
    ...repeatedNames(
      ports.map(({ name }) => (typeof name === 'string' ? name : undefined)),
      (index) => `spec.ports[${index}].name`,
    ),
    ...repeatedPorts(ports),
    ...(type === 'ExternalName' ? (externalName ? byRule('spec.externalName', externalName, subdomain) : [required('spec.externalName')]) : []),
    ...labelsProblems(spec['selector'], 'spec.selector'),
    ...oneOf('spec.sessionAffinity', spec['sessionAffinity'], ['ClientIP', 'None']),
    ...oneOf('spec.type', type, ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']),
    ...addressProblems(address, type),
  ];
};

const portProblems = (port: JsonRecord, field: string, { needsName, type }: { needsName: boolean; type: unknown }): FieldProblem[] => [
  ...(port['name'] ? byRule(`${field}.name`, port['name'], label) : needsName ? [required(`${field}.name`)] : []),
  ...portNumber(`${field}.port`, port['port']),
  ...oneOf(`${field}.protocol`, port['protocol'], ['SCTP', 'TCP', 'UDP']),
  ...portReference(`${field}.targetPort`, port['targetPort']),
  ...(port['nodePort'] && type === 'ClusterIP' ? [forbidden(`${field}.nodePort`, "may not be used when `type` is 'ClusterIP'")] : []),
];

/** Shown as the API's inner type has them. */
const repeatedPorts = (ports: readonly JsonRecord[]): FieldProblem[] =>
  ports.flatMap(({ port, protocol }, index) => {
    const isRepeated = ports.findIndex((other) => other['port'] === port && other['protocol'] === protocol) < index;
    return isRepeated ? [duplicate(`spec.ports[${index}]`, { Name: '', Protocol: protocol, AppProtocol: null, Port: port, TargetPort: 0, NodePort: 0 })] : [];
  });

const addressProblems = (address: unknown, type: unknown): FieldProblem[] => {
  if (typeof address !== 'string' || address === '') return [];
  if (address === 'None') return type === 'NodePort' || type === 'LoadBalancer' ? [problemAt('spec.clusterIPs[0]', address, `may not be set to 'None' for ${type} services`)] : [];
  return isIP(address) === 0 ? [problemAt('spec.clusterIPs[0]', address, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')] : [];
};
