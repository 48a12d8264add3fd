import { describe, expect, it, vi } from 'vitest';
import type { Kinds } from '../../src/cluster/kinds.ts';
import type { AwaitServerStep } from '../../src/domain/plan.ts';
import { awaitServer } from '../../src/flow/serving.ts';
import { follow } from '../support/following.ts';
import { settled } from '../support/manual-clock.ts';
import { container, createStage, node, planOf, pod, record, running, servingWorkspace, shortly, waiting, warningEvent, type PodShape, type Stage } from './support.ts';

const revision = 'workspace.kaito.io/revision';
const step: AwaitServerStep = { kind: 'await-server', title: 'Wait until it answers', workload: { kind: 'Deployment', name: 'served' }, servedModelName: 'phi', timeoutMs: 1_800_000 };

const deployment = (wanted = '1'): Kinds['Deployment'] => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'served', namespace: 'default' },
  spec: { selector: {}, template: { metadata: { annotations: { [revision]: wanted } } } },
});

const server = ({ wanted = '1', isReady = true, ...shape }: PodShape & { wanted?: string; isReady?: boolean } = {}) =>
  pod({ name: 'served-1', restartPolicy: 'Always', containers: [running('served')], conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }], ...shape, labels: { 'kaito.sh/workspace': 'served', ...shape.labels }, annotations: { [revision]: wanted } });

const begin = (workload: AwaitServerStep['workload'] = step.workload, prepare: (stage: Stage) => void = () => {}) => {
  const stage = createStage(record({ workspace: servingWorkspace() }));
  stage.cluster.put(node('node-a'));
  prepare(stage);
  const following = follow(awaitServer({ ...step, workload }, stage.session(planOf([], servingWorkspace()))));
  /** Lets time pass until it is so: requests to the server take turns of their own. */
  const until = (isSo: () => void) =>
    vi.waitFor(async () => {
      await stage.clock.advance(500);
      isSo();
    }, 60_000);
  return { ...stage, following, until };
};

/** Lets time pass until it is over, well or not. */
const untilOver = async ({ result }: { result: Promise<string> }, until: (isSo: () => void) => Promise<void>): Promise<string> => {
  let isOver = false;
  const end = (): void => void (isOver = true);
  result.then(end, end);
  await until(() => expect(isOver).toBe(true));
  return result;
};

const answerWith = (status: number, body = '') => (_: unknown, response: { writeHead(status: number): { end(body: string): void } }) => {
  response.writeHead(status).end(body);
};

