import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { toKustomization } from '../../src/manifests/kustomization.ts';
import { toManifest, toManifests } from '../../src/manifests/manifest-text.ts';

const object = (data: Record<string, string>, name = 'a', namespace = 'default') => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data });

describe('YAML for kubectl', () => {
  it.each(['no', 'Yes', 'on', 'y', '1_000', '0o17', '017', '0x1F', '12:30:45', '1e3', '.inf', '~', 'null', '2001-01-01', '<<', '=', ' padded ', '# no comment', 'a: b', '- a', '', '\t', 'a\nb\n', '\u0000\u0085\u2028', '...', '---', '%YAML'])('holds the text %j as text, whichever version reads it', (text) => {
    const written = toManifest({ comments: [], object: object({ text }) });
    for (const version of ['1.1', '1.2'] as const) expect(parse(written, { version })).toEqual(object({ text }));
  });

  it('lets nothing of a comment become a document', () => {
    const written = toManifests([{ comments: ['a\nkind: Secret', 'b\r---\rkind: Node', 'c\u2028d'], object: object({}) }]);
    expect(written).toMatch(/^---\n# a kind: Secret\n# b --- kind: Node\n# c d\napiVersion: v1\n/);
    expect(parseAllDocuments(written).map((document): unknown => document.toJS())).toEqual([object({})]);
  });

  it('is a stream with each document under its comments', () => {
    expect(toManifests([{ comments: ['One.'], object: object({}, 'a') }, { comments: [], object: object({}, 'b') }])).toBe(
      '---\n# One.\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: default\ndata: {}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: b\n  namespace: default\ndata: {}\n',
    );
  });
});

describe('a kustomization', () => {
  it('has one file for each object, in their order', () => {
    const files = toKustomization([{ comments: [], object: object({}, 'b') }, { comments: [], object: object({}, 'a') }]);
    expect(files.map(({ name }) => name)).toEqual(['configmap-b.yaml', 'configmap-a.yaml', 'kustomization.yaml']);
    expect(parse(files[2]?.text ?? '')).toMatchObject({ kind: 'Kustomization', resources: ['configmap-b.yaml', 'configmap-a.yaml'] });
  });

  it('tells objects of several namespaces apart', () => {
    expect(toKustomization([{ comments: [], object: object({}, 'a', 'x') }, { comments: [], object: object({}, 'a', 'y') }]).map(({ name }) => name)).toEqual(['x-configmap-a.yaml', 'y-configmap-a.yaml', 'kustomization.yaml']);
  });
});
