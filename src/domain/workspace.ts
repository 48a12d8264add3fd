import { kaitoAnnotation } from './annotations.ts';

/**
 * What is wanted, in the shape of KAITO's `kaito.sh/v1beta1` Workspace: the only model of a wish in this program.
 * Note that `resource`, `inference` and `tuning` are siblings of `metadata`; a Workspace has no `spec`.
 * Source: https://github.com/kaito-project/kaito/blob/056b8280/api/v1beta1/workspace_types.go
 */
export interface Workspace {
  apiVersion: 'kaito.sh/v1beta1';
  kind: 'Workspace';
  metadata: WorkspaceMetadata;
  resource: WorkspaceResource;
  inference?: Inference;
  tuning?: Tuning;
}

/** One that serves pods of the user's own instead of a preset. They are rendered, and not watched over. */
export interface PodsWorkspace extends Omit<Workspace, 'inference' | 'tuning'> {
  inference: { template: Record<string, unknown> };
}

export interface WorkspaceMetadata {
  name: string;
  namespace: string;
  labels?: Record<string, string>;
  /** KAITO's own (`kaito.sh/...`) and ours (see `annotations.ts`). */
  annotations?: Record<string, string>;
}

export interface WorkspaceResource {
  /** A VM size such as `Standard_NC24ads_A100_v4`; absent for existing nodes. */
  instanceType?: string;
  /** Of nodes. Ignored where the size of a model decides. */
  count?: number;
  labelSelector: { matchLabels: Record<string, string> };
  /** On existing nodes only. */
  partition?: Partition;
}

/** Less than all GPUs of a node: one slice of one (MIG), or some of them. */
export type Partition = { mode: 'mig'; profile: string } | { mode: 'accelerator'; count: number };

export interface PresetReference {
  name: string;
  presetOptions?: { modelAccessSecret?: string };
}

export interface Inference {
  preset: PresetReference;
  /** Name of a ConfigMap with the key `inference_config.yaml`. */
  config?: string;
  adapters?: InferenceAdapter[];
}

export interface InferenceAdapter {
  source: DataSource;
  /** Transformers runtime only: a float in [0, 1], as text. */
  strength?: string;
}

/** Exactly one of `urls`, `image` and `volumeSource` is set. */
export interface DataSource {
  name?: string;
  urls?: string[];
  image?: string;
  imagePullSecrets?: string[];
  /** A core/v1 VolumeSource. */
  volumeSource?: Record<string, unknown>;
}

/** Exactly one of `image` and `volumeSource` is set. */
export interface DataDestination {
  image?: string;
  imagePushSecret?: string;
  volumeSource?: Record<string, unknown>;
}

export type TuningMethod = 'lora' | 'qlora';

export interface Tuning {
  preset: PresetReference;
  method: TuningMethod;
  /** Name of a ConfigMap with the key `training_config.yaml`; absent: one is written for this Workspace. */
  config?: string;
  input: DataSource;
  output: DataDestination;
}

/**
 * The folder of a node that has the weights, where the annotation says that they are there. It is named after the preset as
 * the Workspace writes it: https://github.com/kaito-project/kaito/blob/056b8280/api/v1beta1/labels.go#L204
 */
export const localWeightsFolder = ({ metadata, inference }: Workspace): string | undefined =>
  inference && metadata.annotations?.[kaitoAnnotation.useLocalWeights] === 'true' ? `/opt/kaito/models/${inference.preset.name.trim().toLowerCase().replaceAll(/[/\\]/g, '-')}` : undefined;

export type WorkspaceKind = 'inference' | 'tuning';

export const workspaceKind = (workspace: Workspace): WorkspaceKind => (workspace.tuning ? 'tuning' : 'inference');

export const presetName = (workspace: Workspace): string =>
  workspace.tuning?.preset.name ?? workspace.inference?.preset.name ?? '';
