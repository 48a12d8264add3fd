import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import type { Pod } from '../../../src/sandbox/controllers/object-types.ts';
import { startCluster, type TestCluster, containerNamed, nodeNamed, podNamed, programNamed } from '../support/cluster.ts';

const untilTold = (signal: AbortSignal): Promise<void> => new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

/** Answers with the status that the test last said. */
const server = { status: 200, isListening: true };
const web = programNamed('web', async ({ listen, signal }) => {
  const http = createServer((_request, response) => {
    response.writeHead(server.status).end();
  });
  if (server.isListening) listen(5000, (connection) => http.emit('connection', connection));
  await untilTold(signal);
  return 143;
});
const echo = programNamed('echo', async ({ listen, signal }) => {
  listen(7000, (connection) => {
    text(connection).then(
      (said) => connection.end(said.toUpperCase()),
      () => connection.destroy(),
    );
  });
  await untilTold(signal);
  return 0;
});

let cluster: TestCluster;
afterEach(() => cluster.stop());

const start = ({ status = 200, isListening = true } = {}): void => {
  Object.assign(server, { status, isListening });
  cluster = startCluster({ programs: [web, echo] });
  cluster.create('nodes', nodeNamed('node-a'));
};

const probe = (rest: Record<string, unknown> = {}) => ({ httpGet: { path: '/health', port: 5000 }, periodSeconds: 10, ...rest });
const createPod = (container: Record<string, unknown>, metadata: Record<string, unknown> = {}) =>
  cluster.create('pods', podNamed('web', { restartPolicy: 'Always', containers: [containerNamed('main', 'web', container)] }, metadata));
const pod = (): Pod | undefined => cluster.get('pods', 'web');
const main = () => pod()?.status?.containerStatuses?.[0];
const event = (message: RegExp | string) => cluster.until(`the event ${message}`, () => cluster.eventsOf('web').find((text) => (typeof message === 'string' ? text === message : message.test(text))));

describe('a readiness probe', () => {
  it('keeps a container that answers with a failure unready, until it answers well', async () => {
    start({ status: 503 });
    createPod({ readinessProbe: probe() });
    await event('Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 503');
    expect(main()).toMatchObject({ ready: false, started: true, restartCount: 0 });
    expect(pod()?.status?.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'False', reason: 'ContainersNotReady', message: 'containers with unready status: [main]' }));
    server.status = 200;
    await cluster.until('it is ready', () => main()?.ready);
  });

  it('names the address that refuses when nothing listens', async () => {
    start({ isListening: false });
    createPod({ readinessProbe: probe() });
    await event(/^Unhealthy: Readiness probe failed: Get "http:\/\/10\.244\.\d+\.\d+:5000\/health": dial tcp 10\.244\.\d+\.\d+:5000: connect: connection refused$/);
  });

  it('finds a port by its name', async () => {
    start();
    createPod({ ports: [{ name: 'http', containerPort: 5000 }], readinessProbe: probe({ httpGet: { path: '/', port: 'http' } }) });
    await cluster.until('it is ready', () => main()?.ready);
  });
});

describe('a startup probe', () => {
  it('is asked before all others, and then lets the container be ready', async () => {
    start({ status: 404 });
    createPod({ startupProbe: probe({ failureThreshold: 1000 }), livenessProbe: probe({ failureThreshold: 1 }) });
    await event('Unhealthy: Startup probe failed: HTTP probe failed with statuscode: 404');
    expect(main()).toMatchObject({ ready: false, started: false, restartCount: 0 });
    server.status = 200;
    await cluster.until('it is ready', () => main()?.ready && main()?.started);
  });

  it('has the container started again when it has failed too often', async () => {
    start({ status: 404 });
    createPod({ startupProbe: probe({ failureThreshold: 3 }) });
    await cluster.until('it restarts', () => (main()?.restartCount ?? 0) > 0);
    await event('Killing: Container main failed startup probe, will be restarted');
    expect(main()?.lastState?.terminated).toMatchObject({ exitCode: 143, reason: 'Error' });
  });
});

describe('a liveness probe', () => {
  it('has the container started again when it stops answering', async () => {
    start();
    createPod({ livenessProbe: probe() });
    await cluster.until('it is ready', () => main()?.ready);
    server.status = 500;
    await cluster.until('it restarts', () => (main()?.restartCount ?? 0) > 0);
    await event('Killing: Container main failed liveness probe, will be restarted');
    await event('Unhealthy: Liveness probe failed: HTTP probe failed with statuscode: 500');
  });
});

describe('a probe by command', () => {
  const readiness = (line: string) => ({ readinessProbe: { exec: { command: ['/bin/sh', '-c', line] } } });

  it('asks the server of the first node, and finds the others well', async () => {
    start({ status: 503 });
    const line = 'python3 /workspace/vllm/multi-node-health-check.py readiness --leader-address=web-0.web --vllm-port=5000';
    createPod(readiness(line), { labels: { 'apps.kubernetes.io/pod-index': '0' } });
    cluster.create('pods', podNamed('worker', { containers: [containerNamed('main', 'web', readiness(line))] }, { labels: { 'apps.kubernetes.io/pod-index': '1' } }));
    await cluster.until('the worker is ready', () => cluster.get('pods', 'worker')?.status?.containerStatuses?.[0]?.ready);
    expect(main()?.ready).toBe(false);
    server.status = 200;
    await cluster.until('the first is ready', () => main()?.ready);
  });

  it('fails when the image has no such command', async () => {
    start();
    createPod(readiness('true'));
    await event(/^Unhealthy: Readiness probe failed: OCI runtime exec failed: .*"\/bin\/sh": executable file not found in \$PATH$/);
  });
});

describe('a connection to a port', () => {
  const key = () => ({ namespace: 'default', name: 'web', uid: pod()?.metadata.uid ?? '' });

  it('leads to the container that listens, and closes one side at a time', async () => {
    start();
    cluster.create('pods', podNamed('web', { containers: [containerNamed('main', 'echo')] }));
    await cluster.until('it runs', () => main()?.ready);
    const connection = await cluster.kubelet.connect(key(), 7000);
    connection.end('hello');
    expect(await text(connection)).toBe('HELLO');
  });

  it('is refused in the words of the kubelet and its runtime when nobody listens', async () => {
    start();
    cluster.create('pods', podNamed('web', { containers: [containerNamed('main', 'echo')] }));
    await cluster.until('it runs', () => main()?.ready);
    await expect(cluster.kubelet.connect(key(), 9999)).rejects.toThrow(/^error forwarding port 9999 to pod .* failed to connect to localhost:9999 inside namespace .*connect: connection refused/);
  });

  it('is cut when the container ends', async () => {
    start();
    cluster.create('pods', podNamed('web', { containers: [containerNamed('main', 'echo')] }));
    await cluster.until('it runs', () => main()?.ready);
    const connection = await cluster.kubelet.connect(key(), 7000);
    const closed = new Promise((resolve) => connection.once('close', resolve));
    cluster.store.delete('pods', 'default', 'web', { gracePeriodSeconds: 1 });
    await closed;
  });
});
