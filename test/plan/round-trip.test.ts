import { describe, expect, it } from 'vitest';
import type { WorkspaceKind } from '../../src/domain/workspace.ts';
import { toManifests } from '../../src/manifests/manifest-text.ts';
import { planUnseen, type UnseenPlan } from '../../src/plan/plan-unseen.ts';
import type { Basis } from '../../src/plan/basis.ts';
import { toWorkspaceDocument } from '../../src/plan/workspace-document.ts';
import { parseDocuments } from '../../src/validation/documents.ts';
import { defaultEnvironment } from '../../src/validation/environment.ts';
import { createFacts } from '../../src/validation/facts.ts';
import { judge } from '../../src/validation/judge.ts';
import { surroundingsOf } from '../../src/validation/surroundings.ts';
import { readWorkspace } from '../../src/validation/workspace-file.ts';
import { hasWorkspaceCrd, refusedBy, workspaceCrdSchema } from '../support/crd.ts';
import { catalogue, servingFlags, templates, tuningFlags } from './support.ts';

type Flags = Parameters<typeof planUnseen>[0]['flags'];

const flagsOf = (kind: WorkspaceKind, changes: Partial<Flags>): Flags => ({ ...servingFlags({ preset: undefined }), ...tuningFlags({ preset: kind === 'tuning' ? 'phi-4' : undefined }), ...changes });

const plan = (kind: WorkspaceKind, flags: Flags, basis?: Basis): UnseenPlan => planUnseen({ kind, flags, basis, namespace: 'default', catalogue, region: 'eastus', templates });

/** The same numbers for the same seed. https://en.wikipedia.org/wiki/Linear_congruential_generator */
const createRandom = (seed: number) => {
  let state = seed;
  const next = (below: number): number => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return Math.floor((state / 2 ** 32) * below);
  };
  const pick = <T>(values: readonly [T, ...T[]]): T => values[next(values.length)] ?? values[0];
  return { pick, maybe: <T>(value: T): T | undefined => (next(2) === 0 ? value : undefined) };
};

const randomFlags = (seed: number): { kind: WorkspaceKind; flags: Flags } => {
  const { pick, maybe } = createRandom(seed);
  const kind = pick(['tuning', 'inference'] as const);
  const common = {
    name: maybe(pick(['my-own', 'a', 'no', 'x1'])),
    instanceType: maybe(pick(['standard_nc24ads_a100_v4', 'Standard_NC96ads_A100_v4', 'Standard_ND96isr_H100_v5'])),
    config: maybe('settings'),
  };
  const byo = common.instanceType === undefined ? { nodes: maybe(pick(['pool=gpu', 'a=yes,b=1'])) } : {};
  if (kind === 'tuning') {
    const tunable = catalogue.filter((preset) => preset.tuning).map(({ name }) => name);
    const input = pick<Partial<Flags>>([{ inputUrls: ['https://example.com/a.jsonl', 'https://example.com/b,c.csv?x=1#y'] }, { inputImage: 'r.io/data:1', inputImageSecret: maybe('pull') }, { inputClaim: 'data' }, {}]);
    const output = pick<Partial<Flags>>([{ outputImage: 'r.io/out:1', outputImageSecret: maybe('push') }, { outputClaim: 'results' }, {}]);
    return { kind, flags: flagsOf(kind, { ...common, ...byo, ...input, ...output, preset: pick(['phi-3-mini', ...tunable]), method: maybe(pick(['lora', 'qlora'])), training: pick<Flags['training']>([{}, { r: 16, learning_rate: 0.0001 }, { target_modules: ['q_proj', 'v_proj'] }]) }) };
  }
  const names = catalogue.map(({ name }) => name);
  const adapter = pick<string[]>([[], ['one=r.io/one:1'], ['one=r.io/one:1', 'two=r.io/two@sha256:aa']]);
  return { kind, flags: flagsOf(kind, { ...common, ...byo, preset: pick(['phi-4', ...names]), modelAccessSecret: 'hf-token', adapter, adapterSecret: adapter.length > 0 ? maybe('pull') : undefined }) };
};

/** Undefined for what cannot be planned, such as a model too large for the machine that was picked. */
const tryPlan = (seed: number): (UnseenPlan & { kind: WorkspaceKind }) | undefined => {
  const { kind, flags } = randomFlags(seed);
  try {
    return { ...plan(kind, flags), kind };
  } catch {
    return undefined;
  }
};

