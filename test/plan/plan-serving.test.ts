import { describe, expect, it } from 'vitest';
import type { Facts, TuningFacts } from '../../src/domain/facts.ts';
import type { Plan } from '../../src/domain/plan.ts';
import { planServing } from '../../src/plan/plan-serving.ts';
import { toServingRequest, type ServingFlags } from '../../src/plan/serving-request.ts';
import { record } from '../flow/support.ts';
import { afterwards, azureFacts, catalogue, facts, poolOf, presetNamed, stepKinds, templates, servingFlags } from './support.ts';

const name = 'phi-3-mini-128k-instruct';
const tuned: TuningFacts = { kind: 'tuning', preset: name, rank: 8, result: { outcome: 'Succeeded', finishedAt: '', adapter: { kind: 'image', reference: 'registry.example/tuned:1' } } };
const pinned: TuningFacts = { ...tuned, result: { outcome: 'Succeeded', finishedAt: '', adapter: { kind: 'image', reference: 'registry.example/pinned:1', digest: `sha256:${'a'.repeat(64)}` } } };

const plan = (flags: Partial<ServingFlags> = {}, observed: Facts = facts(), tunings: Record<string, TuningFacts | 'missing'> = { tuned, pinned }): Plan =>
  planServing(toServingRequest(servingFlags(flags), 'default', catalogue, observed.record?.record, tunings), observed, templates);

/** What is there when that plan was carried out, or as far as its nodes. */
const after = (earlier: Plan, { isSubmitted = true } = {}): Facts => {
  const { record: owner, existing } = afterwards(earlier);
  return facts({ ...(owner ? { record: owner } : {}), existing: isSubmitted ? existing : [], azure: azureFacts({ agentPools: poolOf(earlier) }) });
};

