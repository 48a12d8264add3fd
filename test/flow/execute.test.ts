import { describe, expect, it } from 'vitest';
import { AccessError, ConflictError, FailedError, QuotaError, UnseenError } from '../../src/domain/errors.ts';
import type { KubernetesObject } from '../../src/domain/kubernetes.ts';
import type { Step } from '../../src/domain/plan.ts';
import type { OwnerRecord } from '../../src/domain/record.ts';
import { renderRecord } from '../../src/flow/record.ts';
import { agentPool, createFakeCloud } from '../support/fakes.ts';
import { settled } from '../support/manual-clock.ts';
import { createStage, ended, job, jobCondition, node, nodePool, planOf, pod, record, running, shortly, waiting } from './support.ts';

const tags = { 'managed-by': 'kaito-ts', 'kaito-workspace': 'tuned', 'kaito-namespace': 'default' };

const steps = {
  record: { kind: 'record', title: 'Write the owner record', revision: 1, nodePool: nodePool({ requestedAt: '' }) },
  create: { kind: 'create-agent-pool', title: 'Add agent pool kpool', pool: { name: 'kpool', instanceType: 'Standard_NV36ads_A10_v5', count: 1, osDiskGiB: 256, labels: {}, taints: [], tags, spot: false }, timeoutMs: 600_000 },
  nodes: { kind: 'await-nodes', title: 'Wait for the node', labelSelector: 'agentpool=kpool', count: 1, gpusPerNode: 1, timeoutMs: 600_000 },
  apply: { kind: 'apply', title: 'Create Job/tuned', object: { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'tuned', namespace: 'default' } }, owned: true },
  claim: { kind: 'apply', title: 'Create PersistentVolumeClaim/tuned-adapter', object: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'tuned-adapter', namespace: 'default' } }, owned: false },
  follow: { kind: 'follow-tuning', title: 'Follow Job/tuned', job: { kind: 'Job', name: 'tuned', namespace: 'default' }, adapter: { kind: 'image', reference: 'registry.example/tuned:1' }, timeoutMs: 3_600_000 },
  remove: { kind: 'delete-agent-pool', title: 'Remove agent pool kpool', name: 'kpool', timeoutMs: 600_000 },
} satisfies Record<string, Step>;

const whole = planOf([steps.record, steps.create, steps.nodes, steps.claim, steps.apply, steps.follow, steps.remove]);

const trained = pod({ name: 'tuned-1', labels: { 'batch.kubernetes.io/job-name': 'tuned' }, phase: 'Succeeded', init: [ended('tuner', 0)], containers: [ended('push', 0)] });
const failed = pod({ name: 'tuned-1', labels: { 'batch.kubernetes.io/job-name': 'tuned' }, phase: 'Failed', init: [ended('tuner', 1, { message: 'RuntimeError: no' })] });

const away = new FailedError('The API server does not answer.');

/** As far as the Job runs. */
const untilTraining = async () => {
  const stage = createStage();
  stage.cloud.succeed();
  stage.cluster.put(node('node-a', { labels: { agentpool: 'kpool' } }));
  const execution = stage.execute(whole);
  await settled();
  stage.cluster.put(job({ active: 1 }));
  stage.cluster.put(pod({ name: 'tuned-1', labels: { 'batch.kubernetes.io/job-name': 'tuned' }, phase: 'Pending', init: [running('tuner')] }));
  await stage.clock.advance(1_000);
  return { ...stage, execution };
};

