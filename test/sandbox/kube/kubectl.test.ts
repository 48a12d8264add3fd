import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, connect, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buffer, text } from 'node:stream/consumers';
import { execa } from 'execa';
import { stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestLog, deployment, pod, startTestApi, type TestApi, token } from './support.ts';

const program = 'kubectl';
const { exitCode } = await execa(program, ['version', '--client'], { reject: false });
const hasKubectl = exitCode === 0;

let api: TestApi;
let folder = '';
let environment: Record<string, string> = {};
const children: ChildProcess[] = [];

beforeAll(async () => {
  api = await startTestApi({ authorize: ({ resource }) => resource !== 'secrets' });
  folder = await mkdtemp(join(tmpdir(), 'kubectl-test-'));
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    clusters: [{ name: 'test', cluster: { server: api.url, 'certificate-authority-data': Buffer.from(api.caPem).toString('base64') } }],
    users: [{ name: 'test', user: { token } }],
  };
  await writeFile(join(folder, 'config'), stringify(kubeconfig));
  // Its own home, so that neither a cache nor a configuration of whoever runs the tests is read or written.
  environment = { KUBECONFIG: join(folder, 'config'), HOME: folder, PATH: process.env['PATH'] ?? '' };
});
afterAll(async () => {
  for (const child of children) child.kill();
  await api.close();
  await rm(folder, { recursive: true, force: true });
});

const kubectl = async (args: string[], input?: string) => {
  const result = await execa(program, args, { env: environment, extendEnv: false, reject: false, timeout: 120_000, ...(input === undefined ? {} : { input }) });
  return { stdout: result.stdout, stderr: result.stderr, code: result.exitCode };
};

