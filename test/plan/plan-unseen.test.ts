import { describe, expect, it } from 'vitest';
import { parallelismOf } from '../../src/plan/parallelism.ts';
import { planUnseen } from '../../src/plan/plan-unseen.ts';
import { catalogue, servingFlags, templates, tuningFlags } from './support.ts';

type Flags = Parameters<typeof planUnseen>[0]['flags'];

const plan = (kind: 'tuning' | 'inference', changes: Partial<Flags> = {}, region = 'eastus') =>
  planUnseen({ kind, flags: { ...servingFlags(), ...tuningFlags(), ...changes }, basis: undefined, namespace: 'team', catalogue, region, templates });

describe('a plan in a cluster that nobody has looked at', () => {
  it('takes the cheapest machine that fits by the list prices of the region', () => {
    expect(plan('inference').plan.nodes.instanceType).toBe('Standard_NV36ads_A10_v5');
    // No A10 is sold there.
    expect(plan('inference', {}, 'norwayeast').plan.nodes.instanceType).toBe('Standard_ND96amsr_A100_v4');
  });

  it('takes the first of several machines, because nobody is asked for the next', () => {
    expect(plan('inference', { instanceType: 'Standard_NC96ads_A100_v4,Standard_NC24ads_A100_v4' }).plan.nodes.instanceType).toBe('Standard_NC96ads_A100_v4');
  });

  it('takes Secrets to be as they should be', () => {
    const { plan: tuning } = plan('tuning', { outputImage: 'r.io/a:1', outputImageSecret: 'push', inputImage: 'r.io/data:1', inputImageSecret: 'pull' });
    expect(tuning.checks.filter(({ verdict }) => verdict === 'refused')).toEqual([]);
    expect(plan('inference', { preset: 'llama-3.1-8b-instruct', modelAccessSecret: 'hf' }).plan.steps.length).toBeGreaterThan(0);
    const both = plan('inference', { preset: 'llama-3.1-8b-instruct', modelAccessSecret: 'hf', adapter: ['mine=r.io/mine:1'], adapterSecret: 'hf' });
    expect(both.plan.checks.filter(({ verdict }) => verdict === 'refused')).toEqual([]);
  });

  it('assumes one GPU of existing nodes, and says that their memory is not known', () => {
    const { plan: serving } = plan('inference', { nodes: 'pool=gpu' });
    expect(serving.nodes).toEqual({ provisioner: 'byo', count: 1, gpusPerNode: 1 });
    expect(serving.warnings.join()).toMatch(/do not say how much GPU memory/);
  });

  it('does not guess where the adapter of a tuning is', () => {
    expect(() => plan('inference', { adapter: ['mine'] })).toThrow(expect.objectContaining({ reason: 'AdapterUnknown', hints: ['--adapter mine=<image>'] }));
  });

  it.each([
    ['phi-4', 'Standard_NC24ads_A100_v4', { tensor: 1, pipeline: 1, data: 1 }],
    ['phi-4', 'Standard_NC48ads_A100_v4', { tensor: 1, pipeline: 1, data: 2 }],
    ['llama-3.3-70b-instruct', 'Standard_NC96ads_A100_v4', { tensor: 4, pipeline: 1, data: 1 }],
    ['deepseek-r1-0528', 'Standard_ND96isr_H100_v5', { tensor: 8, pipeline: 2, data: 1 }],
  ])('spreads %s over %s as vLLM is told', (preset, instanceType, expected) => {
    const unseen = plan('inference', { preset, instanceType, modelAccessSecret: 'hf' });
    expect(parallelismOf(unseen.plan, unseen.preset)).toEqual(expected);
  });

  it('trains, and serves with transformers, as one', () => {
    const one = { tensor: 1, pipeline: 1, data: 1 };
    const tuning = plan('tuning', { instanceType: 'Standard_NC48ads_A100_v4' });
    const transformers = plan('inference', { preset: 'phi-4', runtime: 'transformers', instanceType: 'Standard_NC48ads_A100_v4' });
    expect([parallelismOf(tuning.plan, tuning.preset), parallelismOf(transformers.plan, transformers.preset)]).toEqual([one, one]);
  });
});
