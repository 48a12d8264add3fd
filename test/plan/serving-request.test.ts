import { describe, expect, it } from 'vitest';
import type { TuningFacts } from '../../src/domain/facts.ts';
import type { OwnerRecord } from '../../src/domain/record.ts';
import { parseAdapters, toServingRequest, type ServingFlags } from '../../src/plan/serving-request.ts';
import { record } from '../flow/support.ts';
import { catalogue, servingFlags } from './support.ts';

const tunings: Record<string, TuningFacts> = {
  pushed: { kind: 'tuning', preset: 'phi-3-mini-128k-instruct', rank: 16, imagePullSecret: 'push', result: { outcome: 'Succeeded', finishedAt: '', adapter: { kind: 'image', reference: 'registry.example/mine:1', digest: 'sha256:abc' } } },
  kept: { kind: 'tuning', preset: 'phi-3-mini-128k-instruct', rank: 8, result: { outcome: 'Succeeded', finishedAt: '', adapter: { kind: 'claim', claimName: 'kept-adapter', path: '' } } },
};
const request = (flags: Partial<ServingFlags> = {}, stored?: OwnerRecord) => toServingRequest(servingFlags(flags), 'default', catalogue, stored, tunings);
const storedOf = (flags: Partial<ServingFlags>): OwnerRecord => {
  const { workspace } = request(flags);
  // The plan decides the instance type of new nodes, and it is recorded.
  return record({ workspace: { ...workspace, resource: flags.nodes === undefined ? { instanceType: 'Standard_NC24ads_A100_v4', ...workspace.resource } : workspace.resource } });
};

describe('a server of which only the model is said', () => {
  it('is filled with defaults', () => {
    expect(request()).toMatchObject({
      workspace: { apiVersion: 'kaito.sh/v1beta1', kind: 'Workspace', metadata: { name: 'phi-3-mini-128k-instruct', namespace: 'default' }, resource: { labelSelector: { matchLabels: { apps: 'phi-3-mini-128k-instruct' } } }, inference: { preset: { name: 'phi-3-mini-128k-instruct' } } },
      runtime: 'vllm',
      adapters: [],
      provisioner: 'aks',
      keepNodes: true,
      readinessTimeoutMs: 30 * 60_000,
    });
  });

  it('has a name that Kubernetes takes, though the model has another', () => {
    expect(request({ preset: 'llama-3.1-8b-instruct' }).workspace.metadata.name).toBe('llama-3-1-8b-instruct');
  });
});

describe('what is said', () => {
  it.each<[string, Partial<ServingFlags>, object]>([
    ['the runtime', { runtime: 'transformers' }, { metadata: { annotations: { 'kaito.sh/runtime': 'transformers' } } }],
    ['a token', { modelAccessSecret: 'hf' }, { inference: { preset: { presetOptions: { modelAccessSecret: 'hf' } } } }],
    ['a configuration', { config: 'mine' }, { inference: { config: 'mine' } }],
    ['a tuning that was pushed', { adapter: ['pushed'] }, { inference: { adapters: [{ source: { name: 'pushed', image: 'registry.example/mine:1@sha256:abc', imagePullSecrets: ['push'] } }] } }],
    ['a tuning that is in a claim', { adapter: ['kept'] }, { inference: { adapters: [{ source: { name: 'kept', volumeSource: { persistentVolumeClaim: { claimName: 'kept-adapter' } } } }] } }],
    ['an image under a name', { adapter: ['other=registry.example/other:1'], adapterSecret: 'pull' }, { inference: { adapters: [{ source: { name: 'other', image: 'registry.example/other:1', imagePullSecrets: ['pull'] } }] } }],
    ['existing nodes', { nodes: 'pool=gpu' }, { resource: { labelSelector: { matchLabels: { pool: 'gpu' } } } }],
  ])('is in the Workspace: %s', (_, flags, expected) => {
    expect(request(flags).workspace).toMatchObject(expected);
  });

  it('of a tuning brings its rank along, and of an image does not guess it', () => {
    expect(request({ adapter: ['pushed', 'other=registry.example/other:1'] }).adapters.map(({ rank }) => rank)).toEqual([16, undefined]);
  });

  it.each<[string, Partial<ServingFlags>, string]>([
    ['no model', { preset: undefined }, 'Say which model to serve.'],
    ['an unknown runtime', { runtime: 'triton' }, 'There is no runtime "triton".'],
    ['a runtime that does not serve the model', { preset: 'deepseek-v3.2', runtime: 'transformers' }, 'Preset deepseek-v3.2 cannot be served with the transformers runtime.'],
    ['an adapter twice', { adapter: ['kept', 'kept'] }, 'Adapter kept was given twice.'],
    ['too many adapters', { adapter: Array.from({ length: 11 }, (_, index) => `a${index}`) }, 'At most 10 adapters can be served, and 11 were given.'],
    ['an adapter name that is none', { adapter: ['My_Adapter'] }, '"My_Adapter" cannot be the name of an adapter.'],
    ['an adapter image without a name', { adapter: ['registry.example/other:1'] }, '"registry.example/other:1" cannot be the name of an adapter.'],
    ['an adapter image that is none', { adapter: ['other=Not An Image'] }, '"Not An Image" is not an image reference.'],
    ['an unknown tuning', { adapter: ['unknown'] }, 'There is no tuning unknown in namespace default.'],
  ])('is refused with a sentence when it is wrong: %s', (_, flags, message) => {
    expect(() => request(flags)).toThrow(expect.objectContaining({ message }));
  });

  it('may have an equals sign in the image', () => {
    expect(parseAdapters(['a=registry.example/a:1', 'b'])).toEqual([{ kind: 'image', name: 'a', image: 'registry.example/a:1' }, { kind: 'tuning', name: 'b' }]);
  });
});

describe('a later run', () => {
  it.each<[string, Partial<ServingFlags>]>([
    ['defaults', { name: 'mine' }],
    ['a runtime, a token and a configuration', { name: 'mine', runtime: 'transformers', modelAccessSecret: 'hf', config: 'cfg' }],
    ['existing nodes', { name: 'mine', nodes: 'pool=gpu' }],
    ['an instance type', { name: 'mine', instanceType: 'Standard_NC24ads_A100_v4' }],
  ])('of which only the name is said wants the same: %s', (_, flags) => {
    expect(request({ name: 'mine', preset: undefined }, storedOf(flags)).workspace).toEqual(storedOf(flags).workspace);
  });

  it('changes what is said', () => {
    const { workspace } = request({ name: 'mine', runtime: 'vllm', config: 'other' }, storedOf({ name: 'mine', runtime: 'transformers', config: 'cfg' }));
    expect(workspace.metadata.annotations).toBeUndefined();
    expect(workspace.inference?.config).toBe('other');
  });
});
