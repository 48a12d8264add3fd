import type { FieldProblem } from './errors.ts';
import { isRecord, type JsonRecord, listAt, recordAt } from './json.ts';
import { forbidden, notNegative, oneOf, portReference, problemAt, required } from './problems.ts';

const handlers = ['exec', 'httpGet', 'tcpSocket', 'grpc'];

/** The three probes of a container. */
export const probeProblems = (container: unknown, path: string): FieldProblem[] =>
  ['livenessProbe', 'readinessProbe', 'startupProbe'].flatMap((name) => {
    const probe = recordAt(container)[name];
    return isRecord(probe) ? problemsOf(probe, name, `${path}.${name}`) : [];
  });

const problemsOf = (probe: JsonRecord, name: string, field: string): FieldProblem[] => {
  const given = handlers.filter((handler) => isRecord(probe[handler]));
  const { successThreshold, terminationGracePeriodSeconds: grace } = probe;
  return [
    ...(given.length === 0 ? [required(field, 'must specify a handler type')] : []),
    ...given.slice(1).map((handler) => forbidden(`${field}.${handler}`, 'may not specify more than 1 handler type')),
    ...given.slice(0, 1).flatMap((handler) => handlerProblems(handler, recordAt(probe, handler), `${field}.${handler}`)),
    ...['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'].flatMap((count) => notNegative(`${field}.${count}`, probe[count])),
    ...(name !== 'readinessProbe' && successThreshold !== undefined && successThreshold !== 1 ? [problemAt(`${field}.successThreshold`, successThreshold, 'must be 1')] : []),
    ...(name === 'readinessProbe' && grace !== undefined ? [problemAt(`${field}.terminationGracePeriodSeconds`, grace, 'must not be set for readinessProbes')] : []),
  ];
};

const handlerProblems = (handler: string, action: JsonRecord, field: string): FieldProblem[] => {
  if (handler === 'exec') return listAt(action, 'command').length > 0 ? [] : [required(`${field}.command`)];
  return [...portReference(`${field}.port`, action['port']), ...(handler === 'httpGet' ? oneOf(`${field}.scheme`, action['scheme'], ['HTTP', 'HTTPS']) : [])];
};
