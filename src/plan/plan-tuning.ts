import { ConflictError, PreflightError } from '../domain/errors.ts';
import type { Facts } from '../domain/facts.ts';
import type { KubernetesObject } from '../domain/kubernetes.ts';
import type { Check, Choice, Plan, Step } from '../domain/plan.ts';
import type { Preset, TuningSettings } from '../domain/preset.ts';
import type { AdapterLocation, OwnerRecord } from '../domain/record.ts';
import type { Workspace } from '../domain/workspace.ts';
import type { Templates } from '../manifests/files.ts';
import { renderTuning } from '../manifests/tuning.ts';
import type { TrainingOverrides } from '../manifests/training-config.ts';
import { provisioners } from '../provisioners/index.ts';
import type { Fit, Machine, Provision } from '../provisioners/provisioner.ts';
import { judgeImageSecret, judgePermissions, judgePull, judgePush, judgeStorage, refuseForeignWorkloads, refuseMissingReferences, type NewImage } from './checks.ts';
import { planApplies, toStableJson } from './content.ts';
import { differences } from './differences.ts';
import { estimateTuningMemory, judgeTuningMemory } from './estimate-tuning-memory.ts';
import { removeAgentPool } from './plan-deletion.ts';
import { withoutWaiting, type RunSettings } from './request.ts';

export interface TuningRequest extends RunSettings {
  workspace: Workspace;
  preset: Preset;
  tuning: TuningSettings;
  overrides: TrainingOverrides;
  choices: Choice[];
  /** ConfigMaps of a Workspace file, applied before everything else. */
  objects: readonly KubernetesObject[];
  storageClass?: string;
  timeLimitMs: number;
  /** Follows the Job to its end; otherwise the Job is submitted and left. */
  wait: boolean;
}

/** The whole of a tuning, from what is there to where the adapter will be. */
export const planTuning = (request: TuningRequest, facts: Facts, templates: Templates): Plan => {
  const { choices, timeLimitMs } = request;
  if (facts.record?.record.workspace.inference) throw isServed(request.workspace);
  const finished = planFinished(request, facts);
  if (finished) return finished;
  refuseForeignWorkloads(request.workspace.metadata.name, facts);
  const checks = judge(request, facts);
  const provision = provisioners[request.provisioner].provision(
    {
      workspace: request.workspace,
      fit: (machine) => fitTuning(request, machine),
      diskGiB: request.preset.weightsGiB + 200,
      spot: request.spot,
      endsByItself: true,
      keepNodes: request.keepNodes,
      nodeTimeoutMs: request.nodeTimeoutMs,
      ...(request.instanceTypeWhy === undefined ? {} : { instanceTypeWhy: request.instanceTypeWhy }),
      timeLimitMs,
    },
    facts,
  );
  const { instanceType } = provision.nodes;
  const workspace: Workspace = { ...request.workspace, resource: { ...(instanceType === undefined ? {} : { instanceType }), ...request.workspace.resource } };
  const base: Omit<Plan, 'steps'> = {
    version: 1,
    command: 'tune',
    workspace,
    target: facts.target,
    choices: [...choices, ...provision.choices],
    checks: [...checks, ...provision.checks],
    nodes: provision.nodes,
    ...(provision.cost ? { cost: provision.cost } : {}),
    warnings: provision.warnings,
  };
  return { ...base, steps: planSteps(workspace, request, provision, facts, templates) };
};

/** What is tuned already needs no quota, no secret and no permission any more: at most its nodes are left to give back. */
const planFinished = ({ workspace, choices, provisioner, keepNodes, nodeTimeoutMs }: TuningRequest, { record, target }: Facts): Plan | undefined => {
  const stored = record?.record;
  if (stored?.result?.outcome !== 'Succeeded') return undefined;
  const changes = differences(workspace, stored.workspace);
  if (changes.length > 0) throw differs(workspace, changes, 'was tuned');
  const { nodePool } = stored;
  const isPoolLeft = nodePool !== undefined && nodePool.releasedAt === undefined && !keepNodes;
  return { version: 1, command: 'tune', workspace, target, choices, checks: [], nodes: { provisioner, count: 0, gpusPerNode: 0 }, steps: isPoolLeft ? [removeAgentPool(nodePool, nodeTimeoutMs)] : [], warnings: [] };
};

