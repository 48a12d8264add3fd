import { describe, expect, it } from 'vitest';
import type { Facts } from '../../src/domain/facts.ts';
import type { KubernetesObject } from '../../src/domain/kubernetes.ts';
import type { Plan } from '../../src/domain/plan.ts';
import type { OwnerRecord } from '../../src/domain/record.ts';
import { planTuning } from '../../src/plan/plan-tuning.ts';
import { toTuningRequest, type TuningFlags } from '../../src/plan/tuning-request.ts';
import { jobCondition, record, servingWorkspace } from '../flow/support.ts';
import { afterwards, azureFacts, catalogue, facts, poolOf, quota, stepKinds, templates, tuningFlags, withStatus } from './support.ts';

const name = 'phi-3-mini-128k-instruct-qlora';
const image = { outputImage: 'registry.example/adapters/mine:1' };

const plan = (flags: Partial<TuningFlags> = {}, observed: Facts = facts()): Plan =>
  planTuning(toTuningRequest(tuningFlags({ ...image, ...flags }), 'default', catalogue, observed.record?.record), observed, templates);

const first = plan();

/** The facts of a later moment: what the first plan left, with the Job and the record as they are then. */
const later = ({ job, stored = {}, pool = 'Succeeded', left = {} }: { job?: object | undefined; stored?: Partial<OwnerRecord>; pool?: string | undefined; left?: Record<string, number> } = {}): Facts => {
  const { record: owner, existing } = afterwards(first, stored);
  const kept = job === undefined ? existing.filter(({ kind }) => kind !== 'Job') : existing.map((object: KubernetesObject) => (object.kind === 'Job' ? withStatus(object, job) : object));
  return facts({ ...(owner ? { record: owner } : {}), existing: kept, azure: azureFacts({ agentPools: pool === 'none' ? [] : poolOf(first, pool), usages: quota(left) }) });
};

const recordedPool = later().record?.record.nodePool;
if (!recordedPool) throw new Error('A tuning on AKS records its pool.');
const released = { ...recordedPool, releasedAt: '2026-01-01T01:00:00Z' };
const succeeded = { outcome: 'Succeeded' as const, finishedAt: '2026-01-01T01:00:00Z' };
const failed = { outcome: 'Failed' as const, finishedAt: '2026-01-01T01:00:00Z' };

describe('the first plan of a tuning', () => {
  it('writes the record before anything that costs money, and gives the nodes back at the end', () => {
    expect(stepKinds(first)).toEqual(['record', 'create-agent-pool', 'await-nodes', 'apply ConfigMap', 'apply Job', 'follow-tuning', 'delete-agent-pool']);
  });

  it('makes the claim for the adapter when there is no registry, and nothing of the workspace owns it', () => {
    const toClaim = planTuning(toTuningRequest(tuningFlags(), 'default', catalogue, undefined), facts(), templates);
    expect(toClaim.steps).toContainEqual(expect.objectContaining({ kind: 'apply', owned: false, object: expect.objectContaining({ kind: 'PersistentVolumeClaim', metadata: expect.objectContaining({ name: `${name}-adapter` }) }) }));
    expect(toClaim.steps).toContainEqual(expect.objectContaining({ kind: 'follow-tuning', title: `Follow Job/${name} until the adapter is written`, adapter: { kind: 'claim', claimName: `${name}-adapter`, path: '' } }));
  });

  it('follows the Job a little longer than the Job may run', () => {
    expect(first.steps).toContainEqual(expect.objectContaining({ kind: 'follow-tuning', timeoutMs: 4 * 3_600_000 + 15 * 60_000 }));
  });

  it('leaves the Job and its nodes to the cluster with --no-wait, and the nodes to the user with --keep-nodes', () => {
    expect(stepKinds(plan({ wait: false }))).toEqual(['record', 'create-agent-pool', 'apply ConfigMap', 'apply Job']);
    expect(stepKinds(plan({ keepNodes: true }))).not.toContain('delete-agent-pool');
  });

  it('records the instance type that was chosen, so that a later run takes the same', () => {
    expect(first.workspace.resource.instanceType).toBe(first.nodes.instanceType);
    expect(first.nodes.instanceType).toMatch(/^Standard_/);
  });

  it('refuses a claim and a ConfigMap that are not there, unless it makes them itself', () => {
    const missing = (kind: 'ConfigMap' | 'PersistentVolumeClaim', name: string) => facts({ missing: [{ kind, name }] });
    expect(() => plan({}, missing('PersistentVolumeClaim', 'data'))).toThrow(expect.objectContaining({ name: 'PreflightError', reason: 'PersistentVolumeClaimNotFound', message: 'PersistentVolumeClaim/data does not exist in namespace default.' }));
    expect(() => plan({}, missing('ConfigMap', 'mine'))).toThrow(expect.objectContaining({ reason: 'ConfigMapNotFound', hints: ['kubectl get configmap -n default   # what there is'] }));
    expect(stepKinds(planTuning(toTuningRequest(tuningFlags(), 'default', catalogue, undefined), missing('PersistentVolumeClaim', `${name}-adapter`), templates))).toContain('apply PersistentVolumeClaim');
  });

  it('refuses what was not allowed, and what is not there, before anything is written', () => {
    expect(() => plan({}, facts({ permissions: [{ what: 'patch jobs.batch', isAllowed: false }] }))).toThrow(expect.objectContaining({ name: 'AccessError' }));
    expect(() => plan({ outputImageSecret: 'push' }, facts({ secrets: { push: 'missing' } }))).toThrow(expect.objectContaining({ reason: 'SecretNotFound' }));
    expect(() => plan({}, facts({ push: { canPush: false, reason: 'refused', fact: '401' } }))).toThrow(expect.objectContaining({ reason: 'PushRefused' }));
  });

  it('does not take the name of a served workspace', () => {
    expect(() => plan({ name: 'served' }, facts({ record: { uid: 'uid-1', record: record({ workspace: servingWorkspace() }) } }))).toThrow(expect.objectContaining({ name: 'ConflictError', reason: 'WorkspaceIsServed' }));
  });
});

