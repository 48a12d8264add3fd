import { afterEach, describe, expect, it } from 'vitest';
import type { Pod } from '../../../src/sandbox/controllers/object-types.ts';
import { startCluster, type TestCluster, type TestClusterOptions, containerNamed, nodeNamed, programNamed } from '../support/cluster.ts';
import { createManualClock } from '../support/manual-clock.ts';

const untilTold = (signal: AbortSignal): Promise<void> => new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

const programs = [
  programNamed('succeed', async () => 0),
  programNamed('fail', async () => 42),
  programNamed('wait', async ({ signal }) => {
    await untilTold(signal);
    return 143;
  }),
];

let cluster: TestCluster;
afterEach(() => cluster.stop());

const start = (options: TestClusterOptions = {}): void => {
  cluster = startCluster({ programs, ...options });
  cluster.create('nodes', nodeNamed('node-a'));
};

const createJob = (word: string, spec: Record<string, unknown> = {}, podSpec: Record<string, unknown> = {}) =>
  cluster.create('jobs.batch', {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'train', namespace: 'default' },
    spec: { ...spec, template: { spec: { restartPolicy: 'Never', containers: [containerNamed('main', word)], ...podSpec } } },
  });

const job = () => cluster.get('jobs.batch', 'train');
const conditions = () => job()?.status?.conditions?.map(({ type, status, reason, message }) => [type, status, reason, message]);
const finished = (type: string) => cluster.until(`the Job is ${type}`, () => job()?.status?.conditions?.some((condition) => condition.type === type));