describe('execute', () => {
  it('takes the steps in their order, tells each, and gives the record as it is at the end', async () => {
    const { cluster, cloud, execution } = await untilTraining();
    cluster.put(trained);
    cluster.put(job(jobCondition('Complete')));
    const result = await execution.result;
    expect(shortly(execution.items).filter((text) => /^(start|done)/.test(text))).toEqual([
      'start record',
      'done record',
      'start create-agent-pool',
      'done create-agent-pool: created',
      'start await-nodes',
      'done await-nodes: node-a',
      'start apply',
      'done apply: created',
      'start apply',
      'done apply: created',
      'start follow-tuning',
      'done follow-tuning: succeeded',
      'start delete-agent-pool',
      'done delete-agent-pool: removed',
    ]);
    expect(cloud.pools.size).toBe(0);
    expect(result).toMatchObject({ revision: 1, nodePool: { name: 'kpool', releasedAt: expect.any(String) }, result: { outcome: 'Succeeded' } });
  });

  it('writes the record, with the moment of the request, before anything that costs money', async () => {
    const { cluster, cloud, execute, stored } = createStage();
    cluster.refuse('ConfigMap', new FailedError('The cluster is away.'));
    await execute(planOf([steps.record, steps.create])).result.catch(() => {});
    expect(cloud.calls).toEqual([]);
    cloud.refuse('create', new FailedError('Azure is away.'));
    await execute(planOf([steps.record, steps.create])).result.catch(() => {});
    expect(cloud.calls).toEqual(['create kpool']);
    expect(stored()?.nodePool?.requestedAt).toBe('2026-01-01T00:00:00.000Z');
  });

  it('makes the record the owner of what goes with the workspace, and of nothing that outlives it', async () => {
    const { cluster } = await untilTraining();
    const owners = ({ metadata }: KubernetesObject) => metadata.ownerReferences;
    const uid = cluster.find('ConfigMap', 'tuned-kaito')?.metadata.uid;
    expect(cluster.writes).toContain('apply Job/tuned');
    expect(cluster.find('PersistentVolumeClaim', 'tuned-adapter')).toSatisfy((object: KubernetesObject) => owners(object) === undefined);
    // The Job was put again by the cluster's own controllers since: what was applied is what counts.
    const { cluster: other, execute } = createStage();
    await execute(planOf([steps.record, steps.apply])).result;
    expect(other.find('Job', 'tuned')?.metadata.ownerReferences).toEqual([{ apiVersion: 'v1', kind: 'ConfigMap', name: 'tuned-kaito', uid: other.find('ConfigMap', 'tuned-kaito')?.metadata.uid, controller: false, blockOwnerDeletion: false }]);
    expect(uid).toBeDefined();
  });

  it('keeps what an earlier run recorded about the pool when it only writes the workspace anew', async () => {
    const { execute, stored } = createStage(record({ nodePool: nodePool(), createdAt: '2025-12-31T00:00:00.000Z' }));
    await execute(planOf([{ kind: 'record', title: 'Write the owner record', revision: 2 }])).result;
    expect(stored()).toMatchObject({ revision: 2, createdAt: '2025-12-31T00:00:00.000Z', nodePool: nodePool() });
  });

  it('forgets the result of an earlier run when a new one begins', async () => {
    const { execute, stored } = createStage(record({ result: { outcome: 'Failed', finishedAt: '2025-12-31T00:00:00Z' } }));
    await execute(planOf([{ kind: 'record', title: 'Write the owner record', revision: 2 }])).result;
    expect(stored()?.result).toBeUndefined();
  });

  it('does nothing for an empty plan, and still gives the record', async () => {
    const { cluster, execute } = createStage(record({ revision: 7 }));
    await expect(execute(planOf([])).result).resolves.toMatchObject({ revision: 7 });
    expect(cluster.writes).toEqual([]);
  });
});

