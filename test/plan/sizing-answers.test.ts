import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { KaitoError } from '../../src/domain/errors.ts';
import { findPreset } from '../../src/domain/preset-catalogue.ts';
import { parsePodsWorkspace } from '../../src/plan/parse-workspace.ts';
import { planPods } from '../../src/plan/plan-pods.ts';
import { planUnseen } from '../../src/plan/plan-unseen.ts';
import { parseDocuments } from '../../src/validation/documents.ts';
import type { Problem } from '../../src/validation/problem.ts';
import { surroundingsOf } from '../../src/validation/surroundings.ts';
import { readWorkspace } from '../../src/validation/workspace-file.ts';
import { catalogue, servingFlags, templates, tuningFlags } from './support.ts';

const answers = new URL('../../../shared/data/kaito-answers/node-counts.json', import.meta.url);

interface Answer {
  id: string;
  env: { cloud: string; objects: object[] };
  workspace: { inference?: { preset?: { name: string; presetOptions?: object } } };
  result: { targetNodeCount?: number };
}

/** Workspace files with the ConfigMaps and Nodes that belong to them, as `render` takes them. */
describe.skipIf(!existsSync(answers))("rendering takes as many nodes as KAITO's own code (needs ../shared/data/kaito-answers)", () => {
  const all: Answer[] = existsSync(answers) ? JSON.parse(readFileSync(answers, 'utf8')) : [];

  /** Where the answer is another on purpose. */
  const different: [reason: string, applies: (answer: Answer, problems: readonly Problem[]) => boolean][] = [
    ["KAITO's webhook refuses it too, before anything is sized", (_, problems) => problems.some(({ source, severity }) => source === 'kaito' && severity === 'error')],
    ['The context length is read as YAML, as the server reads it, and not line by line', ({ id }) => /^napx\/cfg-(?:one-space-indent|space-before-colon|trailing-comment|quoted|flow|json|anchor)/.test(id)],
    ['A machine whose GPUs cannot run the images is refused', (_, problems) => problems.some(({ code }) => code === 'instance-type-unsupported')],
    ['Without an instance type existing nodes are meant', ({ id }) => id === 'napx/sku-'],
    ['Other clouds have no nodes that this program adds', ({ env }) => env.cloud !== 'azure'],
    ['The transformers runtime serves from one node whatever the count', ({ id }) => id === 'napx/runtime-transformers-count-<nil>'],
    ['What is not in the catalogue is looked up in the hub by the command', ({ workspace }) => findPreset(catalogue, workspace.inference?.preset?.name ?? '').kind !== 'found' && workspace.inference?.preset !== undefined],
    ['Nodes that nobody has told of are taken to be there', ({ id }) => id === 'partition/acc-no-nodes'],
  ];

  it.each([['nodes of Azure', /^nap/], ['existing nodes', /^byo/], ['parts of nodes', /^partition/]])('on %s', (_, ids) => {
    const asked = all.filter(({ id }) => ids.test(id));
    expect(asked.length).toBeGreaterThan(20);
    const differences = asked.flatMap((answer) => {
      const { ours, problems } = decide(answer);
      const theirs = answer.result.targetNodeCount ?? 'refused';
      return ours === theirs || different.some(([, applies]) => applies(answer, problems)) ? [] : [`${answer.id}: ${ours} instead of ${theirs} ${problems.map(({ message }) => message).join(' ')}`];
    });
    expect(differences).toEqual([]);
  });

  it('differs nowhere without need', () => {
    const decided = all.map((answer) => ({ answer, ...decide(answer) }));
    const unused = different.filter(([, applies]) => !decided.some(({ answer, ours, problems }) => ours !== (answer.result.targetNodeCount ?? 'refused') && applies(answer, problems)));
    expect(unused.map(([reason]) => reason)).toEqual([]);
  });
});

const flags = { ...servingFlags({ preset: undefined }), ...tuningFlags({ preset: undefined }) };

const decide = (answer: Answer): { ours: number | 'refused'; problems: readonly Problem[] } => {
  const documents = parseDocuments('w.yaml', [...answer.env.objects, withToken(answer.workspace)].map((object) => JSON.stringify(object)).join('\n---\n'));
  const document = documents.at(-1);
  if (!document) throw new Error('Nothing was written.');
  const reading = readWorkspace(document, surroundingsOf(documents), { presets: catalogue, namespace: 'default', overrides: [], takesPods: true });
  if (reading.kind === 'refused') return { ours: 'refused', problems: reading.problems };
  if (answer.workspace.inference?.preset === undefined) {
    return { ours: planPods(parsePodsWorkspace(reading.content, 'default'), templates).nodeCount, problems: [] };
  }
  try {
    return { ours: planUnseen({ kind: 'inference', flags, basis: reading.basis, namespace: 'default', catalogue, region: 'eastus', templates }).plan.nodes.count, problems: [] };
  } catch (error) {
    if (!(error instanceof KaitoError)) throw error;
    return { ours: 'refused', problems: [] };
  }
};

/** A gated model without a token is refused here, which is another question than how many nodes it takes. */
const withToken = (workspace: Answer['workspace']): Answer['workspace'] => {
  const preset = workspace.inference?.preset;
  const found = findPreset(catalogue, preset?.name ?? '');
  if (!preset || found.kind !== 'found' || !found.preset.gated) return workspace;
  return { ...workspace, inference: { ...workspace.inference, preset: { ...preset, presetOptions: { modelAccessSecret: 'hf-token' } } } };
};
