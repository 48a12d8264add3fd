import { afterEach, describe, expect, it } from 'vitest';
import type { Pod } from '../../../src/sandbox/controllers/object-types.ts';
import type { Program } from '../../../src/sandbox/programs/program.ts';
import { startCluster, type TestCluster, type TestClusterOptions, containerNamed, nodeNamed, podNamed, programNamed } from '../support/cluster.ts';
import { createManualClock, type ManualClock } from '../support/manual-clock.ts';

const untilTold = (signal: AbortSignal): Promise<void> => new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

const succeed = programNamed('succeed', async () => 0);
const fail = programNamed('fail', async ({ stderr }) => {
  stderr('it went wrong\n');
  return 3;
});
const serve = programNamed('serve', async ({ signal, stdout }) => {
  stdout('serving\n');
  await untilTold(signal);
  stdout('bye\n');
  return 0;
});
const stubborn = programNamed('stubborn', async ({ killed }) => {
  await untilTold(killed);
  return 0;
});

let cluster: TestCluster;
let clock: ManualClock;
afterEach(() => cluster.stop());

const start = (programs: readonly Program[] = [], options: TestClusterOptions = {}): void => {
  clock = createManualClock();
  cluster = startCluster({ programs: [succeed, fail, serve, stubborn, ...programs], clock, ...options });
  cluster.create('nodes', nodeNamed('node-a', { gpus: 1 }));
};

const createPod = (spec: Record<string, unknown>) => cluster.create('pods', podNamed('web', spec));
const pod = (): Pod | undefined => cluster.get('pods', 'web');
const statusOf = (name: string) => [...(pod()?.status?.initContainerStatuses ?? []), ...(pod()?.status?.containerStatuses ?? [])].find((status) => status.name === name);
const conditions = () => Object.fromEntries((pod()?.status?.conditions ?? []).map(({ type, status, reason }) => [type, reason ? `${status} ${reason}` : status]));
const logOf = (container: string, previous = false) =>
  cluster.kubelet
    .log({ namespace: 'default', name: 'web', uid: pod()?.metadata.uid ?? '' }, container, { previous })
    ?.entries()
    .map(({ text }) => text)
    .join('');

