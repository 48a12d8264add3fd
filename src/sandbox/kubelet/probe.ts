import { request } from 'node:http';
import type { Container } from '../controllers/object-types.ts';
import type { Ports } from './ports.ts';

export type Probe = NonNullable<Container['startupProbe']>;

export interface ProbeResult {
  isSuccess: boolean;
  /** Why not, in the kubelet's words. */
  output: string;
}

export interface ProbedPod {
  ip: string;
  /** Which of a StatefulSet's pods it is; 0 elsewhere. */
  index: number;
}

/** Asks a running container once. Answers come from real streams, so the timeout is of the wall's clock. */
export const runProbe = async (probe: Probe, container: Container, ports: Ports, pod: ProbedPod): Promise<ProbeResult> => {
  if (probe.httpGet) return await getHttp(probe, probe.httpGet, container, ports, pod.ip);
  if (probe.tcpSocket) return connectOnce(portOf(probe.tcpSocket.port, container), ports, pod.ip);
  if (probe.exec) return await runCommand(probe.exec.command ?? [], ports, pod);
  return failed('missing probe handler');
};

type HttpGet = NonNullable<Probe['httpGet']>;

const getHttp = (probe: Probe, { path = '/', port: namedPort, httpHeaders = [] }: HttpGet, container: Container, ports: Ports, podIp: string): Promise<ProbeResult> => {
  const port = portOf(namedPort, container);
  const url = `http://${podIp}:${port}${path}`;
  const connection = ports.connect(port);
  if (!connection) return Promise.resolve(failed(`Get "${url}": ${refused(podIp, port)}`));
  const { promise, resolve } = Promise.withResolvers<ProbeResult>();
  const signal = AbortSignal.timeout((probe.timeoutSeconds ?? 1) * 1000);
  const headers = { 'user-agent': 'kube-probe/1.34', accept: '*/*', connection: 'close', ...Object.fromEntries(httpHeaders.map(({ name, value }) => [name, value])) };
  const outgoing = request({ createConnection: () => connection, host: podIp, port, path, headers, signal }, (response) => {
    const status = response.statusCode ?? 0;
    response.resume();
    resolve(status >= 200 && status < 400 ? { isSuccess: true, output: '' } : failed(`HTTP probe failed with statuscode: ${status}`));
  });
  outgoing.on('error', () => {
    resolve(failed(signal.aborted ? `Get "${url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)` : `Get "${url}": EOF`));
  });
  outgoing.end();
  return promise.finally(() => connection.destroy());
};

const connectOnce = (port: number, ports: Ports, podIp: string): ProbeResult => {
  const connection = ports.connect(port);
  connection?.destroy();
  return connection ? { isSuccess: true, output: '' } : failed(refused(podIp, port));
};

/**
 * Of all commands that could be run in a container only KAITO's own checks are played: the leader of several nodes is
 * ready when its server is, workers always are, and all are alive while they run.
 */
const runCommand = async (command: readonly string[], ports: Ports, pod: ProbedPod): Promise<ProbeResult> => {
  const line = command.join(' ');
  const isLiveness = /multi-node-health-check\.py\s+liveness\b/.test(line);
  const isReadiness = /multi-node-health-check\.py\s+readiness\b|\/benchmark_entrypoint\.py\b/.test(line);
  if (!isLiveness && !isReadiness) return failed(`OCI runtime exec failed: exec failed: unable to start container process: exec: "${command[0] ?? ''}": executable file not found in $PATH`);
  if (isLiveness || pod.index > 0) return { isSuccess: true, output: '' };
  const port = Number(/--vllm-port[= ](\d+)/.exec(line)?.[1] ?? 5000);
  return await getHttp({ timeoutSeconds: 5 }, { path: '/health', port }, { name: '' }, ports, '127.0.0.1');
};

const failed = (output: string): ProbeResult => ({ isSuccess: false, output });

const refused = (host: string, port: number): string => `dial tcp ${host}:${port}: connect: connection refused`;

const portOf = (port: number | string, { ports = [] }: Container): number => (typeof port === 'number' ? port : (ports.find(({ name }) => name === port)?.containerPort ?? Number(port)));
