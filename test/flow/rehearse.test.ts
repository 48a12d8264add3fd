import { describe, expect, it } from 'vitest';
import { AccessError, ConflictError, FailedError, PreflightError } from '../../src/domain/errors.ts';
import type { KubernetesObject } from '../../src/domain/kubernetes.ts';
import type { Step } from '../../src/domain/plan.ts';
import { settled } from '../support/manual-clock.ts';
import { createStage, nodePool, planOf } from './support.ts';

const job: KubernetesObject = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'tuned', namespace: 'default' }, spec: { template: { metadata: { labels: { a: 'b' } }, spec: { containers: [] } } } };
const record: Step = { kind: 'record', title: 'Write the owner record', revision: 1, nodePool: nodePool({ requestedAt: '' }) };
const create: Step = { kind: 'create-agent-pool', title: 'Add agent pool kpool', pool: { name: 'kpool', instanceType: 'Standard_NV36ads_A10_v5', count: 1, osDiskGiB: 256, labels: {}, taints: [], tags: {}, spot: false }, timeoutMs: 600_000 };
const apply: Step = { kind: 'apply', title: 'Create Job/tuned', object: job, owned: true };

const policy = new PreflightError('A policy of the cluster refuses it.', { reason: 'AdmissionDenied' });

describe('what the cluster would refuse', () => {
  it.each<[string, string, Error]>([
    ['a policy that refuses the Job', 'Job', policy],
    ['a policy that refuses its pod', 'Pod', policy],
    ['a namespace that is being deleted', 'Job', new ConflictError('The namespace default is being deleted.')],
    ['a webhook that does not answer', 'Job', new FailedError('It could not be asked.', { reason: 'WebhookFailed' })],
  ])('ends the run before anything is written or rented: %s', async (_what, kind, error) => {
    const stage = createStage();
    stage.cluster.deny(kind, error);
    const execution = stage.execute(planOf([record, create, apply]));
    await expect(execution.result).rejects.toBe(error);
    expect(stage.cluster.writes).toEqual([]);
    expect(stage.cloud.calls).toEqual([]);
  });

  it.each<[string, string, Error]>([
    ['whoever may not make pods himself', 'Pod', new AccessError('Not permitted: create Pod/tuned.')],
    ['a webhook that cannot be asked in a rehearsal', 'Pod', new FailedError('It does not support dry run.')],
  ])('is not taken for a refusal: %s', async (_what, kind, error) => {
    const stage = createStage();
    stage.cloud.succeed();
    stage.cluster.deny(kind, error);
    await stage.execute(planOf([record, create, apply])).result;
    expect(stage.cluster.writes).toContain('apply Job/tuned');
  });

  it('is not asked where no nodes are rented, nor of what is deleted first', async () => {
    const stage = createStage();
    stage.cluster.deny('Pod', policy);
    await stage.execute(planOf([record, apply])).result;
    stage.cloud.succeed();
    const removal: Step = { kind: 'delete-object', title: 'Delete Job/tuned', object: { kind: 'Job', name: 'tuned' }, timeoutMs: 60_000 };
    await stage.execute(planOf([record, removal, create, apply])).result;
    await settled();
    expect(stage.cluster.writes.filter((write) => write === 'apply Job/tuned')).toHaveLength(2);
  });
});
