import { describe, expect, it } from 'vitest';
import { programs } from '../../src/sandbox/programs/index.ts';
import { listAt, podSpec, renderedInference, renderedTuning, type Part } from './support.ts';

const containers = (objects: ReturnType<typeof renderedTuning>): Part[] =>
  objects.filter(({ object }) => ['Job', 'Deployment', 'StatefulSet'].includes(object.kind)).flatMap((rendered) => [...listAt(podSpec(rendered), 'initContainers'), ...listAt(podSpec(rendered), 'containers')]);

const words = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

// The sandbox finds what a container does by its command, as the images' entry points are found.
describe('every container that is rendered', () => {
  const adapters = [{ name: 'a', source: { kind: 'image' as const, reference: 'r.example/a:1' } }];
  it.each([
    ['a tuning from addresses to a claim', renderedTuning()],
    ['a tuning from an image to an image', renderedTuning({ input: { image: 'r.example/d:1' }, output: { image: 'r.example/a:1' } })],
    ['a model on one node with an adapter', renderedInference('phi-4', { adapters })],
    ['a model on several nodes', renderedInference('phi-4', { nodeCount: 2 })],
    ['a model with transformers', renderedInference('phi-4', { runtime: 'transformers' })],
  ])('of %s does one thing that the sandbox knows', (_, objects) => {
    for (const part of containers(objects)) {
      const container = { image: String(part['image']), command: words(part['command']), args: words(part['args']), env: Object.fromEntries(listAt(part, 'env').map(({ name, value }) => [String(name), String(value)])) };
      expect(programs.filter((program) => program.matches(container)), String(part['name'])).toHaveLength(1);
    }
  });
});
