import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { KaitoError } from '../../src/domain/errors.ts';
import { findPreset } from '../../src/domain/preset-catalogue.ts';
import { planUnseen } from '../../src/plan/plan-unseen.ts';
import { splitWords } from '../../src/sandbox/programs/model-command.ts';
import { parseDocuments } from '../../src/validation/documents.ts';
import { surroundingsOf } from '../../src/validation/surroundings.ts';
import { readWorkspace } from '../../src/validation/workspace-file.ts';
import { at, container, type Part } from '../manifests/support.ts';
import { catalogue, servingFlags, templates, tuningFlags } from './support.ts';

const answers = new URL('../../../shared/data/kaito-answers/vllm-pods.json', import.meta.url);

interface Answer {
  id: string;
  env: { objects: object[] };
  workspace: { metadata: { name: string }; inference?: { preset?: { name: string; presetOptions?: object } } };
  result: { flags?: string[]; panic?: string; statefulSet?: Part };
}

/** From the Workspace file, with the Nodes and ConfigMaps beside it, to the flags of the server. */
describe.skipIf(!existsSync(answers))("rendering a Workspace file starts KAITO's own server with KAITO's own flags (needs ../shared/data/kaito-answers)", () => {
  const all: Answer[] = existsSync(answers) ? JSON.parse(readFileSync(answers, 'utf8')) : [];

  /** Where it is another server on purpose. Models in their own letter case, pinned, and room for adapters are nowhere counted. */
  const different: Readonly<Record<string, string>> = {
    'variant/adapter-invalid-image': 'KAITO does not judge adapters of a new Workspace, and its pod never starts.',
    'variant/performance-': "KAITO's webhook refuses it too.",
    'variant/byo-multinode': "KAITO's webhook refuses it too: all nodes together have less memory than the weights need.",
    'variant/local-weights-transformers': 'KAITO mounts the weights of the node and then downloads others.',
    'variant/label-inferenceset': 'KAITO gives a member of an InferenceSet the name of the set, and there are no sets here.',
    'variant/role-decode': 'There are no prefill and decode roles here.',
    'variant/byo-accelerator-gate-off': 'With its gate closed KAITO sizes for part of a node and then takes the whole node.',
    'variant/byo-mig-profile-gate-off': 'With its gate closed KAITO sizes for one slice and then takes as many as the node has GPUs.',
    'variant/template': 'Pods of the user’s own are rendered otherwise.',
  };

  it('apart from what is listed, each for a reason', () => {
    expect(all.length).toBeGreaterThan(50);
    const found = all.filter(({ result }) => result.panic === undefined).flatMap((answer) => {
      const [ours, theirs] = [decide(answer), expected(answer)];
      return JSON.stringify(ours) === JSON.stringify(theirs) ? [] : [answer.id];
    });
    expect(found.sort()).toEqual(Object.keys(different).sort());
  });

  it('and is refused where KAITO crashes', () => {
    for (const answer of all.filter(({ result }) => result.panic !== undefined)) expect(decide(answer), answer.id).toBe('refused');
  });
});

const flags = { ...servingFlags({ preset: undefined }), ...tuningFlags({ preset: undefined }) };

const decide = (answer: Answer): object | 'refused' => {
  const documents = parseDocuments('w.yaml', [...answer.env.objects, withToken(answer.workspace)].map((object) => JSON.stringify(object)).join('\n---\n'));
  const document = documents.at(-1);
  if (!document) throw new Error('Nothing was written.');
  const reading = readWorkspace(document, surroundingsOf(documents), { presets: catalogue, namespace: 'default', overrides: [] });
  if (reading.kind === 'refused') return 'refused';
  try {
    const { plan } = planUnseen({ kind: 'inference', flags, basis: reading.basis, namespace: 'default', catalogue, region: 'eastus', templates });
    const object = plan.steps.flatMap((step) => (step.kind === 'apply' && /^(?:Deployment|StatefulSet)$/.test(step.object.kind) ? [step.object] : []))[0];
    if (!object) throw new Error('No workload was planned.');
    const { args, command, resources } = container({ object, owned: true }, answer.workspace.metadata.name);
    const written = Array.isArray(args) ? args.map(String) : splitWords(/inference_api\.py (.*) ;\n/.exec(Array.isArray(command) ? String(command[2]) : '')?.[1] ?? '');
    return { flags: written.filter((flag) => !/^--(?:revision|max-lora-rank)=/.test(flag)).sort(), gpus: at(resources, 'limits'), replicas: at(object, 'spec', 'replicas') };
  } catch (error) {
    if (!(error instanceof KaitoError)) throw error;
    return 'refused';
  }
};

const expected = ({ workspace, result: { flags: theirs = [], statefulSet } }: Answer): object => {
  const found = findPreset(catalogue, workspace.inference?.preset?.name ?? '');
  const id = found.kind === 'found' ? found.preset.huggingFaceId : '';
  const [server] = podContainers(statefulSet);
  return {
    flags: theirs.map((flag) => (splitWords(flag)[0] ?? '').replace(/^(--(?:model|pretrained_model_name_or_path)=)(?!\/).*/, `$1${id}`)).sort(),
    gpus: at(server, 'resources', 'limits'),
    replicas: at(statefulSet, 'spec', 'replicas'),
  };
};

const podContainers = (statefulSet: Part | undefined): unknown[] => {
  const containers = at(statefulSet, 'spec', 'template', 'spec', 'containers');
  return Array.isArray(containers) ? containers : [];
};

/** A gated model without a token is refused here, which is another question. */
const withToken = (workspace: Answer['workspace']): Answer['workspace'] => {
  const preset = workspace.inference?.preset;
  const found = findPreset(catalogue, preset?.name ?? '');
  if (!preset || found.kind !== 'found' || !found.preset.gated) return workspace;
  return { ...workspace, inference: { ...workspace.inference, preset: { ...preset, presetOptions: { modelAccessSecret: 'hf-token' } } } };
};
