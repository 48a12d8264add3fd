import { describe, expect, it } from 'vitest';
import type { RenderedObject } from '../../src/manifests/rendered-object.ts';
import type { ServedAdapter } from '../../src/manifests/inference.ts';
import type { DataDestination, DataSource } from '../../src/domain/workspace.ts';
import { presets } from '../presets/support.ts';
import { checkApiTypes } from './api-types.ts';
import { renderedInference, renderedTuning, servingWorkspace } from './support.ts';

const check = (objects: RenderedObject[]): string[] => objects.flatMap(({ object }) => checkApiTypes(object, `V1${object.kind}`).map((problem) => `${object.kind}: ${problem}`));

const inputs: Record<string, DataSource> = {
  addresses: { urls: ['https://example.com/a.jsonl'] },
  'an image': { image: 'r.example/d:1', imagePullSecrets: ['acr'] },
  'a volume': { volumeSource: { persistentVolumeClaim: { claimName: 'data' } } },
};
const outputs: Record<string, DataDestination> = { 'its own claim': {}, 'a claim': { volumeSource: { persistentVolumeClaim: { claimName: 'mine' } } }, 'an image': { image: 'r.example/a:1', imagePushSecret: 'acr' } };
const adapters: ServedAdapter[] = [
  { name: 'marv', source: { kind: 'image', reference: 'r.example/a:1' }, imagePullSecrets: ['acr'] },
  { name: 'ada', source: { kind: 'claim', claimName: 'c', path: 'x' }, rank: 8 },
];

describe("what is rendered, by the API's own types", () => {
  const tunings = presets.flatMap(({ name, tuning }) => (tuning?.methods ?? []).flatMap((method) => Object.keys(inputs).flatMap((input) => Object.keys(outputs).map((output) => ({ preset: name, method, input, output })))));
  it.each(tunings)('is right for a tuning of $preset with $method, from $input to $output', ({ preset, method, input, output }) => {
    expect(check(renderedTuning({ preset, method, input: inputs[input] ?? {}, output: outputs[output] ?? {} }, { storageClass: 'fast' }))).toEqual([]);
  });

  it.each(presets.map(({ name, transformers }) => ({ name, transformers })))('is right for serving $name in every way that it can be', ({ name, transformers }) => {
    const workspace = servingWorkspace(name, { config: 'mine', preset: { name, presetOptions: { modelAccessSecret: 'hf' } } });
    expect(check(renderedInference(name, { workspace, adapters }))).toEqual([]);
    expect(check(renderedInference(name, { workspace, adapters, nodeCount: 3 }))).toEqual([]);
    if (transformers) expect(check(renderedInference(name, { workspace, adapters, runtime: 'transformers' }))).toEqual([]);
  });

  it('is found wrong where it is', () => {
    const [first] = renderedInference('phi-4');
    if (!first) throw new Error('Something was rendered.');
    const wrong = { ...first.object, spec: { ports: [{ port: '80', prot: 'TCP' }], selector: { a: 1 } }, specs: {} };
    expect(checkApiTypes(wrong, 'V1Service')).toEqual([
      'spec.ports[0].port must be a number and is "80"',
      'spec.ports[0].prot: V1ServicePort has no field prot',
      'spec.selector[a] must be a string and is 1',
      'specs: V1Service has no field specs',
    ]);
  });
});