describe('a later plan of the same tuning', () => {
  it.each<[string, Facts, string[]]>([
    ['after the record was written and no pool was asked for', later({ pool: 'none' }), ['record', 'create-agent-pool', 'await-nodes', 'apply Job', 'follow-tuning', 'delete-agent-pool']],
    ['while Azure makes the pool', later({ pool: 'Creating', stored: { nodePool: { ...recordedPool, operation: { kind: 'create', state: 's' } } } }), ['create-agent-pool', 'await-nodes', 'apply Job', 'follow-tuning', 'delete-agent-pool']],
    ['when the pool is there and nothing was submitted', later(), ['await-nodes', 'apply Job', 'follow-tuning', 'delete-agent-pool']],
    ['while the Job runs', later({ job: { active: 1 } }), ['follow-tuning', 'delete-agent-pool']],
    ['while the Job runs and its nodes were removed behind its back', later({ job: { active: 1 }, pool: 'none' }), ['record', 'create-agent-pool', 'follow-tuning', 'delete-agent-pool']],
    ['when the Job has succeeded and nobody took note', later({ job: jobCondition('Complete') }), ['follow-tuning', 'delete-agent-pool']],
    ['when it has succeeded and its nodes have gone already', later({ job: jobCondition('Complete'), pool: 'none', stored: { nodePool: released } }), ['follow-tuning', 'delete-agent-pool']],
    ['when the Job has failed', later({ job: jobCondition('Failed') }), ['record', 'delete-object', 'await-nodes', 'apply ConfigMap', 'apply Job', 'follow-tuning', 'delete-agent-pool']],
    ['when it has failed and was given back', later({ job: jobCondition('Failed'), pool: 'none', stored: { nodePool: released, result: failed } }), ['record', 'delete-object', 'create-agent-pool', 'await-nodes', 'apply ConfigMap', 'apply Job', 'follow-tuning', 'delete-agent-pool']],
    ['when it has failed and the Job is long gone', later({ pool: 'none', stored: { nodePool: released, result: failed } }), ['record', 'create-agent-pool', 'await-nodes', 'apply ConfigMap', 'apply Job', 'follow-tuning', 'delete-agent-pool']],
    ['when it was given up and its Job is still stuck', later({ job: { active: 1 }, stored: { result: failed } }), ['record', 'delete-object', 'await-nodes', 'apply ConfigMap', 'apply Job', 'follow-tuning', 'delete-agent-pool']],
    ['when it was given up and came to a good end after all', later({ job: jobCondition('Complete'), stored: { result: failed } }), ['follow-tuning', 'delete-agent-pool']],
    ['when it has succeeded and the nodes are left', later({ stored: { result: succeeded } }), ['delete-agent-pool']],
    ['when it was interrupted while the nodes were given back', later({ pool: 'Deleting', stored: { result: succeeded, nodePool: { ...recordedPool, operation: { kind: 'delete', state: 's' } } } }), ['delete-agent-pool']],
    ['when it is over', later({ pool: 'none', stored: { result: succeeded, nodePool: released } }), []],
  ])('does what is left: %s', (_, observed, kinds) => {
    expect(stepKinds(plan({}, observed))).toEqual(kinds);
  });

  it('deletes what it deletes through the operation that an earlier run began', () => {
    const operation = { kind: 'delete' as const, state: 's' };
    expect(plan({}, later({ pool: 'Deleting', stored: { result: succeeded, nodePool: { ...recordedPool, operation } } })).steps).toEqual([expect.objectContaining({ kind: 'delete-agent-pool', resume: operation })]);
  });

  it('counts the revision up when it begins again, and not otherwise', () => {
    const revisionOf = (observed: Facts) => plan({}, observed).steps.find((step) => step.kind === 'record')?.revision;
    expect(revisionOf(later({ pool: 'none' }))).toBe(1);
    expect(revisionOf(later({ job: jobCondition('Failed') }))).toBe(2);
  });

  it('needs neither quota nor permission nor costs anything when it is over', () => {
    const observed = { ...later({ pool: 'none', stored: { result: succeeded, nodePool: released }, left: { StandardNVADSA10v5Family: 0, cores: 0 } }), permissions: [{ what: 'patch jobs.batch', isAllowed: false }] };
    expect(plan({}, observed)).toMatchObject({ steps: [], checks: [], nodes: { count: 0 } });
    expect(plan({}, observed).cost).toBeUndefined();
  });

  it('leaves the nodes of a finished tuning there with --keep-nodes', () => {
    expect(plan({ keepNodes: true }, later({ stored: { result: succeeded } })).steps).toEqual([]);
  });

  it('takes all from the record when only the name is given', () => {
    const observed = later({ job: { active: 1 } });
    const request = toTuningRequest(tuningFlags({ name, preset: undefined }), 'default', catalogue, observed.record?.record);
    expect(stepKinds(planTuning(request, observed, templates))).toEqual(['follow-tuning', 'delete-agent-pool']);
  });
});