const read = (text: string) => {
  const documents = parseDocuments('workspace.yaml', text);
  const [document] = documents;
  if (!document) throw new Error('Nothing was written.');
  return { document, reading: readWorkspace(document, surroundingsOf(documents), { presets: catalogue, namespace: 'default', overrides: [] }) };
};

describe('a Workspace with a part of existing nodes', () => {
  it.each(['{mode: mig, profile: 3g.40gb}', '{mode: accelerator, count: 2}'])('%s is the same Workspace when it is rendered and read again', (partition) => {
    const text = `apiVersion: kaito.sh/v1beta1\nkind: Workspace\nmetadata: {name: a}\nresource:\n  labelSelector: {matchLabels: {pool: gpu}}\n  partition: ${partition}\ninference: {preset: {name: phi-4-mini-instruct}}\n`;
    const again = (written: string): UnseenPlan => {
      const { reading } = read(written);
      if (reading.kind === 'refused') throw new Error(JSON.stringify(reading.problems));
      return plan('inference', flagsOf('inference', {}), reading.basis);
    };
    const first = again(text);
    expect(first.plan.workspace.resource.partition).toBeDefined();
    if (hasWorkspaceCrd) expect(refusedBy(workspaceCrdSchema('v1beta1'), toWorkspaceDocument(first.plan.workspace, first.preset))).toEqual([]);
    const second = again(toManifests([{ comments: [], object: toWorkspaceDocument(first.plan.workspace, first.preset) }]));
    expect(second.plan.workspace).toEqual(first.plan.workspace);
    expect(second.plan.steps).toEqual(first.plan.steps);
  });
});

describe('a Workspace that is rendered from flags and read again', () => {
  const seeds = Array.from({ length: 300 }, (_, seed) => seed);
  const planned = seeds.flatMap((seed) => {
    const found = tryPlan(seed);
    return found ? [{ seed, ...found }] : [];
  });

  it('is the same Workspace, with the same objects, whatever the flags were', () => {
    expect(planned.length).toBeGreaterThan(100);
    for (const { seed, kind, plan: first, preset } of planned) {
      const { reading } = read(toManifests([{ comments: ['A comment.'], object: toWorkspaceDocument(first.workspace, preset) }]));
      if (reading.kind === 'refused') throw new Error(`Seed ${seed}: ${JSON.stringify(reading.problems)}`);
      const { plan: second } = plan(kind, flagsOf(kind, { preset: undefined }), reading.basis);
      expect(second.workspace, `seed ${seed}`).toEqual(first.workspace);
      expect(second.steps, `seed ${seed}`).toEqual(first.steps);
    }
  });

  it.skipIf(!hasWorkspaceCrd)('is accepted by the schema of KAITO’s API, which drops nothing of it (needs ../shared/data/crds)', () => {
    const schema = workspaceCrdSchema('v1beta1');
    for (const { seed, plan: { workspace }, preset } of planned) expect(refusedBy(schema, toWorkspaceDocument(workspace, preset)), `seed ${seed}`).toEqual([]);
    expect(refusedBy(schema, { resource: { labelSelector: {}, count: '1', partition: {} }, inference: { presett: {} }, spec: {} })).toEqual(['.resource.count: no integer of at least any size', '.resource.partition.mode: missing', '.inference.presett: unknown', '.spec: unknown']);
  });

  it('is accepted by KAITO’s own rules', () => {
    for (const { seed, plan: { workspace, nodes }, preset } of planned) {
      const { document } = read(toManifests([{ comments: [], object: toWorkspaceDocument(workspace, preset) }]));
      const environment = { ...defaultEnvironment, nodeProvisioner: nodes.provisioner === 'byo' ? ('byo' as const) : ('azure-gpu-provisioner' as const) };
      const { problems } = judge(document, environment, createFacts({ presets: catalogue, objects: [], namespace: 'default' }));
      // A registry without a password is ours alone, and the command says so.
      expect(problems.filter(({ severity, source, code }) => severity === 'error' && source === 'kaito' && code !== 'push-secret-missing').map(({ message }) => message), `seed ${seed}`).toEqual([]);
    }
  });
});