describe('execute while somebody else begins the same workspace', () => {
  const theirs = (changes: Parameters<typeof record>[0] = {}) => record({ nodePool: nodePool(), createdAt: '2025-12-31T23:59:59.000Z', ...changes });
  /** Written after the plan was made, and before it is carried out. */
  const beginAfter = (stage: ReturnType<typeof createStage>, other: OwnerRecord) => stage.cluster.apply(renderRecord(other), {});
  const changed = { name: 'ConflictError', reason: 'RecordChanged', exitCode: 9, message: 'Workspace tuned in namespace default was begun or changed by somebody else in the same moment.' };

  it('goes on with theirs where they want the same', async () => {
    const stage = createStage();
    const execution = stage.execute(planOf([steps.record, steps.apply]));
    await beginAfter(stage, theirs());
    await execution.result;
    expect(stage.stored()).toEqual(theirs());
    expect(stage.cluster.find('Job', 'tuned')?.metadata.ownerReferences?.[0]?.uid).toBe(stage.cluster.find('ConfigMap', 'tuned-kaito')?.metadata.uid);
  });

  it.each<[string, OwnerRecord]>([
    ['another workspace', theirs({ workspace: { ...record().workspace, resource: { instanceType: 'Standard_NC6s_v3', labelSelector: { matchLabels: {} } } } })],
    ['other nodes', theirs({ nodePool: nodePool({ instanceType: 'Standard_NC6s_v3' }) })],
    ['a tuning that is over by now', theirs({ result: { outcome: 'Failed', finishedAt: '2026-01-01T00:00:00Z' } })],
  ])('rents and writes nothing where theirs is %s', async (_, other) => {
    const stage = createStage();
    const execution = stage.execute(whole);
    await beginAfter(stage, other);
    await expect(execution.result).rejects.toMatchObject(changed);
    expect(stage.cloud.calls).toEqual([]);
    expect(stage.stored()).toEqual(other);
    expect(stage.cluster.find('Job', 'tuned')).toBeUndefined();
  });

  it('changes nothing when the record was changed since the plan was made', async () => {
    const stage = createStage();
    await beginAfter(stage, theirs());
    stage.cloud.pools.set('kpool', agentPool({ name: 'kpool', tags }));
    const execution = stage.execute(planOf([{ ...steps.record, revision: 2 }, steps.apply, steps.remove]));
    await beginAfter(stage, theirs({ revision: 2, workspace: { ...record().workspace, metadata: { ...record().workspace.metadata, annotations: { a: 'b' } } } }));
    await expect(execution.result).rejects.toMatchObject(changed);
    expect(stage.cluster.find('Job', 'tuned')).toBeUndefined();
    // The pool is that of whoever was quicker.
    expect(stage.cloud.calls).toEqual([]);
    expect(shortly(execution.items)).toEqual(['start record']);
  });
});

describe('execute while somebody deletes the workspace', () => {
  const deleted = { name: 'ConflictError', reason: 'RecordDeleted', message: 'Workspace tuned in namespace default was deleted while this ran.' };

  it('takes back the pool that it has just asked for, and says nothing of one that costs money', async () => {
    const { cluster, cloud, execute } = createStage(record({ nodePool: nodePool() }));
    cloud.succeed();
    const execution = execute(planOf([steps.create]));
    cluster.remove('ConfigMap', 'tuned-kaito');
    await expect(execution.result).rejects.toMatchObject(deleted);
    expect(cloud.calls).toEqual(['create kpool', 'delete kpool', 'await delete kpool (delete-operation)']);
    expect(shortly(execution.items).slice(1)).toEqual(['note: Removing agent pool kpool, whose workspace was deleted meanwhile.']);
    expect(cluster.find('ConfigMap', 'tuned-kaito')).toBeUndefined();
  });

  it('tells the deletion as the reason, and what came of it as the fact', async () => {
    const { cluster, cloud, execution } = await untilTraining();
    cluster.remove('ConfigMap', 'tuned-kaito');
    cluster.remove('Job', 'tuned');
    await expect(execution.result).rejects.toMatchObject({ ...deleted, fact: 'Job/tuned is gone.' });
    expect(cloud.pools.size).toBe(0);
  });

  it('is not deceived by another workspace of that name', async () => {
    const { cluster, execution } = await untilTraining();
    cluster.remove('ConfigMap', 'tuned-kaito');
    cluster.put({ ...renderRecord(record()), metadata: { ...renderRecord(record()).metadata, uid: 'another' } });
    cluster.put(failed);
    cluster.put(job(jobCondition('Failed')));
    await expect(execution.result).rejects.toMatchObject(deleted);
    expect(cluster.find('ConfigMap', 'tuned-kaito')?.metadata.uid).toBe('another');
  });
});