describe('other settings under the same name', () => {
  it.each<[string, Facts, RegExp]>([
    ['while it runs', later({ job: { active: 1 } }), /is being tuned with other settings/],
    ['when it has succeeded and nobody took note', later({ job: jobCondition('Complete') }), /is being tuned with other settings/],
    ['when it is over', later({ pool: 'none', stored: { result: succeeded, nodePool: released } }), /was tuned with other settings/],
  ])('are refused %s, with what differs', (_, observed, message) => {
    expect(() => plan({ method: 'lora', name }, observed)).toThrow(expect.objectContaining({ name: 'ConflictError', reason: 'WorkspaceDiffers', message: expect.stringMatching(message), fact: 'tuning.method: qlora there, lora wanted' }));
  });

  it.each<[string, Facts]>([
    ['before anything was submitted', later()],
    ['after a failure', later({ job: jobCondition('Failed') })],
    ['after it was given up', later({ job: { active: 1 }, stored: { result: failed } })],
  ])('are taken %s, as a new revision', (_, observed) => {
    const { steps } = plan({ method: 'lora', name }, observed);
    expect(steps).toContainEqual(expect.objectContaining({ kind: 'record', revision: 2 }));
    expect(steps).toContainEqual(expect.objectContaining({ kind: 'apply', object: expect.objectContaining({ kind: 'Job' }) }));
  });

  it('of the machine remove the nodes of the first attempt before they take others', () => {
    const { steps } = plan({ instanceType: 'Standard_NC24ads_A100_v4' }, later());
    expect(steps.slice(0, 3).map(({ kind }) => kind)).toEqual(['delete-agent-pool', 'record', 'create-agent-pool']);
    expect(steps[0]).toMatchObject({ name: recordedPool.name });
  });
});