const start = (args: string[], extra: Record<string, string> = {}) => {
  const child = spawn(program, args, { env: { ...environment, ...extra }, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  return child;
};

const runningPod = (name: string) =>
  api.store.create('pods', {
    ...pod(name, { nodeName: 'node-1' }),
    status: { phase: 'Running', containerStatuses: [{ name: 'main', ready: true, restartCount: 0, image: 'x', imageID: '', state: { running: { startedAt: '2026-01-02T03:04:05Z' } } }] },
  });

const yamlOf = (object: object): string => stringify(object);

describe.skipIf(!hasKubectl)('kubectl (skipped where it is not installed)', () => {
  it('applies, shows, compares and deletes a Deployment as in any cluster', async () => {
    const manifest = yamlOf(deployment('client-side', { replicas: 1 }));
    expect(await kubectl(['apply', '-f', '-'], manifest)).toMatchObject({ code: 0, stdout: 'deployment.apps/client-side created' });
    expect(await kubectl(['apply', '-f', '-'], manifest)).toMatchObject({ code: 0, stdout: 'deployment.apps/client-side unchanged' });

    const changed = manifest.replace('web:1', 'web:2');
    const difference = await kubectl(['diff', '-f', '-'], changed);
    expect(difference.code).toBe(1);
    expect(difference.stdout).toContain('+      - image: registry.example/web:2');
    expect((await kubectl(['apply', '-f', '-'], changed)).stdout).toBe('deployment.apps/client-side configured');

    const table = (await kubectl(['get', 'deployments', '-o', 'wide'])).stdout.split('\n');
    expect(table[0]).toMatch(/^NAME +READY +UP-TO-DATE +AVAILABLE +AGE +CONTAINERS +IMAGES +SELECTOR$/);
    expect(table[1]).toMatch(/^client-side +0\/1 +0 +0 +\d+s +main +registry.example\/web:2 +app=client-side$/);
    expect((await kubectl(['get', 'deploy/client-side', '-o', 'yaml'])).stdout).toContain('image: registry.example/web:2');
    expect((await kubectl(['describe', 'deploy', 'client-side'])).stdout).toMatch(/Replicas: +1 desired \| 0 updated/);
    expect((await kubectl(['delete', 'deploy', 'client-side'])).stdout).toBe('deployment.apps "client-side" deleted');
    expect((await kubectl(['get', 'deploy', 'client-side'])).stderr).toBe('Error from server (NotFound): deployments.apps "client-side" not found');
  });

  it('applies on the server\'s side, and hears of conflicts', async () => {
    const manifest = yamlOf(deployment('server-side', { replicas: 1 }));
    expect((await kubectl(['apply', '--server-side', '--field-manager=one', '-f', '-'], manifest)).stdout).toBe('deployment.apps/server-side serverside-applied');
    const other = ['apply', '--server-side', '--field-manager=two', '-f', '-'];
    const refused = await kubectl(other, manifest.replace('replicas: 1', 'replicas: 2'));
    expect([refused.code, refused.stderr.split('\n')[0]]).toEqual([1, 'error: Apply failed with 1 conflict: conflict with "one": .spec.replicas']);
    expect((await kubectl([...other, '--force-conflicts'], manifest.replace('replicas: 1', 'replicas: 2'))).code).toBe(0);
    expect((await kubectl(['get', 'deploy', 'server-side', '-o', 'jsonpath={.spec.replicas}'])).stdout).toBe('2');
  });

  it('labels, scales and waits', async () => {
    await kubectl(['apply', '-f', '-'], yamlOf(deployment('moving')));
    expect((await kubectl(['label', 'deploy', 'moving', 'tier=front'])).stdout).toBe('deployment.apps/moving labeled');
    expect((await kubectl(['scale', 'deploy', 'moving', '--replicas=3'])).stdout).toBe('deployment.apps/moving scaled');
    expect((await kubectl(['get', 'deploy', '-l', 'tier in (front)', '-o', 'name'])).stdout).toBe('deployment.apps/moving');

    const rollout = start(['rollout', 'status', 'deploy/moving', '--timeout=20s']);
    const available = start(['wait', 'deploy/moving', '--for=condition=Available', '--timeout=20s']);
    const [rolloutText, availableText] = [text(rollout.stdout), text(available.stdout)];
    const status = (replicas: number) => ({
      observedGeneration: 2,
      replicas,
      updatedReplicas: replicas,
      readyReplicas: replicas,
      availableReplicas: replicas,
      conditions: [{ type: 'Available', status: replicas === 3 ? 'True' : 'False', lastTransitionTime: '2026-01-02T03:04:05Z', lastUpdateTime: '2026-01-02T03:04:05Z' }],
    });
    for (const replicas of [1, 2, 3]) {
      api.store.update('deployments.apps', 'default', 'moving', (object) => Object.assign(object, { status: status(replicas) }), { subresource: 'status' });
    }
    expect(await rolloutText).toContain('deployment "moving" successfully rolled out');
    expect(await availableText).toBe('deployment.apps/moving condition met\n');
  });

  it('shows what changes while it watches', async () => {
    const watching = start(['get', 'pods', '-w', '-l', 'watched=yes']);
    const lines = createInterface({ input: watching.stdout })[Symbol.asyncIterator]();
    const watched = (name: string) => ({ ...pod(name), metadata: { name, namespace: 'default', labels: { watched: 'yes' } }, status: { phase: 'Pending' } });
    api.store.create('pods', watched('one'));
    expect((await lines.next()).value).toMatch(/^NAME +READY +STATUS +RESTARTS +AGE$/);
    expect((await lines.next()).value).toMatch(/^one +0\/1 +Pending +0 +\d+s$/);
    api.store.update('pods', 'default', 'one', (object) => Object.assign(object, { status: { phase: 'Running' } }), { subresource: 'status' });
    expect((await lines.next()).value).toMatch(/^one +0\/1 +Running /);
    watching.kill();
  });

  it('asks what it may do, and who it is', async () => {
    expect((await kubectl(['auth', 'can-i', 'create', 'pods'])).stdout).toBe('yes');
    expect((await kubectl(['auth', 'can-i', 'list', 'secrets'])).stdout).toBe('no');
    expect((await kubectl(['auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}'])).stdout).toBe('ada');
    expect((await kubectl(['get', 'secrets'])).stderr).toBe(
      'Error from server (Forbidden): secrets is forbidden: User "ada" cannot list resource "secrets" in API group "" in the namespace "default"',
    );
  });

  it('describes nodes and pods with their events', async () => {
    runningPod('described');
    api.store.create('nodes', {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'node-1' },
      spec: {},
      status: { capacity: { cpu: '4' }, allocatable: { cpu: '4' }, conditions: [{ type: 'Ready', status: 'True' }], nodeInfo: { kubeletVersion: 'v1.33.5' } },
    });
    api.store.create('events', {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'described.1', namespace: 'default' },
      involvedObject: { kind: 'Pod', namespace: 'default', name: 'described', uid: api.store.get('pods', 'default', 'described')?.metadata.uid },
      type: 'Normal',
      reason: 'Started',
      message: 'Started container main',
      lastTimestamp: '2026-01-02T03:04:05Z',
      count: 1,
    });
    expect((await kubectl(['describe', 'pod', 'described'])).stdout).toMatch(/Normal +Started .* Started container main/);
    const node = await kubectl(['describe', 'node', 'node-1']);
    expect([node.code, node.stderr]).toEqual([0, '']);
    expect(node.stdout).toMatch(/Non-terminated Pods: +\(1 in total\)/);
    expect((await kubectl(['get', 'nodes'])).stdout).toMatch(/node-1 +Ready +<none> +\d+s +v1\.33\.5/);
    expect((await kubectl(['get', 'events'])).stdout).toContain('pod/described');
  });

  it('follows a log to its end', async () => {
    runningPod('logging');
    const log = createTestLog();
    log.write('one\n');
    api.runtime.logs.set('logging/main', log);
    const following = start(['logs', '-f', 'logging']);
    const lines = createInterface({ input: following.stdout })[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe('one');
    log.write('two\n');
    expect((await lines.next()).value).toBe('two');
    log.end();
    expect((await lines.next()).done).toBe(true);
    expect((await kubectl(['logs', 'logging', '--tail=1'])).stdout).toBe('two');
  });
});

describe.skipIf(!hasKubectl)('kubectl port-forward (skipped where it is not installed)', () => {
  const servers: Server[] = [];
  const content = randomBytes(8 * 1024 * 1024);

  const listen = async (port: number, server: Server): Promise<void> => {
    servers.push(server.listen(0, '127.0.0.1'));
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('The server has no port.');
    api.runtime.ports.set(port, address.port);
  };

  beforeAll(async () => {
    runningPod('forwarded');
    await listen(5000, createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)));
    // Answers only when it has heard everything, which takes a half-closed connection.
    await listen(5001, createServer({ allowHalfOpen: true }, (socket) => void buffer(socket).then((heard) => socket.end(`heard ${heard.length}`))));
    await listen(5002, createServer((socket) => socket.end(content)));
  });
  afterAll(() => {
    for (const server of servers) server.close();
  });

  const forward = async (port: number, webSockets: string) => {
    const child = start(['port-forward', 'pod/forwarded', `:${port}`], { KUBECTL_PORT_FORWARD_WEBSOCKETS: webSockets });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const { value } = await lines.next();
    const [, local] = /127\.0\.0\.1:(\d+)/.exec(value ?? '') ?? [];
    return { child, local: Number(local) };
  };

  describe.each([
    ['inside of a WebSocket', 'true'],
    ['over plain SPDY', 'false'],
  ])('%s', (_how, webSockets) => {
    it('echoes eight megabytes unchanged, over several connections at once', async () => {
      const { child, local } = await forward(5000, webSockets);
      const echo = async (): Promise<boolean> => {
        const socket = connect({ port: local, host: '127.0.0.1', allowHalfOpen: true });
        const received = buffer(socket);
        socket.end(content);
        return (await received).equals(content);
      };
      expect(await Promise.all([echo(), echo(), echo()])).toEqual([true, true, true]);
      child.kill();
    });

    it('lets the pod answer after the client has ended its side', async () => {
      const { child, local } = await forward(5001, webSockets);
      const socket = connect({ port: local, host: '127.0.0.1', allowHalfOpen: true });
      socket.end(content);
      expect(await text(socket)).toBe(`heard ${content.length}`);
      child.kill();
    });

    it('delivers all that a pod has sent before it closed', async () => {
      const { child, local } = await forward(5002, webSockets);
      const socket = connect({ port: local, host: '127.0.0.1' });
      expect((await buffer(socket)).equals(content)).toBe(true);
      child.kill();
    });

    it('says that nothing listens there', async () => {
      const { child, local } = await forward(7000, webSockets);
      const told = text(child.stderr);
      const socket = connect({ port: local, host: '127.0.0.1' });
      await once(socket, 'close');
      child.kill();
      expect(await told).toMatch(/an error occurred forwarding \d+ -> 7000: failed to connect to localhost:7000 .*connection refused/);
    });
  });
});