describe('execute after a failure', () => {
  it('skips what is left, gives the nodes back, and then fails with the reason', async () => {
    const { cluster, cloud, execution, stored } = await untilTraining();
    cluster.put(failed);
    cluster.put(job(jobCondition('Failed')));
    await expect(execution.result).rejects.toMatchObject({ name: 'WorkloadError', reason: 'TrainingFailed' });
    expect(shortly(execution.items).slice(-2)).toEqual([expect.stringMatching(/^waiting|^start/), 'done delete-agent-pool: removed']);
    expect(cloud.pools.size).toBe(0);
    expect(stored()).toMatchObject({ nodePool: { releasedAt: expect.any(String) }, result: { outcome: 'Failed' } });
  });

  it('gives the nodes back when the Job cannot be submitted', async () => {
    const { cluster, cloud, execute } = createStage();
    cloud.succeed();
    cluster.refuse('Job', new ConflictError('Somebody else owns this Job.'));
    const execution = execute(planOf([steps.record, steps.create, steps.apply, steps.follow, steps.remove]));
    await expect(execution.result).rejects.toThrow('Somebody else owns this Job.');
    expect(cloud.pools.size).toBe(0);
    expect(shortly(execution.items)).not.toContain('start follow-tuning');
  });

  it('gives the nodes back when they do not come in time', async () => {
    const { clock, cloud, execute } = createStage();
    cloud.succeed();
    const execution = execute(planOf([steps.record, steps.create, steps.nodes, steps.remove]));
    await clock.advance(600_000);
    await expect(execution.result).rejects.toMatchObject({ name: 'TimeoutError', reason: 'NodeNotReady' });
    expect(cloud.pools.size).toBe(0);
  });

  it('removes nothing when nothing was recorded', async () => {
    const { cluster, cloud, execute } = createStage();
    cluster.refuse('ConfigMap', new AccessError('Forbidden.'));
    await expect(execute(planOf([steps.record, steps.create, steps.remove])).result).rejects.toThrow('Forbidden.');
    expect(cloud.calls).toEqual([]);
  });

  it('speaks of no nodes when Azure refused to make any', async () => {
    const { cloud, execute, stored } = createStage();
    cloud.refuse('create', new QuotaError('No quota.'));
    const execution = execute(planOf([steps.record, steps.create]));
    await expect(execution.result).rejects.toThrow('No quota.');
    expect(shortly(execution.items).filter((text) => text.startsWith('warning'))).toEqual([]);
    expect(stored()?.nodePool?.releasedAt).toBeDefined();
  });

  it('warns of nodes that a failed plan without an end leaves', async () => {
    const { cloud, cluster, execute } = createStage();
    cloud.succeed();
    cluster.refuse('Job', new ConflictError('Somebody else owns this.'));
    const execution = execute(planOf([steps.record, steps.create, steps.apply]));
    await execution.result.catch(() => {});
    expect(shortly(execution.items).at(-1)).toBe('warning: Agent pool kpool (1 x Standard_NV36ads_A10_v5) is still there and costs about $3.20 an hour.');
  });

  it('removes no pool that is not ours, though its name is the one of the plan', async () => {
    const cloud = createFakeCloud([agentPool({ tags: { team: 'search' } })]);
    const { execute } = createStage(undefined, cloud);
    const execution = execute(planOf([steps.record, steps.create, steps.remove]));
    await expect(execution.result).rejects.toMatchObject({ reason: 'AgentPoolNotOurs' });
    expect(cloud.pools.get('kpool')?.provisioningState).toBe('Succeeded');
    expect(cloud.calls).toEqual(['create kpool']);
  });

  it('fails with the first reason, tells the failure of the clean-up beside it, and says what costs money still', async () => {
    const { cluster, cloud, execution } = await untilTraining();
    cloud.refuse('delete', new AccessError('The login has expired.', { hints: ['az login'] }));
    cluster.put(failed);
    cluster.put(job(jobCondition('Failed')));
    await expect(execution.result).rejects.toMatchObject({ reason: 'TrainingFailed' });
    expect(execution.items.slice(-2)).toEqual([
      { type: 'warning', message: 'Remove agent pool kpool failed too: The login has expired.', hints: ['az login'] },
      { type: 'warning', message: 'Agent pool kpool (1 x Standard_NV36ads_A10_v5) is still there and costs about $3.20 an hour.', hints: ['kaito-ts delete tuned -n default'] },
    ]);
  });

  it.each([new FailedError('The cluster cannot be reached.'), new AccessError('The token has expired.')])('leaves the nodes to a Job that it only lost sight of: $message', async (error) => {
    const { cluster, cloud, execution, stored } = await untilTraining();
    cluster.break('Job', error);
    await expect(execution.result).rejects.toBe(error);
    expect(cloud.pools.get('kpool')?.provisioningState).toBe('Succeeded');
    expect(stored()?.result).toBeUndefined();
    expect(execution.items.at(-1)).toEqual({
      type: 'warning',
      message: 'The tuning Job is out of sight and goes on. Agent pool kpool (1 x Standard_NV36ads_A10_v5) is left to it, and costs about $3.20 an hour until it is removed.',
      hints: ['The same command again goes on from here.', 'kaito-ts status tuned -n default', 'kaito-ts delete tuned -n default   # undo'],
    });
  });

  it('leaves nodes that it brings back to a Job that may run on them already, when it loses sight of the cluster meanwhile', async () => {
    const { cluster, cloud, execute } = createStage(record({ nodePool: nodePool() }));
    const execution = execute(planOf([steps.create, steps.follow, steps.remove]));
    await settled();
    cluster.break('Node', away);
    await expect(execution.result).rejects.toBe(away);
    expect(cloud.calls).not.toContain('delete kpool');
    expect(shortly(execution.items).at(-1)).toMatch(/^warning: The tuning Job is out of sight and goes on\. Agent pool kpool .* is left to it/);
  });

  it('gives nodes back when it loses sight of the cluster before a Job was submitted', async () => {
    const { cluster, clock, cloud, execute } = createStage();
    const execution = execute(planOf([steps.record, steps.create, steps.apply, steps.follow, steps.remove]));
    await settled();
    cluster.break('Node', away);
    await settled();
    cloud.succeed();
    await clock.advance(60_000);
    await expect(execution.result).rejects.toBe(away);
    expect(cloud.pools.size).toBe(0);
    expect(shortly(execution.items).join('\n')).not.toMatch(/out of sight|still there/);
  });

  it('leaves nodes to a Job of which it does not know whether it was submitted', async () => {
    const { cluster, cloud, execute } = createStage();
    cloud.succeed();
    cluster.refuse('Job', away);
    cluster.break('Job', away);
    await expect(execute(planOf([steps.record, steps.create, steps.apply, steps.follow, steps.remove])).result).rejects.toBe(away);
    expect(cloud.pools.size).toBe(1);
  });

  it('gives nodes back when the cluster says that no Job was submitted', async () => {
    const { cluster, cloud, execute } = createStage();
    cloud.succeed();
    cluster.refuse('Job', away);
    await expect(execute(planOf([steps.record, steps.create, steps.apply, steps.follow, steps.remove])).result).rejects.toBe(away);
    expect(cloud.pools.size).toBe(0);
  });

  it('leaves a pool that Azure cannot be asked about, and says that it may cost money', async () => {
    const { cloud, execute, stored } = createStage();
    const execution = execute(planOf([steps.record, steps.create, steps.apply, steps.follow, steps.remove]));
    await settled();
    const unseen = new UnseenError('Azure cannot be asked.', { cause: new AccessError('The login has expired.') });
    cloud.fail(unseen);
    await expect(execution.result).rejects.toBe(unseen);
    expect(cloud.calls).not.toContain('delete kpool');
    expect(stored()?.nodePool).toMatchObject({ operation: { kind: 'create' } });
    expect(execution.items.at(-1)).toMatchObject({ type: 'warning', message: 'Agent pool kpool (1 x Standard_NV36ads_A10_v5) is left to Azure. While it is there it costs about $3.20 an hour.', hints: expect.arrayContaining(['kaito-ts delete tuned -n default   # undo']) });
  });
});

