import { ConflictError, NotFoundError, PreflightError } from '../domain/errors.ts';
import type { Facts, TuningFacts } from '../domain/facts.ts';
import type { Check, Plan, Step } from '../domain/plan.ts';
import type { Preset } from '../domain/preset.ts';
import { localWeightsFolder, type Workspace } from '../domain/workspace.ts';
import type { Templates } from '../manifests/files.ts';
import { renderInference, type ServedAdapter } from '../manifests/inference.ts';
import { provisioners } from '../provisioners/index.ts';
import { judgeImageSecret, judgePermissions, judgePull, judgeTokenSecret, refuseForeignWorkloads, refuseMissingReferences, type NewImage } from './checks.ts';
import { planApplies, toStableJson } from './content.ts';
import { differences } from './differences.ts';
import { configuredContext, contextChoice, fitServing } from './fit-serving.ts';
import { withoutWaiting, type ServingRequest } from './request.ts';

/** From what is there to a model server that answers. */
export const planServing = (request: ServingRequest, facts: Facts, templates: Templates): Plan => {
  refuseForeignWorkloads(request.workspace.metadata.name, facts);
  // Which of the two workloads it will be, nodes tell.
  const common = judgePermissions(facts, (what) => !what.endsWith('.apps'));
  const checks = judge(request, facts);
  const contextLengthTokens = configuredContext(request, facts);
  const provision = provisioners[request.provisioner].provision(
    {
      workspace: request.workspace,
      fit: (machine) => fitServing(request, machine, contextLengthTokens),
      diskGiB: request.preset.weightsGiB + 80,
      spot: request.spot,
      endsByItself: false,
      keepNodes: request.keepNodes,
      nodeTimeoutMs: request.nodeTimeoutMs,
      ...(request.instanceTypeWhy === undefined ? {} : { instanceTypeWhy: request.instanceTypeWhy }),
    },
    facts,
  );
  const { instanceType } = provision.nodes;
  const workspace: Workspace = { ...request.workspace, resource: { ...(instanceType === undefined ? {} : { instanceType }), ...request.workspace.resource } };
  const { name } = workspace.metadata;
  const stored = facts.record?.record;
  const changes = stored ? differences(workspace, stored.workspace) : [];
  const isSubmitted = facts.existing.some(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet');
  if (stored && (stored.workspace.tuning || (isSubmitted && changes.some((change) => /^(inference\.preset|resource\.)/.test(change))))) throw cannotChange(workspace, changes, stored.workspace.tuning !== undefined);
  const revision = stored ? (changes.length > 0 ? stored.revision + 1 : stored.revision) : 1;
  const rendered = renderInference(
    {
      workspace,
      preset: request.preset,
      runtime: request.runtime,
      machine: provision.machine,
      nodeCount: provision.nodes.count,
      nodeSelector: provision.nodeSelector,
      adapters: request.adapters,
      revision,
    },
    templates,
  );
  const needsRecord = !stored || changes.length > 0 || (provision.nodePool !== undefined && toStableJson(provision.nodePool) !== toStableJson(stored.nodePool));
  const wanted = [...request.objects.map((object) => ({ object, owned: true })), ...rendered];
  refuseMissingReferences(facts, wanted.map(({ object }) => object));
  const applies = planApplies(wanted, facts.existing);
  const workloadKind = provision.nodes.count > 1 ? 'StatefulSet' : 'Deployment';
  const ofWorkload = judgePermissions(facts, (what) => what.endsWith(` ${workloadKind.toLowerCase()}s.apps`));
  const steps: Step[] = [
    ...provision.leftovers,
    ...(needsRecord ? [{ kind: 'record' as const, title: `Write the owner record ConfigMap/${name}-kaito`, revision, ...(provision.nodePool ? { nodePool: provision.nodePool } : {}) }] : []),
    ...(request.wait ? provision.before : withoutWaiting(provision.before)),
    ...applies,
    ...(request.wait
      ? [
          {
            kind: 'await-server' as const,
            title: `Wait until ${request.preset.name} answers`,
            workload: { kind: workloadKind, name },
            servedModelName: request.preset.name,
            timeoutMs: request.readinessTimeoutMs,
          },
        ]
      : []),
  ];
  return {
    version: 1,
    command: 'serve',
    workspace,
    target: facts.target,
    choices: [...request.choices, ...contextChoice(request, contextLengthTokens), ...provision.choices],
    checks: [{ ...common, fact: [common.fact, ofWorkload.fact].filter((fact) => fact !== '').join(', ') }, ...checks, ...provision.checks],
    nodes: provision.nodes,
    ...(provision.cost ? { cost: provision.cost } : {}),
    steps,
    warnings: provision.warnings,
  };
};

/** Adapter images that are not served yet. What is served runs, whatever has become of its image since. */
export const newImages = (wanted: Workspace, before: Workspace | undefined): NewImage[] => {
  const served = new Set(before?.inference?.adapters?.map(({ source }) => source.image));
  return (wanted.inference?.adapters ?? []).flatMap(({ source: { image, imagePullSecrets = [] } }) => (image === undefined || served.has(image) ? [] : [{ image, secretNames: imagePullSecrets }]));
};

const judge = ({ workspace, preset, adapters }: ServingRequest, facts: Facts): Check[] => {
  const secret = workspace.inference?.preset.presetOptions?.modelAccessSecret;
  if (preset.gated && secret === undefined && localWeightsFolder(workspace) === undefined) {
    throw new PreflightError(`Preset ${preset.name} is gated on Hugging Face and needs a token.`, {
      reason: 'ModelAccessSecretMissing',
      fact: `Its licence (${preset.license}) must have been accepted by the token's owner at https://huggingface.co/${preset.huggingFaceId}.`,
      hints: [`kubectl create secret generic hf-token -n ${facts.target.namespace} --from-literal=HF_TOKEN=<token>`, 'And add --model-access-secret hf-token.'],
    });
  }
  const pullSecrets = new Set(adapters.flatMap(({ imagePullSecrets = [] }) => imagePullSecrets));
  return [...(secret === undefined ? [] : [judgeTokenSecret(secret, facts)]), ...[...pullSecrets].map((name) => judgeImageSecret(name, facts, '--adapter-secret')), ...newImages(workspace, facts.record?.record.workspace).map((image) => judgePull(image, facts, '--adapter-secret'))];
};

/** KAITO's immutable fields: https://github.com/kaito-project/kaito/blob/056b8280/api/v1beta1/workspace_validation.go#L782 */
const cannotChange = ({ metadata: { name, namespace } }: Workspace, changes: string[], isTuning: boolean): ConflictError =>
  new ConflictError(isTuning ? `${name} is a tuning workspace in namespace ${namespace}, and cannot be served.` : `Workspace ${name} in namespace ${namespace} is there with settings that cannot be changed.`, {
    reason: isTuning ? 'WorkspaceIsTuning' : 'WorkspaceDiffers',
    ...(isTuning ? {} : { fact: changes.join('\n') }),
    hints: isTuning ? [`Choose another name, and serve its adapter with --adapter ${name}.`] : ['Choose another name, or delete it first.', `kaito-ts delete ${name} -n ${namespace}`],
  });

/** An adapter that kaito-ts tuned, found by its workspace's name. */
export const adapterOfTuning = (name: string, facts: TuningFacts | 'missing' | undefined, preset: Preset, namespace: string): ServedAdapter => {
  if (facts === undefined || facts === 'missing') {
    throw new NotFoundError(`There is no tuning ${name} in namespace ${namespace}.`, {
      reason: 'TuningNotFound',
      hints: ['kaito-ts status', 'An adapter that was made elsewhere is given as --adapter <name>=<image>.'],
    });
  }
  const { result } = facts;
  if (!result?.adapter) {
    throw new PreflightError(result ? `Tuning ${name} failed, so it has no adapter.` : `Tuning ${name} has not finished, so it has no adapter yet.`, {
      reason: 'AdapterNotReady',
      ...(result?.message ? { fact: result.message } : {}),
      hints: [`kaito-ts status ${name}`],
    });
  }
  // A model of the hub may have the last part of its id in common with one of the catalogue.
  const names = [preset.huggingFaceId, ...(preset.isFromHub ? [] : [preset.name, ...preset.aliases])];
  if (!names.includes(facts.preset)) {
    throw new PreflightError(`Adapter ${name} was tuned for ${facts.preset} and does not fit ${preset.name}.`, { reason: 'AdapterForOtherModel', hints: [`kaito-ts serve --preset ${facts.preset} --adapter ${name}`] });
  }
  return { name, source: result.adapter, rank: facts.rank, ...(facts.imagePullSecret === undefined ? {} : { imagePullSecrets: [facts.imagePullSecret] }) };
};
