import { describe, expect, it } from 'vitest';
import { parseWorkspace } from '../../src/plan/parse-workspace.ts';

const document = (changes: object = {}) => ({ apiVersion: 'kaito.sh/v1alpha1', kind: 'Workspace', metadata: { name: 'a' }, resource: { instanceType: 'Standard_NC24ads_A100_v4', labelSelector: { matchLabels: { apps: 'a' } } }, ...changes });

const serving = (inference: object) => parseWorkspace(document({ inference }), 'default').inference;

describe('a document of KAITO', () => {
  it('becomes a v1beta1 Workspace in the namespace that is current', () => {
    expect(parseWorkspace(document({ inference: { preset: { name: 'phi-4' } } }), 'team')).toEqual({
      apiVersion: 'kaito.sh/v1beta1',
      kind: 'Workspace',
      metadata: { name: 'a', namespace: 'team' },
      resource: { instanceType: 'Standard_NC24ads_A100_v4', labelSelector: { matchLabels: { apps: 'a' } } },
      inference: { preset: { name: 'phi-4' } },
    });
  });

  it('keeps its own namespace, its labels, and the annotations that mean something', () => {
    const annotations = { 'kaito.sh/runtime': 'transformers', 'kaito.sh/enablelb': 'True', 'kaito-ts/training': '{"r":16}', 'kubectl.kubernetes.io/last-applied-configuration': '{}' };
    expect(parseWorkspace(document({ metadata: { name: 'a', namespace: 'own', labels: { team: 'x' }, annotations, resourceVersion: '1' } }), 'team').metadata).toEqual({
      name: 'a',
      namespace: 'own',
      labels: { team: 'x' },
      annotations: { 'kaito.sh/runtime': 'transformers', 'kaito.sh/enablelb': 'True', 'kaito-ts/training': '{"r":16}' },
    });
  });

  it('may choose nodes by expressions that say the same as labels', () => {
    const labelSelector = { matchLabels: { a: '1' }, matchExpressions: [{ key: 'b', operator: 'In', values: ['2'] }] };
    expect(parseWorkspace(document({ resource: { labelSelector } }), 'default').resource).toEqual({ labelSelector: { matchLabels: { a: '1', b: '2' } } });
  });

  it('chooses no nodes by labels that the operator puts on them itself', () => {
    const labelSelector = { matchLabels: { a: '1', 'kaito.sh/workspace': 'other' }, matchExpressions: [{ key: 'karpenter.kaito.sh/workspace-name', operator: 'In', values: ['other'] }] };
    expect(parseWorkspace(document({ resource: { labelSelector } }), 'default').resource).toEqual({ labelSelector: { matchLabels: { a: '1' } } });
  });

  it('has its secrets, configuration and adapters read', () => {
    const adapters = [
      { source: { name: 'one', image: 'r.io/one:1', imagePullSecrets: ['pull'] }, strength: '0.5' },
      { source: { name: 'two', volumeSource: { persistentVolumeClaim: { claimName: 'two' } } } },
    ];
    const inference = { preset: { name: 'phi-4', presetOptions: { modelAccessSecret: 'hf' } }, config: 'settings', adapters };
    expect(serving(inference)).toEqual(inference);
  });

  it.each([
    ['qlora', 'qlora'],
    ['LoRA', 'lora'],
    [undefined, 'qlora'],
  ])('tunes with the method %s as %s', (method, expected) => {
    expect(parseWorkspace(document({ tuning: { preset: { name: 'phi-4' }, method, input: { urls: ['https://example.com/a'] }, output: { image: 'r.io/a:1', imagePushSecret: 's' } } }), 'default').tuning?.method).toBe(expected);
  });

  it('may write volume, as KAITO’s own documents do', () => {
    const volume = { hostPath: { path: '/data' } };
    const { tuning } = parseWorkspace(document({ tuning: { preset: { name: 'phi-4' }, input: { volume }, output: { volume } } }), 'default');
    expect(tuning).toMatchObject({ input: { volumeSource: volume }, output: { volumeSource: volume } });
  });

  it('says nothing with an empty text', () => {
    expect(serving({ preset: { name: 'phi-4', presetOptions: { modelAccessSecret: '' } }, config: '', adapters: [] })).toEqual({ preset: { name: 'phi-4' } });
  });
});