describe('awaitServer', () => {
  it('ends when the pod is Ready and /health answers 200', async () => {
    const { cluster, until, following } = begin();
    cluster.serve(answerWith(200));
    cluster.put(deployment());
    cluster.put(server());
    let value: string | undefined;
    void following.result.then((result) => (value = result));
    await until(() => expect(value).toBe('/health answers 200'));
    expect(cluster.openWatchCount()).toBe(0);
  });

  it('does not believe a Ready pod whose server does not answer', async () => {
    const { cluster, clock, following } = begin();
    cluster.put(deployment());
    cluster.put(server());
    await clock.advance(60_000);
    expect(shortly(following.items).at(-1)).toBe('waiting: starting: the server does not answer yet');
  });

  it('does not believe a server that answers before its pod is Ready', async () => {
    const { cluster, clock, following } = begin();
    cluster.serve(answerWith(200));
    cluster.put(deployment());
    cluster.put(server({ isReady: false }));
    let isOver = false;
    void following.result.then(() => (isOver = true));
    await clock.advance(10_000);
    expect(isOver).toBe(false);
  });

  it('says that weights are loading while /health answers 404, with how far the download is', async () => {
    const { cluster, until, following } = begin();
    cluster.serve((request, response) => {
      if (request.url === '/metrics') response.end('kaito_model_download_speed_bytes_per_second{model="phi"} 1.048576e+08\nkaito_model_download_remaining_seconds{model="phi"} 70\n');
      else response.writeHead(404).end();
    });
    cluster.put(deployment());
    cluster.put(server({ isReady: false }));
    await until(() => {
      expect(shortly(following.items)).toContain('waiting: loading the weights');
      expect(following.items).toContainEqual({ type: 'progress', progress: { phase: 'weights', bytesPerSecond: 104857600, remainingSeconds: 70 } });
    });
  });

  it('tells each thing that comes before the server, in its order', async () => {
    const { cluster, clock, following } = begin();
    cluster.put(deployment());
    await clock.advance(1_000);
    for (const shape of [
      { phase: 'Pending', nodeName: '', containers: [] },
      { phase: 'Pending', containers: [waiting('served', 'ContainerCreating')] },
      { phase: 'Pending', init: [running('adapter-mine')], containers: [waiting('served', 'PodInitializing')] },
    ] satisfies PodShape[]) {
      cluster.put(server({ ...shape, isReady: false }));
      await clock.advance(1_000);
    }
    expect(shortly(following.items)).toEqual([
      'waiting: Deployment/served has no pod yet',
      'waiting: the pod is not scheduled yet',
      'waiting: pulling images',
      'waiting: pulling adapter mine',
    ]);
  });

  it('does not take the server of an earlier revision for the one that was asked for', async () => {
    const { cluster, clock, following } = begin();
    cluster.serve(answerWith(200));
    cluster.put(deployment('2'));
    cluster.put(server({ wanted: '1' }));
    await clock.advance(30_000);
    expect(shortly(following.items).at(-1)).toBe('waiting: Deployment/served has no pod yet');
  });

  it('does not look at pods before it knows which revision is wanted', async () => {
    let release = (): void => {};
    const { cluster, clock, following, until } = begin(step.workload, (stage) => (release = stage.cluster.hold('Deployment')));
    cluster.serve(answerWith(200));
    cluster.put(server({ wanted: '1' }));
    await clock.advance(30_000);
    expect(shortly(following.items)).toEqual(['waiting: asking the cluster', 'waiting: asking the cluster']);
    cluster.put(deployment('1'));
    release();
    let isOver = false;
    void following.result.then(() => (isOver = true));
    await until(() => expect(isOver).toBe(true));
  });

  it('does not go on waiting for what somebody deletes', async () => {
    const { cluster, clock, following } = begin();
    cluster.put(deployment());
    await clock.advance(1_000);
    cluster.remove('Deployment', 'served');
    await expect(following.result).rejects.toMatchObject({ name: 'WorkloadError', reason: 'WorkloadDeleted', message: 'Deployment/served is gone.' });
  });

  it('asks the leader alone, and awaits all the pods of several nodes', async () => {
    const { cluster, clock, following, until } = begin({ kind: 'StatefulSet', name: 'served' });
    cluster.serve(answerWith(200));
    cluster.put({ ...deployment(), kind: 'StatefulSet' });
    cluster.put(server({ name: 'served-0', labels: { 'apps.kubernetes.io/pod-index': '0' } }));
    cluster.put(server({ name: 'served-1', isReady: false, labels: { 'apps.kubernetes.io/pod-index': '1' } }));
    let isOver = false;
    void following.result.then(() => (isOver = true));
    await clock.advance(10_000);
    expect(isOver).toBe(false);
    cluster.put(server({ name: 'served-1', labels: { 'apps.kubernetes.io/pod-index': '1' } }));
    await until(() => expect(isOver).toBe(true));
  });

  it('gives a server that crashed once another chance, and not one that goes on crashing', async () => {
    const { cluster, clock, following } = begin();
    const crashed = (restartCount: number) => container('served', { waiting: { reason: 'CrashLoopBackOff' } }, { restartCount, lastState: { terminated: { exitCode: 1, message: 'ValueError: no', containerID: `containerd://${restartCount}` } } });
    cluster.put(deployment());
    cluster.put(server({ isReady: false, containers: [container('served', { terminated: { exitCode: 1, containerID: 'containerd://0' } })] }));
    await clock.advance(1_000);
    cluster.put(server({ isReady: false, containers: [crashed(1)] }));
    await clock.advance(1_000);
    expect(shortly(following.items).at(-1)).toBe('waiting: container "served" is in CrashLoopBackOff; last termination: ValueError: no');
    cluster.put(server({ isReady: false, containers: [crashed(2)] }));
    await expect(following.result).rejects.toMatchObject({ name: 'WorkloadError', reason: 'ContainerCrashLoopBackOff', exitCode: 8 });
  });

  it('gives a server that crashed before the wait began another start, and says when that comes', async () => {
    const { cluster, until, following } = begin();
    const backingOff = container('served', { waiting: { reason: 'CrashLoopBackOff' } }, { restartCount: 5, lastState: { terminated: { exitCode: 1, message: 'ValueError: no', containerID: 'containerd://a' } } });
    cluster.serve(answerWith(200));
    cluster.put(deployment());
    cluster.put(server({ isReady: false, containers: [backingOff] }));
    await until(() => expect(shortly(following.items).at(-1)).toBe('waiting: container "served" is in CrashLoopBackOff; last termination: ValueError: no; it is started again within 5m, or at once after: kubectl delete pod served-1 -n default'));
    cluster.put(server({ containers: [{ ...backingOff, restartCount: 6, state: { running: {} } }] }));
    await expect(untilOver(following, until)).resolves.toBe('/health answers 200');
  });

  it('does not go on waiting when a server that crashed before crashes once more', async () => {
    const { cluster, clock, following } = begin();
    const crashed = (containerID: string, state: Parameters<typeof container>[1], more: { containerID?: string } = {}) => container('served', state, { restartCount: 5, lastState: { terminated: { exitCode: 1, containerID } }, ...more });
    cluster.put(deployment());
    cluster.put(server({ isReady: false, containers: [crashed('containerd://a', { running: {} }, { containerID: 'containerd://b' })] }));
    await clock.advance(1_000);
    expect(shortly(following.items).at(-1)).toBe('waiting: starting: the server does not answer yet');
    // It was started before what made it crash may have been mended.
    cluster.put(server({ isReady: false, containers: [crashed('containerd://b', { waiting: { reason: 'CrashLoopBackOff' } })] }));
    await clock.advance(1_000);
    expect(shortly(following.items).at(-1)).toMatch(/it is started again within 5m/);
    cluster.put(server({ isReady: false, containers: [crashed('containerd://c', { waiting: { reason: 'CrashLoopBackOff' } })] }));
    await expect(following.result).rejects.toMatchObject({ reason: 'ContainerCrashLoopBackOff', exitCode: 8 });
  });

  it('waits on where the pod was refused before the wait began, and not when it is refused once more', async () => {
    const { cluster, clock, following } = begin({ kind: 'StatefulSet', name: 'served' });
    const refused = (count: number): Kinds['Event'] => ({ ...warningEvent(server(), 'FailedCreate', 'denied the request: no'), metadata: { name: 'refused', namespace: 'default' }, count, involvedObject: { kind: 'StatefulSet', name: 'served', uid: 'uid-of-served' } });
    cluster.put(refused(3));
    cluster.put({ ...deployment(), kind: 'StatefulSet', metadata: { ...deployment().metadata, uid: 'uid-of-served' } });
    await clock.advance(1_000);
    expect(shortly(following.items).at(-1)).toBe('waiting: StatefulSet/served cannot make its pod: denied the request: no; it is tried again ever more seldom, or at once after: kubectl rollout restart statefulset served -n default');
    cluster.put(refused(4));
    await expect(following.result).rejects.toMatchObject({ name: 'WorkloadError', reason: 'PodRefused', exitCode: 8 });
  });

  it('holds no memory that was too small once against a server that was started again', async () => {
    const { cluster, until, following } = begin();
    cluster.serve(answerWith(200));
    cluster.put(deployment());
    cluster.put(server({ containers: [container('served', { running: {} }, { restartCount: 3, lastState: { terminated: { exitCode: 137, reason: 'OOMKilled', containerID: 'containerd://a' } } })] }));
    await expect(untilOver(following, until)).resolves.toBe('/health answers 200');
  });

  it('does not wait for pods that were evicted before another one served', async () => {
    const { cluster, until, following } = begin();
    cluster.serve(answerWith(200));
    cluster.put(deployment());
    cluster.put(server({ name: 'served-0', phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: ephemeral-storage.', isReady: false, containers: [] }));
    await until(() => expect(shortly(following.items).at(-1)).toMatch(/^waiting: pod "served-0" evicted due to node disk pressure/));
    cluster.put(server());
    await expect(untilOver(following, until)).resolves.toBe('/health answers 200');
  });

  it('says that the node of the server is lost, also when its pod is on its way out', async () => {
    const { cluster, clock, following } = begin();
    cluster.put(deployment());
    cluster.put(server({ isReady: false }));
    cluster.put(node('node-a', { isReady: false, message: 'Kubelet stopped posting node status.' }));
    await clock.advance(5_000);
    expect(shortly(following.items).at(-1)).toBe('waiting: node node-a is NotReady: Kubelet stopped posting node status');
    const leaving = server({ isReady: false });
    cluster.put({ ...leaving, metadata: { ...leaving.metadata, deletionTimestamp: '2026-01-01T00:06:00Z' } });
    await clock.advance(5_000);
    expect(shortly(following.items).at(-1)).toMatch(/^waiting: node node-a is NotReady: .*; pod "served-1" is to end/);
  });

  it('gives up at its bound, saying what was awaited', async () => {
    const { cluster, clock, following } = begin();
    cluster.put(deployment());
    await clock.advance(1_800_000);
    await expect(following.result).rejects.toMatchObject({ name: 'TimeoutError', fact: 'Deployment/served has no pod yet', hints: ['kaito-ts status served', 'kaito-ts logs served'] });
  });

  it('stops when interrupted, in the middle of asking', async () => {
    const { cluster, clock, interrupt, following } = begin();
    cluster.serve(() => {});
    cluster.put(deployment());
    cluster.put(server());
    await clock.advance(1_000);
    interrupt();
    await expect(following.result).rejects.toMatchObject({ name: 'InterruptedError' });
    await settled();
    expect(cluster.openWatchCount()).toBe(0);
  });
});