describe('a pod', () => {
  it('waits for its image, runs, and ends well', async () => {
    start();
    createPod({ containers: [containerNamed('main', 'succeed')] });
    await clock.advance(1);
    expect(statusOf('main')?.state).toEqual({ waiting: { reason: 'ContainerCreating' } });
    expect(pod()?.status).toMatchObject({ phase: 'Pending', podIP: expect.stringMatching(/^10\.244\./), hostIP: '10.224.0.4' });
    await clock.advance(10_000);
    expect(pod()?.status?.phase).toBe('Succeeded');
    expect(statusOf('main')).toMatchObject({
      image: 'docker.io/library/busybox:1.37',
      imageID: expect.stringMatching(/^docker\.io\/library\/busybox@sha256:[0-9a-f]{64}$/),
      containerID: expect.stringMatching(/^containerd:\/\/[0-9a-f]{64}$/),
      restartCount: 0,
      ready: false,
      started: false,
      state: { terminated: { exitCode: 0, reason: 'Completed' } },
      lastState: {},
    });
    expect(conditions()).toEqual({ PodScheduled: 'True', PodReadyToStartContainers: 'False', Initialized: 'True PodCompleted', Ready: 'False PodCompleted', ContainersReady: 'False PodCompleted' });
    expect(cluster.eventsOf('web').map((event) => event.replace(/in \S+ \(\S+ /, 'in … (… ')).sort()).toEqual([
      'Created: Created container: main',
      'Pulled: Successfully pulled image "busybox:1.37" in … (… including waiting). Image size: 2211840 bytes.',
      'Pulling: Pulling image "busybox:1.37"',
      'Scheduled: Successfully assigned default/web to node-a',
      'Started: Started container main',
    ]);
  });

  it('is ready while it runs, and its container says since when', async () => {
    start();
    createPod({ containers: [containerNamed('main', 'serve')] });
    await clock.advance(10_000);
    expect(statusOf('main')).toMatchObject({ ready: true, started: true, state: { running: { startedAt: expect.any(String) } } });
    expect(conditions()).toEqual({ PodScheduled: 'True', PodReadyToStartContainers: 'True', Initialized: 'True', Ready: 'True', ContainersReady: 'True' });
  });

  it('does not pull an image twice to one node', async () => {
    start();
    createPod({ containers: [containerNamed('one', 'succeed'), containerNamed('two', 'succeed')], initContainers: [containerNamed('first', 'succeed')] });
    await clock.advance(10_000);
    expect(cluster.eventsOf('web').filter((event) => event.startsWith('Pulled'))).toContain('Pulled: Container image "busybox:1.37" already present on machine');
  });

  it('runs its init containers one after the other, before all others', async () => {
    start();
    createPod({ initContainers: [containerNamed('first', 'succeed'), containerNamed('second', 'serve')], containers: [containerNamed('main', 'succeed')] });
    await clock.advance(10_000);
    expect(statusOf('first')).toMatchObject({ ready: true, state: { terminated: { reason: 'Completed' } } });
    expect(statusOf('second')).toMatchObject({ state: { running: {} } });
    expect(statusOf('main')).toMatchObject({ state: { waiting: { reason: 'PodInitializing' } } });
    expect(pod()?.status?.phase).toBe('Pending');
    expect(pod()?.status?.conditions).toContainEqual(expect.objectContaining({ type: 'Initialized', status: 'False', reason: 'ContainersNotInitialized', message: 'containers with incomplete status: [second]' }));
  });

  it('fails with its init container and never starts the rest, when it does not restart', async () => {
    start();
    createPod({ initContainers: [containerNamed('first', 'fail')], containers: [containerNamed('main', 'succeed')] });
    await clock.advance(10_000);
    expect(pod()?.status?.phase).toBe('Failed');
    expect(statusOf('first')).toMatchObject({ ready: false, state: { terminated: { exitCode: 3, reason: 'Error' } } });
    expect(statusOf('main')).toMatchObject({ state: { waiting: { reason: 'PodInitializing' } } });
  });

  it('starts a failing container again, at once first and later each time, and keeps the log before', async () => {
    start();
    const waits: string[] = [];
    cluster.store.subscribe(() => {
      const { reason, message } = statusOf('main')?.state?.waiting ?? {};
      if (reason === 'CrashLoopBackOff' && message) waits.push(message);
    });
    createPod({ restartPolicy: 'OnFailure', containers: [containerNamed('main', 'fail')] });
    await clock.advance(2_000);
    const { name, uid } = pod()?.metadata ?? { name: '', uid: '' };
    expect(statusOf('main')).toMatchObject({
      restartCount: 1,
      state: { waiting: { reason: 'CrashLoopBackOff', message: `back-off 10s restarting failed container=main pod=${name}_default(${uid})` } },
      lastState: { terminated: { exitCode: 3, reason: 'Error' } },
    });
    expect(pod()?.status?.phase).toBe('Running');
    expect(logOf('main', true)).toBe('it went wrong\n');
    await clock.advance(10_000);
    expect(statusOf('main')).toMatchObject({ restartCount: 2, state: { waiting: { message: expect.stringContaining('back-off 20s') } } });
    await clock.advance(600_000);
    expect(statusOf('main')?.state?.waiting?.message).toContain('back-off 5m0s');
    const backOff = cluster.list('events').find(({ reason }) => reason === 'BackOff');
    expect(backOff).toMatchObject({ type: 'Warning', message: `Back-off restarting failed container main in pod ${name}_default(${uid})`, source: { component: 'kubelet', host: 'node-a' } });
    expect(backOff?.count).toBeGreaterThan(3);
    expect(waits[0]).toContain('back-off 10s');
  });

  it('restarts a container that ended well only when its policy is Always', async () => {
    start();
    createPod({ restartPolicy: 'Always', containers: [containerNamed('main', 'succeed')] });
    await clock.advance(30_000);
    expect(statusOf('main')?.restartCount).toBeGreaterThan(1);
  });

  it('has containers that cannot start, in runc’s words, when no program is what the image has', async () => {
    start();
    createPod({ containers: [containerNamed('main', 'no-such-program')] });
    await clock.advance(10_000);
    expect(statusOf('main')?.state?.terminated).toMatchObject({ exitCode: 128, reason: 'StartError', message: expect.stringContaining('exec: "no-such-program": executable file not found in $PATH') });
  });
});

describe('an image', () => {
  it('that no registry has is refused, and tried again ever later', async () => {
    start();
    createPod({ containers: [containerNamed('main', 'serve', { image: 'docker.io/nobody/nothing:1' })] });
    const refusal =
      'rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/nobody/nothing:1": failed to resolve reference "docker.io/nobody/nothing:1": docker.io/nobody/nothing:1: not found';
    await clock.advance(1_000);
    expect(statusOf('main')?.state?.waiting).toEqual({ reason: 'ErrImagePull', message: refusal });
    await clock.advance(5_000);
    expect(statusOf('main')?.state?.waiting).toEqual({ reason: 'ImagePullBackOff', message: `Back-off pulling image "docker.io/nobody/nothing:1": ErrImagePull: ${refusal}` });
    expect(cluster.eventsOf('web')).toEqual(
      expect.arrayContaining([`Failed: Failed to pull image "docker.io/nobody/nothing:1": ${refusal}`, 'Failed: Error: ErrImagePull', 'Failed: Error: ImagePullBackOff', 'BackOff: Back-off pulling image "docker.io/nobody/nothing:1"']),
    );
    expect(pod()?.status?.phase).toBe('Pending');
  });

  it('of KAITO is refused under the fault `image-pull`, and the others are not', async () => {
    start([], { faults: ['image-pull'] });
    createPod({ containers: [containerNamed('main', 'serve', { image: 'mcr.microsoft.com/aks/kaito/kaito-base:0.5.0' }), containerNamed('other', 'serve')] });
    await clock.advance(10_000);
    expect(statusOf('main')?.state?.waiting?.reason).toBe('ImagePullBackOff');
    expect(statusOf('other')?.state?.running).toBeDefined();
  });
});

describe('the end of a pod', () => {
  it('comes after SIGTERM, when its containers have ended', async () => {
    start();
    createPod({ containers: [containerNamed('main', 'serve')] });
    await clock.advance(10_000);
    const { uid } = pod()?.metadata ?? { uid: '' };
    cluster.store.delete('pods', 'default', 'web', { gracePeriodSeconds: 30 });
    await clock.advance(1_000);
    expect(pod()).toBeUndefined();
    expect(cluster.eventsOf('web')).toContain('Killing: Stopping container main');
    expect(uid).not.toBe('');
  });

  it('comes by SIGKILL when the grace period is over', async () => {
    start();
    createPod({ containers: [containerNamed('main', 'stubborn')] });
    await clock.advance(10_000);
    const ends: unknown[] = [];
    cluster.store.subscribe(({ object }) => object.metadata.name === 'web' && ends.push(statusOf('main')?.state?.terminated?.exitCode));
    cluster.store.delete('pods', 'default', 'web', { gracePeriodSeconds: 30 });
    await clock.advance(29_000);
    expect(pod()?.metadata.deletionTimestamp).toBeDefined();
    await clock.advance(2_000);
    expect(pod()).toBeUndefined();
    expect(ends).toContain(137);
  });

  it('leaves a pod that others hold in a final phase', async () => {
    start();
    cluster.create('pods', podNamed('web', { containers: [containerNamed('main', 'serve')] }, { finalizers: ['example.com/hold'] }));
    await clock.advance(10_000);
    cluster.store.delete('pods', 'default', 'web', { gracePeriodSeconds: 30 });
    await clock.advance(1_000);
    expect(pod()?.status?.phase).toBe('Succeeded');
    expect(pod()?.metadata.deletionGracePeriodSeconds).toBe(0);
  });

  it('comes too when it has never started', async () => {
    start();
    createPod({ containers: [containerNamed('main', 'serve', { image: 'docker.io/nobody/nothing:1' })] });
    await clock.advance(10_000);
    cluster.store.delete('pods', 'default', 'web', { gracePeriodSeconds: 30 });
    await clock.advance(1_000);
    expect(pod()).toBeUndefined();
  });

  it('of one that is over needs no more time', async () => {
    start();
    cluster.create('pods', podNamed('web', { containers: [containerNamed('main', 'succeed')] }));
    await clock.advance(10_000);
    cluster.store.delete('pods', 'default', 'web', { gracePeriodSeconds: 30 });
    await clock.advance(1);
    expect(pod()).toBeUndefined();
  });
});

describe('termination messages', () => {
  const write = programNamed('write', async ({ files, env }) => {
    files.write(env['FILE'] ?? '', 'digest=sha256:abc');
    return 0;
  });

  it('are what the container wrote to its termination log', async () => {
    start([write]);
    createPod({ containers: [containerNamed('main', 'write', { env: [{ name: 'FILE', value: '/dev/termination-log' }] })] });
    await clock.advance(10_000);
    expect(statusOf('main')?.state?.terminated?.message).toBe('digest=sha256:abc');
  });

  it('are the end of the log of a failure when the container falls back to it', async () => {
    start();
    createPod({ containers: [containerNamed('one', 'fail', { terminationMessagePolicy: 'FallbackToLogsOnError' }), containerNamed('two', 'fail')] });
    await clock.advance(10_000);
    expect(statusOf('one')?.state?.terminated?.message).toBe('it went wrong\n');
    expect(statusOf('two')?.state?.terminated).not.toHaveProperty('message');
  });
});

describe('the fault `oom`', () => {
  it('kills what uses a GPU, and nothing else', async () => {
    start([], { faults: ['oom'] });
    createPod({ containers: [containerNamed('tuner', 'serve', { resources: { limits: { 'nvidia.com/gpu': '1' } } }), containerNamed('other', 'serve')] });
    await clock.advance(60_000);
    expect(statusOf('tuner')?.state?.terminated).toMatchObject({ exitCode: 137, reason: 'OOMKilled' });
    expect(statusOf('other')?.state?.running).toBeDefined();
  });
});

describe('logs', () => {
  const draw = programNamed('draw', async ({ stdout, stderr, signal }) => {
    stdout('10%\r20%');
    stderr('note\n');
    stdout('\r100%\nlast');
    await untilTold(signal);
    return 0;
  });

  it('have an entry for each line feed, and a last one without when the container ends', async () => {
    start([draw]);
    createPod({ containers: [containerNamed('main', 'draw')] });
    await clock.advance(10_000);
    const log = cluster.kubelet.log({ namespace: 'default', name: 'web', uid: pod()?.metadata.uid ?? '' }, 'main', { previous: false });
    expect(log?.entries().map(({ stream, text }) => [stream, text])).toEqual([
      ['stderr', 'note\n'],
      ['stdout', '10%\r20%\r100%\n'],
    ]);
    const followed: (string | undefined)[] = [];
    log?.follow((entry) => followed.push(entry?.text));
    cluster.store.delete('pods', 'default', 'web', { gracePeriodSeconds: 30 });
    await clock.advance(1_000);
    expect(followed).toEqual(['last', undefined]);
    expect(log?.ended).toBe(true);
  });

  it('of a container that never started are not there', async () => {
    start();
    createPod({ containers: [containerNamed('main', 'serve', { image: 'docker.io/nobody/nothing:1' })] });
    await clock.advance(10_000);
    expect(logOf('main')).toBeUndefined();
    expect(logOf('absent')).toBeUndefined();
  });
});
