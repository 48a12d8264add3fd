import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { findInstanceType } from '../../src/domain/azure-instance-types.ts';
import { findPreset } from '../../src/domain/preset-catalogue.ts';
import type { Preset } from '../../src/domain/preset.ts';
import type { Workspace } from '../../src/domain/workspace.ts';
import { renderInference } from '../../src/manifests/inference.ts';
import { renderTuning } from '../../src/manifests/tuning.ts';
import { toRuntimeName } from '../../src/runtimes/index.ts';
import { splitWords } from '../../src/sandbox/programs/model-command.ts';
import { presets } from '../presets/support.ts';
import { at, container, environment, listAt, mounts, ofKind, podSpec, templates, type Part } from './support.ts';

const folder = new URL('../../../shared/data/kaito-answers/', import.meta.url);
const read = <T>(file: string): T[] => (existsSync(folder) ? JSON.parse(readFileSync(new URL(file, folder), 'utf8')) : []);

interface PodAnswer {
  id: string;
  kind: 'base' | 'variant';
  instanceType: string;
  preset: string;
  workspace: Workspace;
  result: { estimate?: { targetNodeCount: number }; flags?: string[]; runtime?: string; panic?: string; statefulSet?: unknown; services?: Part[] };
}

const presetOf = (name: string): Preset | undefined => {
  const found = findPreset(presets, name);
  return found.kind === 'found' ? found.preset : undefined;
};

/**
 * Where a served model is meant to differ from the operator's:
 * - The model in its own letter case and pinned (`--model`, `--revision`), because ids are compared as they are written.
 * - `--max-lora-rank`, without which adapters above rank 16 end the server.
 * - No shell around the server on one node, so that it gets SIGTERM; the readiness probe begins with the startup probe.
 * - /health instead of a minute of benchmark as the startup probe.
 * - A Deployment on one node. Weights are never on a claim of local disks.
 * - HF_TOKEN is required where a secret is named.
 * - No Service ports for Ray's dashboard and the like; workers are found through the headless Service.
 * - nodeSelector, which says the same as one required affinity term of equal labels.
 * - Volumes and init containers have other names.
 */