describe('execute when the cluster goes away after the tuning has ended', () => {
  it('gives the nodes back after a success, and says where the adapter is and what is left to do', async () => {
    const { cluster, cloud, execution } = await untilTraining();
    cluster.deny('ConfigMap', away);
    cluster.put(trained);
    cluster.put(job(jobCondition('Complete')));
    await expect(execution.result).rejects.toMatchObject({
      name: 'FailedError',
      message: 'The tuning has succeeded, and its adapter is registry.example/tuned:1; only the record of it could not be written.',
      fact: away.message,
      hints: ['The same command again writes it.'],
    });
    expect(cloud.pools.size).toBe(0);
    expect(shortly(execution.items)).toContain('done delete-agent-pool: removed');
    expect(shortly(execution.items).join('\n')).not.toMatch(/out of sight|still there/);
  });

  it('gives the nodes back after a failure, and fails with its reason', async () => {
    const { cluster, cloud, execution } = await untilTraining();
    cluster.deny('ConfigMap', away);
    cluster.put(failed);
    cluster.put(job(jobCondition('Failed')));
    await expect(execution.result).rejects.toMatchObject({ name: 'WorkloadError', reason: 'TrainingFailed' });
    expect(cloud.pools.size).toBe(0);
    expect(shortly(execution.items).at(-1)).toBe(`warning: What came of it could not be recorded: ${away.message}`);
  });

  it('writes all that happened as soon as the cluster is back', async () => {
    const { cluster, execution, stored } = await untilTraining();
    cluster.refuse('ConfigMap', away);
    cluster.put(trained);
    cluster.put(job(jobCondition('Complete')));
    await execution.result;
    expect(stored()).toMatchObject({ result: { outcome: 'Succeeded' }, nodePool: { releasedAt: expect.any(String) } });
  });

  it('gives the nodes back though the Job of a pod that can never run cannot be deleted', async () => {
    const { cluster, cloud, execution } = await untilTraining();
    cluster.refuse('Job', away);
    cluster.put(pod({ name: 'tuned-1', labels: { 'batch.kubernetes.io/job-name': 'tuned' }, phase: 'Pending', init: [waiting('weights', 'ImagePullBackOff', 'not found')] }));
    await expect(execution.result).rejects.toMatchObject({ name: 'WorkloadError' });
    expect(cloud.pools.size).toBe(0);
    expect(shortly(execution.items)).toContain(`warning: Job/tuned could not be deleted: ${away.message}`);
  });
});

