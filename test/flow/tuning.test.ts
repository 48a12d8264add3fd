import { describe, expect, it, vi } from 'vitest';
import type { Kinds } from '../../src/cluster/kinds.ts';
import { AccessError, FailedError } from '../../src/domain/errors.ts';
import type { FollowTuningStep } from '../../src/domain/plan.ts';
import type { Tuning } from '../../src/domain/workspace.ts';
import { followTuning } from '../../src/flow/tuning.ts';
import { follow } from '../support/following.ts';
import { settled } from '../support/manual-clock.ts';
import { createStage, ended, job, jobCondition, node, nodePool, planOf, pod, record, running, shortly, tuningWorkspace, waiting, warningEvent, type PodShape, type Stage } from './support.ts';

const step: FollowTuningStep = {
  kind: 'follow-tuning',
  title: 'Follow Job/tuned',
  job: { kind: 'Job', name: 'tuned', namespace: 'default' },
  adapter: { kind: 'image', reference: 'registry.example/adapters/tuned:1' },
  timeoutMs: 3_600_000,
};

const digest = `sha256:${'a'.repeat(64)}`;
const bar = (done: number, total: number): string => `\r ${Math.round((100 * done) / total)}%|█         | ${done}/${total} [00:10<00:40,  2.00s/it]`;

const tuningPod = (shape: PodShape): Kinds['Pod'] => pod({ name: 'tuned-1', ...shape, labels: { 'batch.kubernetes.io/job-name': 'tuned', 'kaito.sh/workspace': 'tuned' } });
const succeeded = tuningPod({ phase: 'Succeeded', init: [ended('weights', 0), ended('tuner', 0)], containers: [ended('push', 0, { message: `pushed ${digest}` })] });
const failedIn = (name: string, more: { reason?: string; message?: string } = {}): Kinds['Pod'] =>
  name === 'push' ? tuningPod({ phase: 'Failed', init: [ended('tuner', 0)], containers: [ended('push', 1, more)] }) : tuningPod({ phase: 'Failed', init: [ended(name, 1, more)], containers: [waiting('push', 'PodInitializing')] });

const begin = (stage: Stage = createStage(record({ nodePool: nodePool() }))) => {
  stage.cluster.put(node('node-a'));
  const following = follow(followTuning(step, stage.session()));
  /** Lets time pass until it is so: before the first log is read, modules are loaded. */
  const until = (isSo: () => void) =>
    vi.waitFor(async () => {
      await stage.clock.advance(5_000);
      isSo();
    }, 60_000);
  return { ...stage, following, until };
};