const judge = ({ workspace, storageClass }: TuningRequest, facts: Facts): Check[] => {
  const { output, input } = workspace.tuning ?? { output: {}, input: {} };
  return [
    // A claim that is there already is not made.
    judgePermissions(facts, (what) => !what.endsWith(' persistentvolumeclaims') || facts.missing?.some(({ kind }) => kind === 'PersistentVolumeClaim') === true),
    ...(output.imagePushSecret === undefined ? [] : [judgeImageSecret(output.imagePushSecret, facts, '--output-image-secret')]),
    ...(input.imagePullSecrets ?? []).map((secret) => judgeImageSecret(secret, facts, '--input-image-secret')),
    ...newDatasetImages(workspace, facts.record?.record).map((image) => judgePull(image, facts, '--input-image-secret')),
    ...(output.image === undefined ? [judgeStorage(facts, storageClass)] : [judgePush(output.image, facts, output.imagePushSecret)]),
  ];
};

/** The dataset's image, unless a run that has not ended asks for it already. */
export const newDatasetImages = ({ tuning }: Workspace, stored: OwnerRecord | undefined): NewImage[] => {
  const { image, imagePullSecrets = [] } = tuning?.input ?? {};
  const isAsked = stored !== undefined && stored.result === undefined && stored.workspace.tuning?.input.image === image;
  return image === undefined || isAsked ? [] : [{ image, secretNames: imagePullSecrets }];
};

const fitTuning = ({ tuning, workspace, overrides }: TuningRequest, machine: Machine): Fit => {
  const { verdict, message } = judgeTuningMemory(estimateTuningMemory({ tuning, method: workspace.tuning?.method ?? 'qlora', overrides }), machine.gpuMemoryGiB);
  if (verdict === 'too large') return { refusal: message };
  return { nodeCount: 1, why: message, ...(verdict === 'tight' ? { warning: `Training ${message}: that is close, and it may run out of memory.` } : {}) };
};

const planSteps = (workspace: Workspace, request: TuningRequest, provision: Provision, facts: Facts, templates: Templates): Step[] => {
  const { name, namespace } = workspace.metadata;
  const stored = facts.record?.record;
  const job = facts.existing.find(({ kind, metadata }) => kind === 'Job' && metadata.name === name);
  const jobState = stateOf(job);
  const changes = stored ? differences(workspace, stored.workspace) : [];
  // A Job that came to a good end after all is not done again.
  const isRetry = jobState === 'failed' || (stored?.result?.outcome === 'Failed' && jobState !== 'complete');
  if (changes.length > 0 && job && !isRetry) throw differs(workspace, changes, 'is being tuned');
  const revision = stored ? (changes.length > 0 || isRetry ? stored.revision + 1 : stored.revision) : 1;
  const rendered = renderTuning({ workspace, preset: request.preset, tuning: request.tuning, overrides: request.overrides, nodeSelector: provision.nodeSelector, revision, timeLimitMs: request.timeLimitMs, ...(request.storageClass === undefined ? {} : { storageClass: request.storageClass }) }, templates);
  const wanted = [...request.objects.map((object) => ({ object, owned: true })), ...rendered];
  const adapter = adapterLocation(workspace);
  const isSubmitted = job !== undefined && !isRetry;
  if (!isSubmitted) refuseMissingReferences(facts, wanted.map(({ object }) => object));
  // The nodes of a Job that is complete may have gone already, and are not asked for again.
  const nodePool = jobState === 'complete' && stored ? stored.nodePool : provision.nodePool;
  const needsRecord = !stored || changes.length > 0 || isRetry || toStableJson(nodePool ?? null) !== toStableJson(stored.nodePool ?? null);
  // A Job that is there needs nobody to wait for its nodes, only nodes: they may have been removed behind its back.
  const before = !isSubmitted ? provision.before : jobState === 'running' ? provision.before.filter(({ kind }) => kind === 'create-agent-pool') : [];
  return [
    ...provision.leftovers,
    ...(needsRecord ? [{ kind: 'record' as const, title: `Write the owner record ConfigMap/${name}-kaito`, revision, ...(nodePool ? { nodePool } : {}) }] : []),
    ...(isRetry && job ? [{ kind: 'delete-object' as const, title: `Delete Job/${name} of the failed run`, object: { kind: 'Job', name, namespace }, timeoutMs: 5 * 60_000 }] : []),
    ...(request.wait ? before : withoutWaiting(before)),
    ...(isSubmitted ? [] : planApplies(wanted, isRetry ? facts.existing.filter(({ kind }) => kind !== 'Job') : facts.existing)),
    ...(request.wait
      ? [
          { kind: 'follow-tuning' as const, title: `Follow Job/${name} until the adapter is ${adapter.kind === 'image' ? 'pushed' : 'written'}`, job: { kind: 'Job', name, namespace }, adapter, timeoutMs: request.timeLimitMs + 15 * 60_000 },
          ...provision.after,
        ]
      : []),
  ];
};