describe('the first plan of a server', () => {
  it('writes the record, adds the nodes, submits, and waits for the server', () => {
    expect(stepKinds(plan())).toEqual(['record', 'create-agent-pool', 'await-nodes', 'apply Service', 'apply Deployment', 'await-server']);
  });

  it('is over when all is submitted with --no-wait', () => {
    expect(stepKinds(plan({ wait: false })).at(-1)).toBe('apply Deployment');
  });

  it('takes several nodes for a model that needs them, as a StatefulSet', () => {
    const large = plan({ preset: 'llama-3.3-70b-instruct', modelAccessSecret: 'hf', instanceType: 'Standard_NC24ads_A100_v4' }, facts({ secrets: { hf: { type: 'Opaque', keys: ['HF_TOKEN'] } } }));
    expect(large.nodes.count).toBeGreaterThan(1);
    expect(stepKinds(large)).toContain('apply StatefulSet');
    expect(large.steps.at(-1)).toMatchObject({ kind: 'await-server', workload: { kind: 'StatefulSet', name: 'llama-3.3-70b-instruct'.replaceAll('.', '-') } });
  });

  it('asks for the permissions of the workload that it makes, and not of the other', () => {
    const permissions = [{ what: 'patch deployments.apps', isAllowed: true }, { what: 'patch statefulsets.apps', isAllowed: false }];
    expect(plan({}, facts({ permissions })).checks[0]).toMatchObject({ what: 'permissions', fact: 'patch deployments.apps' });
    const several = { preset: 'llama-3.3-70b-instruct', modelAccessSecret: 'hf', instanceType: 'Standard_NC24ads_A100_v4' };
    expect(() => plan(several, facts({ permissions, secrets: { hf: { type: 'Opaque', keys: ['HF_TOKEN'] } } }))).toThrow(expect.objectContaining({ name: 'AccessError', fact: 'patch statefulsets.apps: no' }));
  });

  it('costs money until it is deleted', () => {
    expect(plan().cost).toMatchObject({ perHourUsd: expect.any(Number) });
    expect(plan().cost).not.toHaveProperty('limitUsd');
  });

  it('allows a large model more time', () => {
    const timeoutOf = (planned: Plan) => planned.steps.find((step) => step.kind === 'await-server')?.timeoutMs;
    expect(timeoutOf(plan())).toBe(30 * 60_000);
    expect(timeoutOf(plan({ readinessTimeoutMs: 5_000 }))).toBe(5_000);
  });

  it('refuses a gated model without a token, and with a Secret that has none', () => {
    const gated = presetNamed('llama-3.1-8b-instruct');
    expect(gated.gated).toBe(true);
    expect(() => plan({ preset: gated.name })).toThrow(expect.objectContaining({ name: 'PreflightError', reason: 'ModelAccessSecretMissing', hints: [expect.stringMatching(/^kubectl create secret generic hf-token -n default/), 'And add --model-access-secret hf-token.'] }));
    expect(() => plan({ preset: gated.name, modelAccessSecret: 'hf' }, facts({ secrets: { hf: { type: 'Opaque', keys: ['token'] } } }))).toThrow(expect.objectContaining({ message: 'Secret hf has no key HF_TOKEN.' }));
  });

  it('refuses a pull secret for adapters that holds no credentials', () => {
    expect(() => plan({ adapter: ['mine=registry.example/mine:1'], adapterSecret: 'pull' }, facts({ secrets: { pull: { type: 'Opaque', keys: [] } } }))).toThrow(expect.objectContaining({ reason: 'SecretOfWrongType' }));
  });

  it('is sized for the context that the ConfigMap gives, from the file before the cluster, and says so', () => {
    const config = (tokens: number | string) => `vllm:\n  max-model-len: ${tokens} # a comment\n`;
    const flags = { preset: 'phi-4-mini-instruct', instanceType: 'Standard_NV36ads_A10_v5', config: 'ctx' };
    const configured = (tokens: number | string) => plan(flags, facts({ configuration: { 'inference_config.yaml': config(tokens) } }));
    expect(plan(flags).nodes.count).toBe(1);
    expect(configured(131_072)).toMatchObject({ nodes: { count: 5 }, choices: expect.arrayContaining([{ what: 'context-length', value: '131072', why: 'max-model-len in ConfigMap/ctx' }]) });
    expect(configured('auto').nodes.count).toBe(1);
    expect(() => configured(131_073)).toThrow(expect.objectContaining({ reason: 'ContextTooLong', message: 'ConfigMap ctx wants a context of 131073 tokens, and phi-4-mini-instruct has 131072.' }));
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'ctx' }, data: { 'inference_config.yaml': config(131_072) } };
    const request = toServingRequest(servingFlags(flags), 'default', catalogue, undefined, {});
    expect(planServing({ ...request, objects: [object] }, facts({ configuration: { 'inference_config.yaml': config(2048) } }), templates).nodes.count).toBe(5);
  });

  it('is not split over slices of a GPU, which cannot work together', () => {
    const sliced = (gpuCount: number, gpuMemoryGiB: number) => ({ name: 'a', isReady: true, labels: { pool: 'gpu', 'nvidia.com/mig.config': 'all-3g.40gb', 'nvidia.com/mig.config.state': 'success' }, taints: [], gpuCount, gpuMemoryGiB });
    const on = (preset: string, gpuCount: number, gpuMemoryGiB: number) => plan({ preset, nodes: 'pool=gpu' }, facts({ nodes: [sliced(gpuCount, gpuMemoryGiB)] })).nodes;
    expect(on('phi-4-mini-instruct', 2, 39)).toMatchObject({ count: 1, gpusPerNode: 2 });
    expect(on('phi-4', 2, 39)).toMatchObject({ count: 1, gpusPerNode: 1 });
    expect(() => on('phi-4', 3, 20)).toThrow(expect.objectContaining({ reason: 'DoesNotFit', fact: expect.stringContaining('slices (MIG) cannot work on one model together') }));
  });

  it('does not serve a model on several nodes with a runtime that cannot', () => {
    expect(() => plan({ preset: 'phi-4', runtime: 'transformers', instanceType: 'Standard_NV36ads_A10_v5' })).toThrow(
      expect.objectContaining({ name: 'PreflightError', fact: expect.stringContaining('27.31 GiB of weights are more than the 1 x 24 GiB of one node, and the transformers runtime serves from one') }),
    );
  });
});