describe('followTuning', () => {
  it('tells each phase of the pod as it comes', async () => {
    const { cluster, clock, following } = begin();
    cluster.put(job({ active: 1 }));
    await settled();
    for (const shape of [
      { phase: 'Pending', nodeName: '' },
      { phase: 'Pending', init: [running('weights'), waiting('dataset', 'PodInitializing')] },
      { phase: 'Pending', init: [ended('weights', 0), running('dataset')] },
      { phase: 'Pending', init: [ended('weights', 0), ended('dataset', 0), running('tuner')] },
      { phase: 'Running', init: [ended('tuner', 0)], containers: [running('push')] },
    ] satisfies PodShape[]) {
      cluster.put(tuningPod(shape));
      await clock.advance(1_000);
    }
    expect(shortly(following.items).filter((text) => text.startsWith('waiting'))).toEqual([
      'waiting: the Job controller has not made the pod yet',
      'waiting: the pod is not scheduled yet',
      'waiting: pulling the weights',
      'waiting: fetching the dataset',
      'waiting: training',
      'waiting: pushing the adapter',
    ]);
  });

  it('tells how training goes, and records the last step and loss with the digest that was pushed', async () => {
    const { cluster, clock, following, stored, until } = begin();
    cluster.logTexts.set('tuned-1/tuner', `${bar(1, 2)}\n{'loss': '2.5', 'epoch': '0.5'}\n${bar(2, 2)}\n{'loss': '1.25', 'epoch': '1'}\n`);
    cluster.put(job({ active: 1 }));
    cluster.put(tuningPod({ phase: 'Pending', init: [running('tuner')] }));
    await until(() => expect(following.items.filter(({ type }) => type === 'progress').at(-1)).toMatchObject({ progress: { phase: 'training', step: 2, totalSteps: 2, loss: 1.25 } }));
    cluster.put(succeeded);
    cluster.put(job(jobCondition('Complete')));
    await expect(following.result).resolves.toBe('2 steps, last loss 1.25');
    expect(stored()?.result).toEqual({ outcome: 'Succeeded', finishedAt: new Date(clock.now()).toISOString(), adapter: { kind: 'image', reference: 'registry.example/adapters/tuned:1', digest }, steps: 2, finalLoss: 1.25 });
    expect(cluster.openWatchCount()).toBe(0);
  });

  it('does not take a Job for deleted that it has not heard about yet', async () => {
    const stage = createStage(record());
    stage.cluster.put(job(jobCondition('Complete')));
    stage.cluster.put(succeeded);
    const release = stage.cluster.hold('Job');
    const { clock, following } = begin(stage);
    await clock.advance(60_000);
    expect(shortly(following.items)).toContain('waiting: asking the cluster');
    release();
    await expect(following.result).resolves.toBe('succeeded');
  });

  it.each(['Complete', 'Failed'] as const)('waits for the last word of the pod when the Job is %s first', async (type) => {
    const { cluster, following, stored } = begin();
    cluster.put(tuningPod({ phase: 'Running', init: [ended('tuner', 0)], containers: [running('push')] }));
    cluster.put(job(jobCondition(type)));
    await settled();
    expect(stored()?.result).toBeUndefined();
    cluster.put(type === 'Complete' ? succeeded : failedIn('push', { message: 'denied' }));
    await following.result.catch(() => {});
    expect(stored()?.result).toMatchObject(type === 'Complete' ? { outcome: 'Succeeded', adapter: { digest } } : { outcome: 'Failed', reason: 'PushFailed' });
  });

  it('records a Job that ended before anybody followed it, with the steps and the loss that its log still tells', async () => {
    const stage = createStage(record());
    stage.cluster.logTexts.set('tuned-1/tuner', `${bar(2, 2)}\n{'loss': '1.25', 'epoch': '1'}\n`);
    stage.cluster.put(job(jobCondition('Complete')));
    stage.cluster.put(succeeded);
    const { following, stored } = begin(stage);
    await expect(following.result).resolves.toBe('2 steps, last loss 1.25');
    expect(stored()?.result).toMatchObject({ outcome: 'Succeeded', adapter: { digest }, steps: 2, finalLoss: 1.25 });
  });

  it('records a Job whose log is gone', async () => {
    const stage = createStage(record());
    stage.cluster.put(job(jobCondition('Complete')));
    stage.cluster.put(succeeded);
    const { following, stored } = begin(stage);
    await expect(following.result).resolves.toBe('succeeded');
    expect(stored()?.result).toMatchObject({ outcome: 'Succeeded', adapter: { digest } });
  });

  it('says that the Job was deleted under its eyes', async () => {
    const { cluster, following } = begin();
    cluster.put(job({ active: 1 }));
    await settled();
    cluster.remove('Job', 'tuned');
    await expect(following.result).rejects.toMatchObject({ name: 'WorkloadError', reason: 'JobDeleted', message: 'Job/tuned is gone.' });
  });

  it.each([
    ['the weights', failedIn('weights', { message: 'dial tcp: no route to host' }), { reason: 'WeightsPullFailed', message: 'The weights could not be pulled.', fact: 'dial tcp: no route to host' }],
    ['the dataset', failedIn('dataset', { message: 'curl: (22) 404' }), { reason: 'DatasetDownloadFailed', message: 'The dataset could not be fetched.', fact: 'curl: (22) 404' }],
    ['the trainer', failedIn('tuner'), { reason: 'TrainingFailed', message: 'Training failed.', fact: 'ValueError: no such column' }],
    ['the push', failedIn('push', { message: 'unauthorized' }), { reason: 'PushFailed', message: 'Training succeeded, and the adapter could not be pushed.', fact: 'unauthorized' }],
  ])('says which part failed when it was %s, in that part\'s own words', async (_, failed, expected) => {
    const { cluster, following, stored } = begin();
    cluster.logTexts.set('tuned-1/tuner', 'Traceback (most recent call last):\nValueError: no such column\nsubprocess.CalledProcessError: Command died\n');
    cluster.put(failed);
    cluster.put(job(jobCondition('Failed', { reason: 'BackoffLimitExceeded' })));
    await expect(following.result).rejects.toMatchObject({ name: 'WorkloadError', ...expected });
    expect(stored()?.result).toMatchObject({ outcome: 'Failed', reason: expected.reason, message: expected.fact });
  });

  it.each<[string, Partial<Tuning>, string, string[]]>([
    ['a dataset that is downloaded', {}, 'dataset', ['The server refused: the address must be readable without a login, as one with a shared access signature is.', 'Check the address with: curl -fIL <url>']],
    ['a dataset in an image', { input: { image: 'registry.example/data:1' } }, 'dataset', ['The registry refused: the Secret must allow pulling from that repository.', 'Check the image and the Secret with its credentials: --input-image, --input-image-secret.']],
    ['an adapter', {}, 'push', ['The registry refused: the Secret must allow pushing to that repository.', 'Check the push secret and the repository: --output-image-secret, --output-image.']],
  ])('says what to do when access is refused to %s', async (_, tuning, name, hints) => {
    const stage = createStage(record({ nodePool: nodePool() }));
    const { tuning: usual, ...workspace } = tuningWorkspace();
    if (!usual) throw new TypeError('It is tuned.');
    const following = follow(followTuning(step, stage.session(planOf([], { ...workspace, tuning: { ...usual, ...tuning } }))));
    stage.cluster.put(failedIn(name, { message: 'unauthorized: authentication required' }));
    stage.cluster.put(job(jobCondition('Failed', { reason: 'BackoffLimitExceeded' })));
    await expect(following.result).rejects.toMatchObject({ hints: [...hints, 'kaito-ts logs tuned'] });
  });

  it('says why a script could not do what it ends with', async () => {
    const { cluster, following } = begin();
    cluster.logTexts.set('tuned-1/dataset', 'Downloading https://x.example/a.jsonl\ncurl: (6) Could not resolve host: x.example\nhttps://x.example/a.jsonl cannot be downloaded.\n');
    cluster.put(failedIn('dataset'));
    cluster.put(job(jobCondition('Failed', { reason: 'PodFailurePolicy' })));
    await expect(following.result).rejects.toMatchObject({ reason: 'DatasetDownloadFailed', fact: 'https://x.example/a.jsonl cannot be downloaded: curl: (6) Could not resolve host: x.example' });
  });

  it('does not say that training starts when a container before it has failed', async () => {
    const { cluster, clock, following } = begin();
    cluster.put(job({ active: 1 }));
    cluster.put(tuningPod({ phase: 'Pending', init: [ended('dataset', 1), waiting('tuner', 'PodInitializing')] }));
    await clock.advance(1_000);
    expect(shortly(following.items).at(-1)).toBe('waiting: container dataset has failed; the Job is about to');
  });

  describe('whose pod is refused', () => {
    const refuse = (message: string, uid = 'uid-of-job'): Kinds['Event'] => ({ ...warningEvent(tuningPod({}), 'FailedCreate', `Error creating: pods "tuned-x" is forbidden: ${message}`), involvedObject: { kind: 'Job', name: 'tuned', uid } });
    const submitted = (): Kinds['Job'] => ({ ...job({}), metadata: { ...job({}).metadata, uid: 'uid-of-job' } });

    it('ends where a policy of the namespace refuses, for waiting would not help', async () => {
      const { cluster, following, stored } = begin();
      cluster.put(submitted());
      cluster.put(refuse('violates PodSecurity "restricted:latest": runAsNonRoot != true'));
      await expect(following.result).rejects.toMatchObject({ name: 'WorkloadError', reason: 'PodRefused', fact: 'Job/tuned cannot make its pod: pods "tuned-x" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true' });
      expect(stored()?.result).toMatchObject({ outcome: 'Failed', reason: 'PodRefused' });
      expect(cluster.find('Job', 'tuned')).toBeUndefined();
    });

    it('waits where a quota may have room again, and says so', async () => {
      const { cluster, clock, following } = begin();
      cluster.put(submitted());
      cluster.put(refuse('exceeded quota: team, requested: requests.nvidia.com/gpu=1, used: requests.nvidia.com/gpu=4, limited: requests.nvidia.com/gpu=4'));
      await clock.advance(1_000);
      expect(shortly(following.items).at(-1)).toMatch(/^waiting: Job\/tuned cannot make its pod: pods "tuned-x" is forbidden: exceeded quota: team/);
    });

    it('is not taken for refused by what befell an earlier Job of its name', async () => {
      const { cluster, clock, following } = begin();
      cluster.put(submitted());
      cluster.put(refuse('violates PodSecurity "restricted:latest"', 'uid-of-an-earlier-job'));
      await clock.advance(1_000);
      expect(shortly(following.items).at(-1)).toBe('waiting: the Job controller has not made the pod yet');
    });
  });

  it('lets a Job fail by itself whose container was killed for lack of memory, and keeps it', async () => {
    const { cluster, clock, following } = begin();
    cluster.logTexts.set('tuned-1/tuner', 'Model Loaded\n');
    const killed = [ended('weights', 0), ended('tuner', 137, { reason: 'OOMKilled' })];
    cluster.put(job({ active: 1 }));
    cluster.put(tuningPod({ phase: 'Pending', init: killed }));
    await clock.advance(1_000);
    expect(shortly(following.items)).toContainEqual(expect.stringMatching(/^waiting: container "tuner" was OOMKilled/));
    cluster.put(tuningPod({ phase: 'Failed', init: killed }));
    cluster.put(job(jobCondition('Failed', { reason: 'PodFailurePolicy' })));
    await expect(following.result).rejects.toMatchObject({ name: 'WorkloadError', reason: 'ContainerOOMKilled' });
    expect(cluster.find('Job', 'tuned')).toBeDefined();
  });

  it('tells a time limit from a failure', async () => {
    const { cluster, following } = begin();
    cluster.put(job(jobCondition('Failed', { reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' })));
    await expect(following.result).rejects.toMatchObject({ reason: 'DeadlineExceeded', message: 'Tuning reached its time limit and was stopped.', hints: ['Allow more with --time-limit, or train less with --max-steps.'] });
  });

  it('does not wait for a pod that can never run', async () => {
    const { cluster, following, stored } = begin();
    cluster.put(job({ active: 1 }));
    cluster.put(tuningPod({ phase: 'Pending', init: [waiting('tuner', 'ImagePullBackOff', 'manifest unknown')] }));
    await expect(following.result).rejects.toMatchObject({ reason: 'ImagePullError', exitCode: 8 });
    expect(stored()?.result?.outcome).toBe('Failed');
  });

  it('keeps waiting for a pod that may still run, and says why it does not', async () => {
    const { cluster, clock, following } = begin();
    cluster.put(job({ active: 1 }));
    const pending = tuningPod({ phase: 'Pending', nodeName: '', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes are available' }] });
    cluster.put(pending);
    await clock.advance(600_000);
    expect(shortly(following.items).at(-1)).toBe('waiting: pod "tuned-1" is unschedulable: 0/1 nodes are available');
  });

  it('heeds the warnings about its own pod only', async () => {
    const { cluster, clock, following } = begin();
    cluster.put(job({ active: 1 }));
    cluster.put(tuningPod({ phase: 'Pending', init: [waiting('weights', 'PodInitializing')] }));
    cluster.put(warningEvent(pod({ name: 'somebody' }), 'FailedMount', 'not ours'));
    await clock.advance(1_000);
    expect(JSON.stringify(following.items)).not.toContain('not ours');
    cluster.put(warningEvent(tuningPod({}), 'FailedMount', 'MountVolume.SetUp failed'));
    await clock.advance(1_000);
    expect(shortly(following.items).at(-1)).toBe('waiting: Pod/tuned-1: MountVolume.SetUp failed');
  });

  it('goes on with the pod that replaces an evicted one, from its first step', async () => {
    const { cluster, following, until } = begin();
    cluster.logTexts.set('tuned-1/tuner', `${bar(50, 100)}\n`);
    const steps = () => following.items.flatMap((event) => (event.type === 'progress' && event.progress.phase === 'training' ? [event.progress.step] : []));
    cluster.logTexts.set('tuned-2/tuner', `${bar(1, 100)}\n`);
    cluster.put(job({ active: 1 }));
    cluster.put(tuningPod({ phase: 'Pending', init: [running('tuner')], createdAt: '2026-01-01T00:00:00Z' }));
    await until(() => expect(steps()).toEqual([50]));
    cluster.put(tuningPod({ phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.', init: [ended('tuner', 137)], createdAt: '2026-01-01T00:00:00Z' }));
    cluster.put(tuningPod({ name: 'tuned-2', phase: 'Pending', init: [running('tuner')], createdAt: '2026-01-01T00:10:00Z' }));
    await until(() => expect(steps()).toEqual([50, 1]));
    const warnings = following.items.filter(({ type }) => type === 'warning');
    expect(warnings).toEqual([{ type: 'warning', message: 'The training in pod "tuned-1" is lost (NodeMemoryPressure), and begins anew in another within the same time limit.', hints: ['kubectl describe node node-a'] }]);
  });

  it('does not call lost what a Job that is over has trained anew since', async () => {
    const stage = createStage(record());
    stage.cluster.put(job(jobCondition('Complete')));
    stage.cluster.put(tuningPod({ phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.', init: [ended('tuner', 137)], createdAt: '2026-01-01T00:00:00Z' }));
    stage.cluster.put(tuningPod({ name: 'tuned-2', phase: 'Succeeded', init: [ended('tuner', 0)], containers: [ended('push', 0, { message: `pushed ${digest}` })], createdAt: '2026-01-01T00:10:00Z' }));
    const release = stage.cluster.hold('Job');
    const { clock, following } = begin(stage);
    await clock.advance(1_000);
    release();
    await expect(following.result).resolves.toBe('succeeded');
    expect(shortly(following.items).filter((text) => text.startsWith('warning'))).toEqual([]);
  });

  it('does not call lost what was pushed in the second before the eviction', async () => {
    const { cluster, clock, following } = begin();
    cluster.put(job({ active: 1 }));
    const evictedTooLate = { type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet', message: 'The node was low on resource: memory. ' };
    cluster.put(tuningPod({ phase: 'Succeeded', init: [ended('tuner', 0)], containers: [ended('push', 0, { message: `pushed ${digest}` })], conditions: [evictedTooLate] }));
    await clock.advance(1_000);
    cluster.put(job(jobCondition('Complete')));
    await expect(following.result).resolves.toBe('succeeded');
    expect(shortly(following.items).filter((text) => text.startsWith('warning'))).toEqual([]);
  });

  it('does not give up while the node of an evicted pod turns its successors away, and goes on with the one that it lets in', async () => {
    const { cluster, clock, following, stored } = begin();
    const last = () => shortly(following.items).filter((text) => text.startsWith('waiting')).at(-1);
    cluster.put(job({ active: 1 }));
    cluster.put(tuningPod({ phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: ephemeral-storage.', init: [ended('tuner', 137)], createdAt: '2026-01-01T00:00:00Z' }));
    cluster.put(tuningPod({ name: 'tuned-2', phase: 'Failed', reason: 'Evicted', message: 'Pod was rejected: The node had condition: [DiskPressure]. ', createdAt: '2026-01-01T00:10:00Z' }));
    cluster.put(job({ failed: 1 }));
    await clock.advance(10_000);
    expect(last()).toBe('waiting: pod "tuned-2" evicted due to node disk pressure: Pod was rejected: The node had condition: [DiskPressure].');
    cluster.put(tuningPod({ name: 'tuned-3', phase: 'Pending', nodeName: '', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes are available' }], createdAt: '2026-01-01T00:10:10Z' }));
    cluster.put(job({ active: 1, failed: 1 }));
    await clock.advance(10_000);
    expect(last()).toBe('waiting: pod "tuned-3" is unschedulable: 0/1 nodes are available');
    cluster.put(tuningPod({ name: 'tuned-3', phase: 'Succeeded', init: [ended('tuner', 0)], containers: [ended('push', 0, { message: `pushed ${digest}` })], createdAt: '2026-01-01T00:10:10Z' }));
    cluster.put(job({ ...jobCondition('Complete'), failed: 1 }));
    await clock.advance(1_000);
    await expect(following.result).resolves.toBe('succeeded');
    expect(stored()?.result).toMatchObject({ outcome: 'Succeeded', adapter: { digest } });
  });

  describe('whose node is lost', () => {
    const training = (shape: PodShape = {}) => tuningPod({ phase: 'Pending', init: [running('tuner')], ...shape });
    const silent = node('node-a', { isReady: false, message: 'Kubelet stopped posting node status.', since: '2026-01-01T00:01:00Z' });
    const lastOf = ({ following }: ReturnType<typeof begin>) => shortly(following.items).filter((text) => text.startsWith('waiting')).at(-1);

    it('says that the node does not answer, and goes on when it does again', async () => {
      const stage = begin();
      const { cluster, clock } = stage;
      cluster.put(job({ active: 1 }));
      cluster.put(training());
      await clock.advance(1_000);
      expect(lastOf(stage)).toBe('waiting: training');
      cluster.put(silent);
      await clock.advance(1_000);
      expect(lastOf(stage)).toBe('waiting: node node-a is NotReady since 2026-01-01T00:01:00Z: Kubelet stopped posting node status');
      cluster.put(node('node-a'));
      await clock.advance(1_000);
      expect(lastOf(stage)).toBe('waiting: training');
    });

    it('says that a pod which is to end cannot', async () => {
      const stage = begin();
      const { cluster, clock } = stage;
      cluster.put(job({ active: 1 }));
      cluster.put(silent);
      const pod = training();
      cluster.put({ ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:06:00Z' } });
      await clock.advance(1_000);
      expect(lastOf(stage)).toMatch(/Kubelet stopped posting node status; pod "tuned-1" is to end, which it can when the node is back or deleted$/);
    });

    it('says that the node is gone, and follows the pod that takes the place of the lost one, on whatever node', async () => {
      const stage = begin();
      const { cluster, clock } = stage;
      cluster.put(job({ active: 1 }));
      cluster.put(training({ createdAt: '2026-01-01T00:00:00Z' }));
      await clock.advance(1_000);
      cluster.remove('Node', 'node-a');
      await clock.advance(1_000);
      expect(lastOf(stage)).toBe('waiting: node node-a is gone, and pod "tuned-1" is lost with it; Kubernetes clears the pod away in a minute or so');
      cluster.put(node('node-b'));
      cluster.put(training({ name: 'tuned-2', nodeName: 'node-b', createdAt: '2026-01-01T00:10:00Z' }));
      await clock.advance(1_000);
      expect(lastOf(stage)).toBe('waiting: training');
      cluster.put(node('node-b', { isReady: false }));
      await clock.advance(1_000);
      expect(lastOf(stage)).toBe('waiting: node node-b is NotReady');
    });

    it('does not wait for the end of a pod that nobody can end, when the Job is over', async () => {
      const { cluster, clock, following, stored } = begin();
      cluster.put(silent);
      cluster.put(training());
      cluster.put(job({ active: 1, conditions: [{ type: 'FailureTarget', status: 'True', reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' }] }));
      await clock.advance(1_000);
      await expect(following.result).rejects.toMatchObject({ reason: 'DeadlineExceeded', fact: expect.stringContaining('node node-a is NotReady'), hints: expect.arrayContaining(['kubectl describe node node-a']) });
      expect(stored()?.result?.outcome).toBe('Failed');
    });

    it('names what the kubelet of a node that came back says of the pod that it turned away', async () => {
      const { cluster, clock, following } = begin();
      cluster.put(training({ phase: 'Failed', reason: 'UnexpectedAdmissionError', message: 'Allocate failed due to no healthy devices present', init: [] }));
      cluster.put(job(jobCondition('Failed', { reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' })));
      await clock.advance(1_000);
      await expect(following.result).rejects.toMatchObject({ reason: 'PodFailed', fact: 'pod "tuned-1" failed on node node-a (UnexpectedAdmissionError): Allocate failed due to no healthy devices present' });
    });

    it('loses no more than that when it may not look at nodes', async () => {
      const { cluster, clock, following } = begin();
      const { watch } = cluster;
      cluster.watch = (kind, options) => {
        if (kind === 'Node') throw new AccessError('You may not watch nodes.');
        return watch.call(cluster, kind, options) as ReturnType<typeof watch<typeof kind>>;
      };
      cluster.put(job({ active: 1 }));
      cluster.put(training());
      await clock.advance(1_000);
      cluster.put(succeeded);
      cluster.put(job(jobCondition('Complete')));
      await clock.advance(1_000);
      await expect(following.result).resolves.toBe('succeeded');
    });
  });

  it('reads a log that broke off from its beginning, and tells nothing twice', async () => {
    const { cluster, clock, following } = begin();
    const losses = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => `{'loss': '1.${from + index}', 'epoch': '${(from + index) / 4}'}\n`).join('');
    cluster.put({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'tuned-training', namespace: 'default' }, data: { 'training_config.yaml': 'training_config: { TrainingArguments: { logging_steps: 1, num_train_epochs: 1 } }' } });
    const connections = [losses(1, 2), losses(1, 3)];
    cluster.logs = async function* breakOff() {
      const text = connections.shift();
      if (text !== undefined) yield text;
      throw new FailedError('The connection broke.');
    };
    cluster.put(job({ active: 1 }));
    cluster.put(tuningPod({ phase: 'Pending', init: [running('tuner')] }));
    await clock.advance(5_000);
    const told = following.items.flatMap((event) => (event.type === 'progress' && event.progress.phase === 'training' ? [`${event.progress.step} of ${event.progress.totalSteps}, ${event.progress.loss}`] : []));
    expect(told).toEqual(['1 of 4, 1.1', '2 of 4, 1.2', '3 of 4, 1.3']);
  });

  it('takes a broken log up again, and loses only the log when it stays broken', async () => {
    const { cluster, clock, following, until } = begin();
    cluster.logTexts.set('tuned-1/tuner', new FailedError('The connection broke.'));
    cluster.put(job({ active: 1 }));
    cluster.put(tuningPod({ phase: 'Pending', init: [running('tuner')] }));
    await clock.advance(10_000);
    expect(shortly(following.items).some((text) => text.startsWith('warning'))).toBe(false);
    await until(() => expect(shortly(following.items).filter((text) => text.startsWith('warning'))).toEqual(['warning: The trainer\'s log cannot be followed any more; the Job is.']));
    cluster.put(succeeded);
    cluster.put(job(jobCondition('Complete')));
    await expect(following.result).resolves.toBe('succeeded');
  });

  it('gives up at its bound, and does not call the tuning failed', async () => {
    const { cluster, clock, following, stored } = begin();
    cluster.put(job({ active: 1 }));
    cluster.put(tuningPod({ phase: 'Pending', init: [running('dataset')] }));
    await clock.advance(3_600_000);
    await expect(following.result).rejects.toMatchObject({ name: 'TimeoutError', fact: 'fetching the dataset' });
    expect(stored()?.result).toBeUndefined();
  });

  it('leaves the record alone when it is interrupted', async () => {
    const { cluster, interrupt, following, stored } = begin();
    cluster.put(job({ active: 1 }));
    await settled();
    interrupt();
    await expect(following.result).rejects.toMatchObject({ name: 'InterruptedError' });
    expect(stored()?.result).toBeUndefined();
    expect(cluster.openWatchCount()).toBe(0);
  });
});
