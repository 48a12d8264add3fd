import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/domain/errors.ts';
import { servingOverrides, tuningOverrides, type Override } from '../../src/plan/basis.ts';
import { parseDocuments } from '../../src/validation/documents.ts';
import { surroundingsOf } from '../../src/validation/surroundings.ts';
import { chooseWorkspace, InvalidWorkspaceError, readWorkspace, type Reading, type ReadingSettings } from '../../src/validation/workspace-file.ts';
import { presets } from './support.ts';

const serving = (name: string, rest = ''): string => `apiVersion: kaito.sh/v1beta1
kind: Workspace
metadata:
  name: ${name}
resource:
  instanceType: Standard_NC24ads_A100_v4
  labelSelector:
    matchLabels:
      apps: ${name}
inference:
  preset:
    name: phi-4
${rest}`;

/** KAITO's own quick start for tuning, as its documents had it for long. */
const quickStart = `apiVersion: kaito.sh/v1alpha1
kind: Workspace
metadata:
  name: workspace-tuning-phi-3
resource:
  instanceType: "Standard_NC6s_v3"
  labelSelector:
    matchLabels:
      app: tuning-phi-3
tuning:
  preset:
    name: phi-3-mini-128k-instruct
  method: qlora
  input:
    urls:
      - "https://example.com/train.parquet?download=true"
  output:
    image: "myregistry.azurecr.io/adapter:0.0.1"
    imagePushSecret: push
`;

const nothing = { inputUrls: [], adapter: [] };

const read = (text: string, changes: Partial<ReadingSettings> = {}): Reading => {
  const documents = parseDocuments('w.yaml', text);
  const [document] = documents;
  if (!document) throw new Error('The document is empty.');
  return readWorkspace(document, surroundingsOf(documents), { presets, namespace: 'default', overrides: [], ...changes });
};

const codes = (reading: Reading): string[] => (reading.kind === 'refused' ? reading.problems.filter(({ severity }) => severity === 'error').map(({ code, line }) => `${code}:${line}`) : []);

const basisOf = (text: string, overrides: readonly Override[] = [], changes: Partial<ReadingSettings> = {}) => {
  const reading = read(text, { overrides, ...changes });
  if (reading.kind === 'refused') throw new InvalidWorkspaceError([{ document: parseDocuments('w.yaml', text)[0] ?? fail(), problems: reading.problems }]);
  return reading.basis;
};

const fail = (): never => {
  throw new Error('The document is empty.');
};

