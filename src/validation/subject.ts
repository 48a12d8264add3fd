import { findPreset } from '../domain/preset-catalogue.ts';
import type { Preset } from '../domain/preset.ts';
import { toRuntimeName, type RuntimeName } from '../runtimes/index.ts';
import type { Environment } from './environment.ts';
import { isGateOpen } from './environment.ts';
import type { JudgementFacts } from './facts.ts';
import type { JsonMap } from './json.ts';
import type { Path } from './problem.ts';
import type { Admitted } from './schema.ts';
import { toView, type WorkspaceView } from './view.ts';
import type { ApiVersion } from './workspace-schema.ts';

/** What a rule looks at: one Workspace after the API server's defaults, and everything around it. */
export interface Subject extends WorkspaceView {
  /** As written. */
  document: JsonMap;
  /** After pruning and defaulting, whatever its version, as v1beta1. */
  json: JsonMap;
  admitted: Pick<Admitted, 'pruned' | 'errors'>;
  /** Fields written under a key that the documents of old had. */
  renamed: readonly Path[];
  version: ApiVersion;
  name: string;
  namespace: string;
  runtime: RuntimeName;
  environment: Environment;
  facts: JudgementFacts;
  stored?: WorkspaceView & { json: JsonMap };
}

export const createSubject = (parts: Omit<Subject, keyof WorkspaceView | 'runtime'>): Subject => {
  const view = toView(parts.json);
  return { ...view, ...parts, runtime: isGateClosed(parts.environment, 'vLLM') ? 'transformers' : toRuntimeName(view.annotations['kaito.sh/runtime']) };
};

const isGateClosed = ({ featureGates }: Environment, name: string): boolean => featureGates[name] === false;

/** The catalogue's entry as KAITO finds it: by its alias or by its Hugging Face id, in any letter case. */
export const findKaitoPreset = (presets: readonly Preset[], name: string): Preset | undefined => {
  const found = findPreset(presets, name);
  return found.kind === 'found' && name === name.trim() && (found.by === 'alias' || found.by === 'huggingFaceId' || isAlias(found.preset, name)) ? found.preset : undefined;
};

/**
 * Whether KAITO takes it for the name of a model: one of its aliases, or `publisher/model`.
 * https://github.com/kaito-project/kaito/blob/056b8280/pkg/utils/plugin/plugin.go#L111
 */
export const isPresetName = (presets: readonly Preset[], name: string): boolean => {
  const slash = name.indexOf('/');
  return slash === -1 ? findKaitoPreset(presets, name) !== undefined : slash > 0 && slash < name.length - 1;
};

const isAlias = ({ aliases }: Preset, name: string): boolean => aliases.some((alias) => alias.toLowerCase() === name.toLowerCase());

export const canUsePartitions = (environment: Environment, mode: string): boolean => isGateOpen(environment, mode === 'mig' ? 'enableMIG' : 'enableAccelerator');
