import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { UsageError } from '../../src/domain/errors.ts';
import type { DataSource } from '../../src/domain/workspace.ts';
import { toManifests } from '../../src/manifests/manifest-text.ts';
import type { RenderedObject } from '../../src/manifests/rendered-object.ts';
import { renderedInference, renderedTuning, servingWorkspace } from './support.ts';

const hostile = ['\n', '- a', 'a: b', '"', "'", '#', '${workspace.name}', '${scripts.pull-image}', '$${', '$(id)', '`id`', ';', '}', '{', '[', '&a', '*a', '!!js/function', '---\nkind: Pod', '\u0000', '\u2028', 'null', 'yes', '0x1', '\t', '\\', '😀', '<<', '__proto__', '\nEOF\n', '" ; exit 0 ; "'];

/** Keys, lengths and types, and nothing that a value says. */
const shapeOf = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(shapeOf);
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shapeOf(inner)]));
};

const written = (rendered: readonly RenderedObject[]): unknown[] => parseAllDocuments(toManifests(rendered.map(({ object }) => ({ comments: [], object }))), { version: '1.1' }).map((document): unknown => document.toJS());

const served = (text: string): RenderedObject[] =>
  renderedInference('phi-4', {
    workspace: servingWorkspace('phi-4', { preset: { name: 'phi-4', presetOptions: { modelAccessSecret: text } }, config: text }, { 'kaito.sh/performance-mode': text }),
    adapters: [
      { name: 'one', source: { kind: 'image', reference: text }, imagePullSecrets: [text] },
      { name: 'two', source: { kind: 'volume', volumeSource: { hostPath: { path: text } } } },
    ],
    nodeSelector: { pool: text },
    nodeCount: 2,
  });

const tuned = (text: string, input: DataSource): RenderedObject[] => renderedTuning({ input, output: { image: text, imagePushSecret: text } }, { nodeSelector: { pool: text } });

describe('what users write', () => {
  it.each(hostile)('%j changes nothing but values', (text) => {
    for (const render of [served, (value: string) => tuned(value, { urls: [value] }), (value: string) => tuned(value, { image: value, imagePullSecrets: [value] })]) {
      let rendered: RenderedObject[];
      try {
        rendered = render(text);
      } catch (error) {
        expect(error).toBeInstanceOf(UsageError);
        continue;
      }
      expect(rendered.map(({ object }) => shapeOf(object))).toEqual(render('plain').map(({ object }) => shapeOf(object)));
      expect(written(rendered)).toEqual(rendered.map(({ object }) => object));
    }
  });
});