describe('a Job', () => {
  it('completes when its pod has succeeded, and says first that it will', async () => {
    start();
    createJob('succeed');
    await finished('Complete');
    expect(conditions()).toEqual([
      ['SuccessCriteriaMet', 'True', 'CompletionsReached', 'Reached expected number of succeeded pods'],
      ['Complete', 'True', 'CompletionsReached', 'Reached expected number of succeeded pods'],
    ]);
    expect(job()?.status).toMatchObject({ succeeded: 1, ready: 0, terminating: 0, uncountedTerminatedPods: {}, startTime: expect.any(String), completionTime: expect.any(String) });
    expect(job()?.status).not.toHaveProperty('active');
    expect(cluster.eventsOf('train')).toContain('Completed: Job completed');
  });

  it('marks its pods as its own, and lets go of them when they are counted', async () => {
    start();
    const { uid } = createJob('succeed').metadata;
    await finished('Complete');
    const [pod] = cluster.list('pods');
    expect(pod?.metadata.name).toMatch(/^train-[a-z0-9]{5}$/);
    expect(pod?.metadata.labels).toMatchObject({ 'batch.kubernetes.io/controller-uid': uid, 'batch.kubernetes.io/job-name': 'train', 'job-name': 'train' });
    expect(pod?.metadata.finalizers).toBeUndefined();
    expect(pod?.metadata.ownerReferences).toMatchObject([{ kind: 'Job', name: 'train', uid, controller: true, blockOwnerDeletion: true }]);
  });

  it('fails with BackoffLimitExceeded when a pod fails and no other is allowed', async () => {
    start();
    createJob('fail', { backoffLimit: 0 });
    await finished('Failed');
    expect(conditions()).toEqual([
      ['FailureTarget', 'True', 'BackoffLimitExceeded', 'Job has reached the specified backoff limit'],
      ['Failed', 'True', 'BackoffLimitExceeded', 'Job has reached the specified backoff limit'],
    ]);
    expect(job()?.status?.failed).toBe(1);
    expect(job()?.status?.completionTime).toBeUndefined();
  });

  it('tries again as often as the backoffLimit says, later each time', async () => {
    const clock = createManualClock();
    start({ clock });
    createJob('fail', { backoffLimit: 2 });
    await clock.advance(5_000);
    expect(cluster.list('pods')).toHaveLength(1);
    await clock.advance(10_000);
    expect(cluster.list('pods')).toHaveLength(2);
    await clock.advance(15_000);
    expect(cluster.list('pods')).toHaveLength(2);
    await clock.advance(15_000);
    expect(job()?.status?.failed).toBe(3);
    expect(conditions()?.at(-1)?.slice(0, 3)).toEqual(['Failed', 'True', 'BackoffLimitExceeded']);
  });

  it('names the container and its exit code when its failure policy says to fail', async () => {
    start();
    createJob('fail', { backoffLimit: 6, podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes: { operator: 'NotIn', values: [0] } }] } });
    await finished('Failed');
    const [pod] = cluster.list('pods');
    const message = `Container main for pod default/${pod?.metadata.name} failed with exit code 42 matching FailJob rule at index 0`;
    expect(conditions()).toEqual([
      ['FailureTarget', 'True', 'PodFailurePolicy', message],
      ['Failed', 'True', 'PodFailurePolicy', message],
    ]);
  });

  it('replaces an evicted pod without counting it when its failure policy ignores disruptions', async () => {
    start();
    createJob('wait', { backoffLimit: 0, podFailurePolicy: { rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }, { action: 'FailJob', onExitCodes: { operator: 'NotIn', values: [0] } }] } });
    const running = (pod: Pod) => pod.status?.phase === 'Running' && pod.metadata.deletionTimestamp === undefined;
    const first = await cluster.until('a pod runs', () => cluster.list('pods').find(running));
    cluster.store.update('pods', 'default', first.metadata.name, (pod) => {
      pod['status'] = { ...first.status, conditions: [...(first.status?.conditions ?? []), { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }] };
    });
    cluster.store.delete('pods', 'default', first.metadata.name, { gracePeriodSeconds: 30 });
    const second = await cluster.until('another pod runs', () => cluster.list('pods').find((pod) => running(pod) && pod.metadata.uid !== first.metadata.uid));
    expect(second.metadata.name).not.toBe(first.metadata.name);
    expect(job()?.status?.failed).toBeUndefined();
    expect(conditions()).toBeUndefined();
  });

  it('makes another pod after a while for one that its node turned away, which nothing but the backoffLimit counts', async () => {
    const clock = createManualClock();
    start({ clock });
    createJob('wait', { backoffLimit: 1, podFailurePolicy: { rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }, { action: 'FailJob', onExitCodes: { operator: 'NotIn', values: [0] } }] } }, { nodeSelector: { is: 'nowhere' } });
    const turnAway = async (count: number) => {
      await clock.advance(10_000);
      const pods = cluster.list('pods').filter(({ status }) => status?.phase === 'Pending');
      expect(cluster.list('pods')).toHaveLength(count);
      for (const { metadata } of pods) {
        cluster.store.update('pods', 'default', metadata.name, (pod) => {
          pod['status'] = { phase: 'Failed', reason: 'Evicted', message: 'Pod was rejected: The node had condition: [DiskPressure]. ' };
        });
      }
      await clock.advance(1_000);
    };
    await turnAway(1);
    expect(job()?.status).toMatchObject({ failed: 1 });
    expect(conditions()).toBeUndefined();
    await turnAway(2);
    expect(conditions()?.at(-1)?.slice(0, 3)).toEqual(['Failed', 'True', 'BackoffLimitExceeded']);
  });

  it('is stopped at its deadline, and its pods with it', async () => {
    const clock = createManualClock();
    start({ clock });
    createJob('wait', { activeDeadlineSeconds: 600 });
    await clock.advance(599_000);
    expect(job()?.status).toMatchObject({ active: 1, ready: 1 });
    await clock.advance(2_000);
    expect(conditions()?.at(-1)).toEqual(['Failed', 'True', 'DeadlineExceeded', 'Job was active longer than specified deadline']);
    expect(job()?.status?.active).toBeUndefined();
    expect(cluster.list('pods')).toEqual([]);
  });

  it('is deleted with its pods when it has been over for its time to live', async () => {
    const clock = createManualClock();
    start({ clock });
    createJob('succeed', { ttlSecondsAfterFinished: 100 });
    await clock.advance(99_000);
    expect(job()).toBeDefined();
    await clock.advance(5_000);
    expect(job()).toBeUndefined();
    expect(cluster.list('pods')).toEqual([]);
  });

  it('deletes its pods while it is suspended, and starts anew when it is resumed', async () => {
    start();
    createJob('wait');
    await cluster.until('it runs', () => job()?.status?.ready === 1);
    cluster.store.update('jobs.batch', 'default', 'train', (draft) => void Reflect.set(draft['spec'] ?? {}, 'suspend', true));
    await cluster.until('it is suspended', () => conditions()?.some(([type, status]) => type === 'Suspended' && status === 'True') && cluster.list('pods').length === 0);
    expect(job()?.status?.startTime).toBeUndefined();
    cluster.store.update('jobs.batch', 'default', 'train', (draft) => void Reflect.set(draft['spec'] ?? {}, 'suspend', false));
    await cluster.until('it runs again', () => job()?.status?.ready === 1);
    expect(conditions()).toEqual([['Suspended', 'False', 'JobResumed', 'Job resumed']]);
    expect(job()?.status?.startTime).toBeDefined();
    expect(job()?.status?.failed, 'the pod that suspending has ended').toBeUndefined();
  });

  it('takes its pods along when it is deleted', async () => {
    start();
    createJob('wait');
    await cluster.until('it runs', () => job()?.status?.ready === 1);
    cluster.store.delete('jobs.batch', 'default', 'train');
    await cluster.until('pods gone', () => cluster.list('pods').length === 0);
  });

  it('stays active while the image of its pod cannot be pulled', async () => {
    start();
    createJob('succeed', {}, { containers: [containerNamed('main', 'succeed', { image: 'no.such.registry/image:1' })] });
    await cluster.until('the image is refused', () => cluster.list('pods')[0]?.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'ImagePullBackOff');
    expect(job()?.status).toMatchObject({ active: 1, ready: 0 });
  });
});
