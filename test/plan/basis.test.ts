import { describe, expect, it } from 'vitest';
import type { Workspace } from '../../src/domain/workspace.ts';
import { servingOverrides, tuningOverrides, type Basis } from '../../src/plan/basis.ts';
import { toServingRequest } from '../../src/plan/serving-request.ts';
import { toTuningRequest } from '../../src/plan/tuning-request.ts';
import { catalogue, servingFlags, tuningFlags } from './support.ts';

const file = (workspace: Partial<Workspace>, lines: Record<string, number> = {}): Basis => ({
  workspace: {
    apiVersion: 'kaito.sh/v1beta1',
    kind: 'Workspace',
    metadata: { name: 'written', namespace: 'default', labels: { team: 'x' }, annotations: { 'kaito.sh/enablelb': 'True', 'kaito.sh/runtime': 'transformers' } },
    resource: { instanceType: 'standard_nc24ads_a100_v4', labelSelector: { matchLabels: { pool: 'mine' } } },
    ...workspace,
  },
  file: { source: 'w.yaml', objects: [], nodes: [], overriddenLine: (flag) => lines[flag] },
});

const inference = { preset: { name: 'mistral-7b' } };
const tuning = { preset: { name: 'microsoft/Phi-4' }, method: 'lora' as const, config: 'settings', input: { urls: ['https://example.com/a.csv'] }, output: { image: 'r.io/a:1', imagePushSecret: 'push' } };

const serve = (basis: Basis, flags: Parameters<typeof servingFlags>[0] = {}) => toServingRequest(servingFlags({ preset: undefined, ...flags }), 'default', catalogue, basis, {});
const tune = (basis: Basis, flags: Parameters<typeof tuningFlags>[0] = {}) => toTuningRequest(tuningFlags({ preset: undefined, ...flags }), 'default', catalogue, basis);

describe('a request that a Workspace file makes', () => {
  it('is what the file says, and every choice tells so', () => {
    const { workspace, choices } = tune(file({ tuning }));
    expect(workspace).toMatchObject({
      metadata: { name: 'written', labels: { team: 'x' }, annotations: { 'kaito.sh/enablelb': 'True' } },
      resource: { instanceType: 'Standard_NC24ads_A100_v4', labelSelector: { matchLabels: { pool: 'mine' } } },
      tuning: { ...tuning, preset: { name: 'phi-4' } },
    });
    expect(choices.map(({ what, why }) => `${what}: ${why}`)).toEqual(['name: -f w.yaml', 'preset: -f w.yaml, microsoft/Phi-4; licence mit', 'method: -f w.yaml', 'dataset: -f w.yaml', 'output: -f w.yaml', 'provisioner: default', 'time limit: then the Job is stopped']);
  });

  it('serves with the runtime, labels and annotations of the file', () => {
    const { workspace, runtime } = serve(file({ inference: { preset: { name: 'phi-4' } } }));
    expect(runtime).toBe('transformers');
    expect(workspace).toMatchObject({ metadata: { annotations: { 'kaito.sh/enablelb': 'True', 'kaito.sh/runtime': 'transformers' } }, resource: { labelSelector: { matchLabels: { pool: 'mine' } } } });
    expect(serve(file({ inference: { preset: { name: 'phi-4' } } }), { runtime: 'vllm' }).workspace.metadata.annotations).toEqual({ 'kaito.sh/enablelb': 'True' });
  });

  it('tells of a flag which line it takes the place of', () => {
    const { choices, instanceTypeWhy } = tune(file({ tuning }, { '--method': 11, '--instance-type': 7, given: 4 }), { method: 'qlora', instanceType: 'Standard_NV36ads_A10_v5', name: 'other' });
    expect(choices.find(({ what }) => what === 'method')?.why).toBe('--method (overrides line 11)');
    expect(choices.find(({ what }) => what === 'name')?.why).toBe('given (overrides line 4)');
    expect(instanceTypeWhy).toBe('--instance-type (overrides line 7)');
  });

  it('uses existing nodes when the file names no machine', () => {
    const resource = { labelSelector: { matchLabels: { pool: 'mine' } } };
    expect(serve(file({ inference, resource }))).toMatchObject({ provisioner: 'byo', workspace: { resource } });
    expect(serve(file({ inference, resource }), { provisioner: 'aks' })).toMatchObject({ provisioner: 'aks', workspace: { resource } });
  });

  it('serves adapters as the file has them, with their strength, unless flags name others', () => {
    const adapters = [
      { source: { name: 'one', image: 'r.io/one:1', imagePullSecrets: ['pull', 'other'] }, strength: '0.5' },
      { source: { name: 'two', volumeSource: { persistentVolumeClaim: { claimName: 'two' } } } },
    ];
    const written = serve(file({ inference: { ...inference, adapters } }), { runtime: 'vllm' });
    expect(written.workspace.inference?.adapters).toEqual(adapters);
    expect(written.adapters).toEqual([
      { name: 'one', source: { kind: 'image', reference: 'r.io/one:1' }, imagePullSecrets: ['pull', 'other'] },
      { name: 'two', source: { kind: 'volume', volumeSource: { persistentVolumeClaim: { claimName: 'two' } } } },
    ]);
    expect(serve(file({ inference: { ...inference, adapters } }), { runtime: 'vllm', adapter: ['three=r.io/three:1'] }).adapters.map(({ name }) => name)).toEqual(['three']);
  });
});

describe('flags as fields of a file', () => {
  const paths = (overrides: readonly { flag: string; path: readonly string[] }[]): string[] => overrides.map(({ flag, path }) => `${flag} ${path.join('.')}`);

  it('are those that were given', () => {
    expect(paths(tuningOverrides(tuningFlags({ preset: undefined })))).toEqual([]);
    expect(paths(tuningOverrides(tuningFlags({ preset: 'phi-4', method: 'lora', inputClaim: 'data', outputImage: 'r.io/a:1' })))).toEqual([
      '--preset tuning.preset.name',
      '--method tuning.method',
      '--input-claim tuning.input',
      '--output-image tuning.output.image',
      '--output-image tuning.output.volumeSource',
      '--output-image tuning.output.volume',
    ]);
    expect(paths(servingOverrides(servingFlags({ preset: undefined, nodes: 'a=b', adapter: ['one'] })))).toEqual(['--nodes resource.instanceType', '--nodes resource.labelSelector', '--adapter inference.adapters']);
  });
});