describe('execute when interrupted', () => {
  it('says what goes on, what it costs, how to come back and how to end it', async () => {
    const { interrupt, cloud, execution } = await untilTraining();
    interrupt();
    await expect(execution.result).rejects.toMatchObject({
      name: 'InterruptedError',
      message: 'Interrupted.',
      exitCode: 130,
      fact: 'Follow Job/tuned: this goes on without kaito-ts. Agent pool kpool (1 x Standard_NV36ads_A10_v5) costs about $3.20 an hour until it is removed.',
      hints: ['The same command again goes on from here.', 'kaito-ts status tuned -n default', 'kaito-ts delete tuned -n default   # undo'],
    });
    expect(cloud.pools.size).toBe(1);
  });

  it('ends with the exit code of SIGTERM', async () => {
    const { interrupt, execution } = await untilTraining();
    interrupt('SIGTERM');
    await expect(execution.result).rejects.toMatchObject({ exitCode: 143, message: 'Terminated.' });
  });

  it('speaks of no costs before a pool was asked for', async () => {
    const { interrupt, execute, cloud } = createStage(record({ nodePool: nodePool() }));
    interrupt();
    await expect(execute(planOf([steps.record, steps.create])).result).rejects.toMatchObject({ fact: 'Write the owner record: this was left undone.' });
    expect(cloud.calls).toEqual([]);
  });

  it('speaks of no costs when the pool is gone', async () => {
    const stage = createStage(record({ nodePool: nodePool({ releasedAt: '2026-01-01T00:00:00Z' }) }));
    const execution = stage.execute(planOf([{ kind: 'await-gone', title: 'Wait for the pods to end', labelSelector: 'a=b', timeoutMs: 1_000 }]));
    stage.cluster.hold('Pod');
    stage.interrupt();
    await expect(execution.result).rejects.toMatchObject({ fact: 'Wait for the pods to end: this goes on without kaito-ts.' });
  });

  it('says that Azure goes on once it has taken the request', async () => {
    const { interrupt, execute } = createStage();
    const execution = execute(planOf([steps.record, steps.create, steps.remove]));
    await settled();
    interrupt();
    await expect(execution.result).rejects.toMatchObject({ fact: expect.stringMatching(/^Add agent pool kpool: this goes on without kaito-ts\. Agent pool kpool .* costs about \$3\.20 an hour/) });
  });
});