describe.skipIf(!existsSync(folder))("served models against KAITO's own (needs ../shared/data/kaito-answers)", () => {
  /** What is not wished for here, or not to be had. */
  const notRendered: [reason: string, applies: (answer: PodAnswer) => boolean][] = [
    ['pods from a template, without a preset', ({ workspace }) => presetOf(workspace.inference?.preset?.name ?? '') === undefined],
    ['the operator panics where we refuse', ({ result }) => result.panic !== undefined],
    ['weights on the node, which the operator mounts for transformers and does not use', ({ id }) => /local-weights-transformers/.test(id)],
    ['parts of GPUs', ({ id }) => /byo-mig|accelerator/.test(id)],
    ['prefill and decode roles, and sets of Workspaces', ({ id }) => /role-|label-inferenceset/.test(id)],
    ['adapters that we refuse', ({ id }) => /adapter-invalid/.test(id)],
    ['a configuration that the transformers runtime does not read', ({ id }) => /config-transformers/.test(id)],
  ];
  const answers = read<PodAnswer>('vllm-pods.json').filter((answer) => !notRendered.some(([, applies]) => applies(answer)));

  it('has most of the answers to be held to', () => {
    expect(answers.length).toBeGreaterThan(50);
    for (const [reason, applies] of notRendered) expect(read<PodAnswer>('vllm-pods.json').some(applies), reason).toBe(true);
  });

  const render = ({ workspace, instanceType, result }: PodAnswer) => {
    const preset = presetOf(workspace.inference?.preset.name ?? '');
    const theirs = theirPod(result.statefulSet);
    const type = findInstanceType(instanceType);
    if (!preset || !theirs) throw new Error('It was asked for.');
    const gpuCount = type?.gpuCount ?? Number(at(theirs, 'resources', 'limits', 'nvidia.com/gpu'));
    const nodeCount = Number(at(result.statefulSet, 'spec', 'replicas'));
    const adapters = (workspace.inference?.adapters ?? []).map(({ source: { name = '', image = '', imagePullSecrets = [] } }) => ({ name, source: { kind: 'image' as const, reference: image }, imagePullSecrets }));
    const request = {
      workspace, preset, adapters, nodeCount, nodeSelector: {}, revision: 1,
      runtime: toRuntimeName(workspace.metadata.annotations?.['kaito.sh/runtime']),
      machine: { gpuCount, gpuModel: type?.gpuModel ?? 'unknown', gpuMemoryGiB: type ? type.gpuMemoryGiB / gpuCount : 80 },
    };
    const rendered = renderInference(request, templates);
    const workload = ofKind(rendered, nodeCount === 1 ? 'Deployment' : 'StatefulSet');
    return { preset, theirs, nodeCount, rendered, workload, ours: container(workload, workspace.metadata.name) };
  };

  const theirPod = (statefulSet: unknown): Part | undefined => listAt(statefulSet, 'spec', 'template', 'spec', 'containers')[0];

  it.each(answers)('$id has the same flags', (answer) => {
    const { ours, preset, nodeCount } = render(answer);
    const flags = nodeCount === 1 ? words(ours['args']) : flagsInScript(words(ours['command'])[2] ?? '');
    const own = /^--(?:revision|max-lora-rank)=/;
    const expected = (answer.result.flags ?? []).map((flag) => splitWords(flag)[0] ?? '').map((flag) => flag.replace(/^(--(?:model|pretrained_model_name_or_path)=)(?!\/).*/, `$1${preset.huggingFaceId}`));
    expect(flags.filter((flag) => !own.test(flag)).sort()).toEqual(expected.sort());
  });

  it.each(answers)('$id has the same environment, image, GPUs and ports', (answer) => {
    const { ours, theirs } = render(answer);
    const { HF_HOME: _, ...variables } = environment(ours);
    expect(variables).toEqual(environment(theirs));
    for (const field of ['image', 'resources', 'ports', 'name']) expect(ours[field], field).toEqual(theirs[field]);
  });

  it.each(answers)('$id mounts the same places', (answer) => {
    const { ours, theirs } = render(answer);
    // With weights on the node this folder stays empty.
    const places = Object.keys(mounts(ours)).filter((place) => place !== '/workspace/weights' || mounts(theirs)[place] !== undefined);
    expect(places.sort()).toEqual(Object.keys(mounts(theirs)).sort());
  });

  it.each(answers)('$id is given as long to start, and checked as often', (answer) => {
    const { ours, theirs, nodeCount } = render(answer);
    for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
      expect(at(ours, probe, 'periodSeconds')).toBe(at(theirs, probe, 'periodSeconds'));
      expect(at(ours, probe, 'failureThreshold')).toBe(at(theirs, probe, 'failureThreshold'));
      if (probe === 'startupProbe') continue;
      expect(at(ours, probe, 'httpGet')).toEqual(at(theirs, probe, 'httpGet'));
      if (nodeCount > 1) expect(words(at(ours, probe, 'exec', 'command')).join(' ')).toBe(words(at(theirs, probe, 'exec', 'command'))[2]);
    }
  });

  it.each(answers)('$id tolerates the same, and its Service leads to the same port', (answer) => {
    const { workload, rendered } = render(answer);
    expect(at(podSpec(workload), 'tolerations')).toEqual(at(answer.result.statefulSet, 'spec', 'template', 'spec', 'tolerations'));
    const [theirs] = answer.result.services ?? [];
    const ours = ofKind(rendered, 'Service', answer.workspace.metadata.name).object;
    expect(at(ours, 'spec', 'type')).toBe(at(theirs, 'spec', 'type'));
    expect(at(ours, 'spec', 'ports', 0)).toEqual(at(theirs, 'spec', 'ports', 0));
  });

  it.each(answers.filter(({ result }) => Number(at(result.statefulSet, 'spec', 'replicas')) > 1))('$id joins its nodes by the same commands', (answer) => {
    const { ours, theirs } = render(answer);
    const joining = (script: string) => [...script.matchAll(/multi-node-serving\.sh [^;]*?(?= ?;)/g)].map(([command]) => command);
    expect(joining(words(ours['command'])[2] ?? '')).toEqual(joining(words(theirs['command'])[2] ?? ''));
  });
});

interface TuningAnswer {
  id: string;
  workspace: Workspace;
  result: { job?: unknown; error?: string; panic?: string; configMapsInNamespaceAfter?: string[] };
}

/**
 * Where a tuning is meant to differ from the operator's:
 * - A chain of init containers and the push in the main one, instead of containers side by side that wait for files.
 * - No metrics server, which reports wrong figures; PYTHONUNBUFFERED; the layers to train in the configuration.
 * - One GPU, whatever the machine has: several ranks would each write the adapter.
 * - Always /mnt/results, and a configuration of our own for each Workspace instead of one shared by a namespace.
 * - The push secret is not also an image pull secret. nodeSelector instead of affinity, and the taint nvidia.com/gpu tolerated.
 * - Dataset images are unpacked into /mnt/data itself.
 * - A space in an address is written %20: the downloader would make two addresses of it.
 */
