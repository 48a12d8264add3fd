import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { RenderedObject } from '../../src/manifests/rendered-object.ts';
import { renderedInference, renderedTuning, servingWorkspace } from './support.ts';

const toYaml = (objects: RenderedObject[]): string => objects.map(({ object }) => stringify(object, { lineWidth: 0 })).join('---\n');

// A few whole manifests to look at. After a change that is meant: npx vitest run test/manifests/golden.test.ts --update
describe('manifests as a whole', () => {
  it('of tuning phi-3-mini with QLoRA and pushing the adapter', async () => {
    await expect(toYaml(renderedTuning({ output: { image: 'registry.example.com/adapters/my-tuning:1', imagePushSecret: 'registry-credentials' } }))).toMatchFileSnapshot('golden/tuning-phi-3-mini-qlora.yaml');
  });

  it('of serving phi-4-mini with an adapter, on one node', async () => {
    await expect(
      toYaml(renderedInference('phi-4-mini-instruct', { adapters: [{ name: 'my-tuning', source: { kind: 'image', reference: 'registry.example.com/adapters/my-tuning:1' }, rank: 8 }] })),
    ).toMatchFileSnapshot('golden/serving-phi-4-mini.yaml');
  });

  it('of serving llama-3.3-70b on three nodes', async () => {
    const workspace = servingWorkspace('llama-3.3-70b-instruct', { preset: { name: 'llama-3.3-70b-instruct', presetOptions: { modelAccessSecret: 'hf-token' } } });
    await expect(toYaml(renderedInference('llama-3.3-70b-instruct', { workspace, nodeCount: 3 }))).toMatchFileSnapshot('golden/serving-llama-3.3-70b.yaml');
  });
});