describe('a Workspace file', () => {
  it('is refused with everything that is wrong, at once and with its places', () => {
    const text = serving('a', '  template: {}\n  adapters:\n    - source: {name: UPPER, image: ""}\n').replace('Standard_NC24ads_A100_v4', 'Standard_NC6s_v3');
    expect(codes(read(text))).toEqual(expect.arrayContaining(['instance-type-unsupported:6', 'not-supported:13']));
    expect(codes(read(text)).length).toBeGreaterThan(2);
  });

  it.each([
    ['inference.template', serving('a').replace(/ {2}preset:[\s\S]*/, '  template:\n    spec: {containers: []}\n')],
  ])('is refused for %s, which would otherwise be ignored', (path, text) => {
    const reading = read(text);
    expect(reading.kind === 'refused' && reading.problems.find(({ code }) => code === 'not-supported')).toMatchObject({ path, severity: 'error' });
  });

  it('is warned that the transformers runtime serves from one node, whatever the count', () => {
    const several = (count: number, runtime: string) => read(serving('a').replace('name: a\n', `name: a\n  annotations: {kaito.sh/runtime: ${runtime}}\n`).replace('resource:', `resource:\n  count: ${count}`));
    expect(several(2, 'transformers')).toMatchObject({ kind: 'read', warnings: [{ code: 'not-supported', path: 'resource.count', line: 7 }] });
    expect(several(1, 'transformers')).toMatchObject({ kind: 'read', warnings: [] });
  });

  it.each([
    ['kaito.sh/inference-role', 'decode', true],
    ['kaito.sh/inference-role', 'other', false],
    ['inferenceset.kaito.sh/created-by', 'mine', true],
    ['multiroleinference.kaito.sh/created-by', 'mine', true],
  ])('is warned that the label %s: %s makes no part of a set, when KAITO would make one of it', (label, value, isTold) => {
    const labelled = read(serving('a').replace('name: a\n', `name: a\n  labels:\n    ${label}: ${value}\n`));
    expect(labelled).toMatchObject({ kind: 'read', warnings: isTold ? [{ code: 'not-supported', path: `metadata.labels["${label}"]`, line: 6 }] : [] });
  });

  it('of v1alpha1 gets the machine that it has always had when it names none, and is told', () => {
    const old = serving('a').replace('v1beta1', 'v1alpha1').replace(/ {2}instanceType.*\n/, '');
    const [reading, elsewhere, flagged] = [read(old), read(old, { provisioner: 'byo' }), read(old, { overrides: servingOverrides({ ...nothing, nodes: 'pool=gpu' }) })];
    expect(reading).toMatchObject({ kind: 'read', basis: { workspace: { resource: { instanceType: 'Standard_NC24ads_A100_v4' } } }, warnings: [{ code: 'instance-type-defaulted', line: 5 }] });
    for (const byo of [elsewhere, flagged]) expect(byo.kind === 'read' && byo.basis.workspace.resource.instanceType).toBeUndefined();
    expect(basisOf(serving('a').replace(/ {2}instanceType.*\n/, '')).workspace.resource.instanceType).toBeUndefined();
  });

  it('is warned of what KAITO ignores too', () => {
    const reading = read(serving('a', '    presetOptions: {image: "r.io/a:1"}\n').replace('  instanceType', '  preferredNodes: [one]\n  instanceType'));
    expect(reading.kind === 'read' && reading.warnings.map(({ line, message }) => `${line} ${message.split(' ')[0]}`)).toEqual(['6 preferredNodes', '14 presetOptions.image']);
  });

  it('of yesterday goes through with the one flag that its error names', () => {
    expect(codes(read(quickStart))).toEqual(['instance-type-unsupported:6']);
    expect(() => basisOf(quickStart)).toThrow(expect.objectContaining({ hints: ['Or leave the file as it is, and add --instance-type Standard_NV36ads_A10_v5'] }));
    const basis = basisOf(quickStart, tuningOverrides({ ...nothing, instanceType: 'Standard_NV36ads_A10_v5' }));
    expect(basis.workspace.tuning).toEqual({
      preset: { name: 'phi-3-mini-128k-instruct' },
      method: 'qlora',
      input: { urls: ['https://example.com/train.parquet?download=true'] },
      output: { image: 'myregistry.azurecr.io/adapter:0.0.1', imagePushSecret: 'push' },
    });
    expect(basis.file?.overriddenLine('--instance-type')).toBe(6);
  });

  it('is judged with what flags say in the place of what it says', () => {
    const text = serving('a').replace('phi-4', 'nonsense');
    expect(codes(read(text))).toContain('preset-unknown:12');
    expect(codes(read(text, { overrides: servingOverrides({ ...nothing, preset: 'phi-4' }) }))).toEqual([]);
    expect(codes(read(serving('a').replace(/ {2}instanceType.*\n/, ''), { provisioner: 'aks' }))).toEqual([]);
    expect(codes(read(serving('a'), { overrides: servingOverrides({ ...nothing, nodes: 'pool=gpu' }) }))).toEqual([]);
  });

  it('keeps the Secret of its output when a flag names another image', () => {
    const basis = basisOf(quickStart, tuningOverrides({ ...nothing, instanceType: 'Standard_NV36ads_A10_v5', outputImage: 'r.io/b:1' }));
    expect(basis.workspace.tuning?.output).toEqual({ image: 'r.io/b:1', imagePushSecret: 'push' });
  });

  it('tells no line for a flag that takes the place of nothing', () => {
    const { file } = basisOf(serving('a'), servingOverrides({ ...nothing, config: 'mine', name: 'b' }));
    expect([file?.overriddenLine('--config'), file?.overriddenLine('given'), file?.overriddenLine('--runtime')]).toEqual([undefined, 4, undefined]);
  });

  it('brings the ConfigMap that it names, to be found again, and no other', () => {
    const configMap = (name: string): string => `---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}, annotations: {kubectl.kubernetes.io/last-applied-configuration: x}}\ndata: {inference_config.yaml: "vllm: {}"}\n`;
    const { file } = basisOf(`${serving('a', '  config: mine\n')}${configMap('mine')}${configMap('other')}`, [], { namespaceFlag: 'team' });
    expect(file?.objects).toEqual([
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'mine', namespace: 'team', labels: { 'kaito.sh/workspace': 'a', 'app.kubernetes.io/managed-by': 'kaito-ts' }, annotations: {} }, data: { 'inference_config.yaml': 'vllm: {}' } },
    ]);
  });
});

describe('a command that takes one Workspace', () => {
  const documents = parseDocuments('w.yaml', `${serving('a')}---\n${quickStart}---\n${serving('b')}`);
  const choose = (kind: 'tuning' | 'inference', name?: string, from = documents) => chooseWorkspace(from, kind, name, ['w.yaml']).content?.['metadata'];

  it('takes the one that it fits, or the one that is named', () => {
    expect(choose('tuning')).toEqual({ name: 'workspace-tuning-phi-3' });
    expect(choose('tuning', 'other-name')).toEqual({ name: 'workspace-tuning-phi-3' });
    expect(choose('inference', 'b')).toEqual({ name: 'b' });
  });

  it('names those that it cannot choose between', () => {
    expect(() => choose('inference')).toThrow(expect.objectContaining({ message: 'w.yaml has 2 Workspaces of this kind: a, b.' }));
  });

  it('says which command would take what is there', () => {
    expect(() => choose('tuning', undefined, parseDocuments('w.yaml', serving('a')))).toThrow(expect.objectContaining({ reason: 'WorkspaceOfOtherKind', hints: ['kaito-ts serve -f w.yaml'] }));
    expect(() => choose('tuning', undefined, parseDocuments('w.yaml', 'apiVersion: v1\nkind: Node\n'))).toThrow(UsageError);
  });

  it('is told of broken YAML before anything else', () => {
    expect(() => choose('tuning', undefined, parseDocuments('w.yaml', `${quickStart}---\n- a\n`))).toThrow(InvalidWorkspaceError);
  });
});