const stateOf = (job: KubernetesObject | undefined): 'absent' | 'running' | 'complete' | 'failed' => {
  if (!job) return 'absent';
  const status = job['status'];
  const conditions: unknown = typeof status === 'object' && status !== null && 'conditions' in status ? status.conditions : undefined;
  if (!Array.isArray(conditions)) return 'running';
  const isTrue = (type: string): boolean => conditions.some((condition: { type?: unknown; status?: unknown }) => condition.type === type && condition.status === 'True');
  return isTrue('Failed') ? 'failed' : isTrue('Complete') ? 'complete' : 'running';
};

const differs = ({ metadata: { name, namespace } }: Workspace, changes: string[], state: 'was tuned' | 'is being tuned'): ConflictError =>
  new ConflictError(`Workspace ${name} in namespace ${namespace} ${state} with other settings.`, {
    reason: 'WorkspaceDiffers',
    fact: changes.join('\n'),
    hints: [`Choose another name: kaito-ts tune <name> ...`, `kaito-ts delete ${name} -n ${namespace}   # and then tune again`],
  });

const isServed = ({ metadata: { name, namespace } }: Workspace): ConflictError =>
  new ConflictError(`${name} is a served workspace in namespace ${namespace}, and cannot be tuned.`, { reason: 'WorkspaceIsServed', hints: ['Choose another name: kaito-ts tune <name> ...'] });

/** Where the adapter of this Workspace goes. */
const adapterLocation = ({ metadata: { name }, tuning }: Workspace): AdapterLocation => {
  const { image, volumeSource } = tuning?.output ?? {};
  if (image !== undefined) return { kind: 'image', reference: image };
  const claim = volumeSource?.['persistentVolumeClaim'];
  const claimName = typeof claim === 'object' && claim !== null && 'claimName' in claim ? String(claim.claimName) : `${name}-adapter`;
  return { kind: 'claim', claimName, path: '' };
};

/** KAITO itself crashes on a preset that cannot be tuned, after the node was bought. */
export const tuningSettingsOf = (preset: Preset, catalogue: readonly Preset[]): TuningSettings => {
  if (preset.tuning) return preset.tuning;
  throw cannotBeTuned(preset.name, catalogue);
};

export const cannotBeTuned = (model: string, catalogue: readonly Preset[]): PreflightError =>
  new PreflightError(`Preset ${model} cannot be tuned.`, {
    reason: 'TuningNotSupported',
    fact: 'KAITO publishes no weights for its trainer.',
    hints: [`These can: ${catalogue.filter(({ tuning }) => tuning).map(({ name }) => name).join(', ')}.`],
  });