describe('a later plan of the same server', () => {
  it('only waits when everything is there', () => {
    expect(stepKinds(plan({}, after(plan())))).toEqual(['await-nodes', 'await-server']);
  });

  it('goes on after the nodes when nothing was submitted', () => {
    expect(stepKinds(plan({}, after(plan(), { isSubmitted: false })))).toEqual(['await-nodes', 'apply Service', 'apply Deployment', 'await-server']);
  });

  it('takes all from the record when only the name is given', () => {
    expect(stepKinds(plan({ name, preset: undefined }, after(plan())))).toEqual(['await-nodes', 'await-server']);
  });

  it('changes what differs, as a new revision, when an adapter is added', () => {
    const changed = plan({ adapter: ['tuned'] }, after(plan()));
    expect(stepKinds(changed)).toEqual(['record', 'await-nodes', 'apply Service', 'apply Deployment', 'await-server']);
    expect(changed.steps[0]).toMatchObject({ revision: 2 });
    expect(stepKinds(plan({ adapter: ['tuned'] }, after(plan({ adapter: ['tuned'] }))))).toEqual(['await-nodes', 'await-server']);
  });

  it.each<[string, Partial<ServingFlags>, string]>([
    ['of a tuning', { adapter: ['pinned'] }, `registry.example/pinned:1@sha256:${'a'.repeat(64)}`],
    ['made elsewhere', { adapter: ['mine=registry.example/mine:1'] }, 'registry.example/mine:1'],
  ])('refuses an adapter %s whose image is not there, unless it is served already', (_, flags, image) => {
    const pulls = { pulls: { [image]: { canPull: false as const, reason: 'missing' as const, fact: '404' } } };
    expect(() => plan(flags, facts(pulls))).toThrow(expect.objectContaining({ reason: 'ImageNotFound', message: `Image ${image} does not exist.` }));
    expect(stepKinds(plan(flags, { ...after(plan(flags)), ...pulls }))).toEqual(['await-nodes', 'await-server']);
  });

  it.each<[string, Partial<ServingFlags>]>([
    ['another model', { name, preset: 'phi-4-mini-instruct' }],
    ['another instance type', { instanceType: 'Standard_NC24ads_A100_v4' }],
  ])('refuses %s under the same name once it was submitted', (_, flags) => {
    expect(() => plan(flags, after(plan()))).toThrow(expect.objectContaining({ name: 'ConflictError', reason: 'WorkspaceDiffers', hints: expect.arrayContaining([`kaito-ts delete ${name} -n default`]) }));
  });

  it('takes another instance type as long as nothing was submitted, and removes the first nodes', () => {
    expect(stepKinds(plan({ instanceType: 'Standard_NC24ads_A100_v4' }, after(plan(), { isSubmitted: false }))).slice(0, 3)).toEqual(['delete-agent-pool', 'record', 'create-agent-pool']);
  });

  it('does not take the name of a tuning', () => {
    expect(() => plan({ name: 'tuned' }, facts({ record: { uid: 'uid-1', record: record() } }))).toThrow(expect.objectContaining({ name: 'ConflictError', reason: 'WorkspaceIsTuning', hints: ['Choose another name, and serve its adapter with --adapter tuned.'] }));
  });
});

describe('the adapter of a tuning', () => {
  it.each<[string, TuningFacts | 'missing', object]>([
    ['that does not exist', 'missing', { name: 'NotFoundError', message: 'There is no tuning tuned in namespace default.' }],
    ['that is not finished', { kind: 'tuning', preset: name, rank: 8 }, { name: 'PreflightError', message: 'Tuning tuned has not finished, so it has no adapter yet.' }],
    ['that failed', { kind: 'tuning', preset: name, rank: 8, result: { outcome: 'Failed', finishedAt: '', message: 'CUDA out of memory' } }, { name: 'PreflightError', message: 'Tuning tuned failed, so it has no adapter.', fact: 'CUDA out of memory' }],
    ['of another model', { ...tuned, preset: 'phi-4' }, { name: 'PreflightError', reason: 'AdapterForOtherModel', message: `Adapter tuned was tuned for phi-4 and does not fit ${name}.` }],
  ])('is refused from one %s', (_, tuning, expected) => {
    expect(() => plan({ adapter: ['tuned'] }, facts(), { tuned: tuning })).toThrow(expect.objectContaining(expected));
  });

  it('fits the model by any of its names', () => {
    for (const known of [name, 'microsoft/Phi-3-mini-128k-instruct']) expect(stepKinds(plan({ adapter: ['tuned'] }, facts(), { tuned: { ...tuned, preset: known } }))).toContain('await-server');
  });
});
