import { UsageError } from '../domain/errors.ts';
import type { KubernetesObject } from '../domain/kubernetes.ts';
import type { Plan } from '../domain/plan.ts';
import type { Preset } from '../domain/preset.ts';
import type { WorkspaceKind } from '../domain/workspace.ts';
import type { Templates } from '../manifests/files.ts';
import { assumeFacts } from './assumed-facts.ts';
import type { Basis } from './basis.ts';
import { planServing } from './plan-serving.ts';
import { planTuning } from './plan-tuning.ts';
import { splitInstanceTypes } from './run-settings.ts';
import { parseAdapters, toServingRequest, type ServingFlags } from './serving-request.ts';
import { toTuningRequest, type TuningFlags } from './tuning-request.ts';

export interface UnseenWish {
  kind: WorkspaceKind;
  flags: TuningFlags & ServingFlags;
  basis: Basis | undefined;
  namespace: string;
  catalogue: readonly Preset[];
  /** Whose list prices count. */
  region: string;
  templates: Templates;
}

export interface UnseenPlan {
  plan: Plan;
  preset: Preset;
  /** ConfigMaps that came with the Workspace. */
  objects: readonly KubernetesObject[];
}

/** The plan of a first run in a cluster that nobody has looked at. Instance types are not tried in order: the first counts. */
export const planUnseen = ({ kind, flags: given, basis, namespace, catalogue, region, templates }: UnseenWish): UnseenPlan => {
  const nodes = basis?.file?.nodes ?? [];
  const flags = { ...given, instanceType: splitInstanceTypes(given.instanceType)[0] };
  if (kind === 'tuning') {
    const request = toTuningRequest(flags, namespace, catalogue, basis);
    return { plan: planTuning(request, assumeFacts(request.workspace, request.provisioner, region, nodes), templates), preset: request.preset, objects: request.objects };
  }
  const tunings = parseAdapters(flags.adapter).filter((adapter) => adapter.kind === 'tuning');
  if (tunings.length > 0) {
    throw new UsageError(`Where the adapter of ${tunings.map(({ name }) => name).join(', ')} is, only the cluster knows, and it is not asked.`, { reason: 'AdapterUnknown', hints: tunings.map(({ name }) => `--adapter ${name}=<image>`) });
  }
  const request = toServingRequest(flags, namespace, catalogue, basis, {});
  return { plan: planServing(request, assumeFacts(request.workspace, request.provisioner, region, nodes), templates), preset: request.preset, objects: request.objects };
};