describe.skipIf(!existsSync(folder))("tunings against KAITO's own (needs ../shared/data/kaito-answers)", () => {
  const answers = read<TuningAnswer>('tuning-jobs.json').filter(({ workspace, result }) => result.job !== undefined && presetOf(workspace.tuning?.preset.name ?? '')?.tuning !== undefined && isComplete(workspace));

  it('has enough answers to be held to', () => {
    expect(answers.length).toBeGreaterThan(45);
  });

  const render = ({ workspace, result }: TuningAnswer) => {
    const preset = presetOf(workspace.tuning?.preset.name ?? '');
    if (!preset?.tuning || !workspace.tuning) throw new Error('It was asked for.');
    const normalised: Workspace = { ...workspace, tuning: { ...workspace.tuning, method: /^qlora$/i.test(workspace.tuning.method) ? 'qlora' : 'lora' } };
    const job = ofKind(renderTuning({ workspace: normalised, preset, tuning: preset.tuning, overrides: {}, nodeSelector: {}, revision: 1, timeLimitMs: 1000 }, templates), 'Job');
    const spec = at(result.job, 'spec', 'template', 'spec');
    return { preset, ours: job, spec, theirs: (name: string) => [...listAt(spec, 'initContainers'), ...listAt(spec, 'containers')].find((part) => part['name'] === name) };
  };

  it.each(answers)('$id pulls the same weights with the same image', (answer) => {
    const { ours, theirs } = render(answer);
    const weights = theirs('model-weights-downloader');
    expect(container(ours, 'weights')).toMatchObject({ image: weights?.['image'], command: weights?.['command'] });
  });

  it.each(answers)('$id trains with the same image and program', (answer) => {
    const { ours, theirs } = render(answer);
    const trainer = theirs(answer.workspace.metadata.name);
    const command = words(container(ours, 'tuner')['command']).join(' ').replace('--num_processes=1', '');
    expect(words(trainer?.['command'])[2]?.replace(/--num_processes=\d+/, '')).toContain(command);
    expect(container(ours, 'tuner')['image']).toBe(trainer?.['image']);
    const { DEFAULT_TARGET_MODULES: _, ...variables } = environment(trainer ?? {});
    expect(environment(container(ours, 'tuner'))).toEqual({ ...variables, PYTHONUNBUFFERED: '1' });
  });

  it.each(answers)('$id gives the trainer its files in the same places', (answer) => {
    const { ours, theirs } = render(answer);
    const places = Object.keys(mounts(theirs(answer.workspace.metadata.name) ?? {})).filter((place) => !place.startsWith('/root/'));
    const own = Object.keys(mounts(container(ours, 'tuner')));
    // Wherever theirs writes, ours writes to the place that the configuration is made to name.
    const results = new Set(['/mnt/config', '/mnt/data', '/workspace/weights', '/dev/shm']);
    expect(own.filter((place) => results.has(place)).sort()).toEqual(places.filter((place) => results.has(place)).sort());
    expect(own).toContain('/mnt/results');
  });

  it.each(answers.filter(({ workspace }) => workspace.tuning?.input.urls))('$id downloads the same addresses to the same place', (answer) => {
    const { ours, theirs } = render(answer);
    const { DATA_URLS: _, ...variables } = environment(theirs('data-downloader') ?? {});
    expect(environment(container(ours, 'dataset'))).toEqual({ ...variables, DATA_URLS: (answer.workspace.tuning?.input.urls ?? []).map((url) => url.replaceAll(' ', '%20')).join(' ') });
  });

  it.each(answers.filter(({ workspace }) => workspace.tuning?.output.image))('$id pushes with the same image and the same credentials', (answer) => {
    const { ours, theirs, spec } = render(answer);
    const pusher = theirs('pusher');
    expect(container(ours, 'push')['image']).toBe(pusher?.['image']);
    const credentials = listAt(spec, 'volumes').find(({ name }) => name === 'docker-config');
    const own = listAt(podSpec(ours), 'volumes').find(({ name }) => name === 'push-credentials');
    expect(own?.['projected']).toEqual(credentials?.['projected']);
  });
});

/** KAITO also renders what its API would have refused: a wish without a dataset, or with two; an image without a secret. */
function isComplete({ tuning }: Workspace): boolean {
  const { input, output } = tuning ?? { input: {}, output: {} };
  const isOne = (...places: unknown[]): boolean => places.filter((place) => place !== undefined).length === 1;
  return isOne(input.urls, input.image, input.volumeSource) && isOne(output.image, output.volumeSource) && (output.image === undefined || output.imagePushSecret !== undefined);
}

function words(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function flagsInScript(script: string): string[] {
  const [, line = ''] = /inference_api\.py (.*) ;\n/.exec(script) ?? [];
  return splitWords(line);
}
