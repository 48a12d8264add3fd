import { UsageError } from '../domain/errors.ts';
import { kaitoAnnotation } from '../domain/annotations.ts';
import type { NodeFacts } from '../domain/facts.ts';
import type { KubernetesObject } from '../domain/kubernetes.ts';
import type { Workspace } from '../domain/workspace.ts';

/** What fills in where no flag says anything: a Workspace file, else the owner record of an earlier run. */
export interface Basis {
  workspace: Workspace;
  /** Absent for a record. */
  file?: FileBasis;
}

export interface FileBasis {
  /** As `-f` names it. */
  source: string;
  /** ConfigMaps beside the Workspace that it names: they are applied with it. */
  objects: readonly KubernetesObject[];
  /** Nodes that are beside it; empty where there are none. They say what the cluster has when nobody asks it. */
  nodes: readonly NodeFacts[];
  /** Line of the field that this flag takes the place of; undefined where the file does not have it. */
  overriddenLine(flag: string): number | undefined;
}

/** A name alone stands for what an earlier run has recorded, and nothing is recorded under this one. */
export const nothingRecorded = (name: string, namespace: string): UsageError =>
  new UsageError(`There is no workspace ${name} in namespace ${namespace}, so nothing says which model is meant.`, {
    reason: 'MissingOption',
    hints: ['Add --preset <name>.', 'kaito-ts status -A', 'kaito-ts presets'],
  });

export const whyBasis = ({ file }: Basis): string => (file ? `-f ${file.source}` : 'as before');

/** `--instance-type (overrides line 7)`. */
export const whyFlag = (flag: string, basis: Basis | undefined): string => {
  const line = basis?.file?.overriddenLine(flag);
  return line === undefined ? flag : `${flag} (overrides line ${line})`;
};

export const nameInFile = (basis: Basis | undefined): string | undefined => (basis?.file ? basis.workspace.metadata.name : undefined);

/** Undefined for a record: what it has is made from the name. */
export const selectorInFile = (basis: Basis | undefined): Record<string, string> | undefined => {
  const labels = basis?.file ? basis.workspace.resource.labelSelector.matchLabels : {};
  return Object.keys(labels).length > 0 ? labels : undefined;
};

export const labelsInFile = (basis: Basis | undefined): { labels?: Record<string, string> } => {
  const labels = basis?.file ? basis.workspace.metadata.labels : undefined;
  return labels ? { labels } : {};
};

/** Without those that are decided anew. */
export const annotationsInFile = (basis: Basis | undefined, decided: readonly string[]): Record<string, string> =>
  Object.fromEntries(Object.entries(basis?.file ? (basis.workspace.metadata.annotations ?? {}) : {}).filter(([key]) => !decided.includes(key)));

export const toAnnotations = (annotations: Record<string, string>): { annotations?: Record<string, string> } => (Object.keys(annotations).length > 0 ? { annotations } : {});

/** A flag that takes the place of one field of a Workspace file. */
export interface Override {
  /** As plans say it: `--method`, and `given` for the name. */
  flag: string;
  path: readonly string[];
  /** Undefined takes the field away. */
  value: unknown;
}

interface CommonFlags {
  name?: string | undefined;
  config?: string | undefined;
  preset?: string | undefined;
  instanceType?: string | undefined;
  nodes?: string | undefined;
}

interface TuningFieldFlags extends CommonFlags {
  method?: string | undefined;
  inputUrls: readonly string[];
  inputImage?: string | undefined;
  inputImageSecret?: string | undefined;
  inputClaim?: string | undefined;
  outputImage?: string | undefined;
  outputImageSecret?: string | undefined;
  outputClaim?: string | undefined;
}

interface ServingFieldFlags extends CommonFlags {
  adapter: readonly string[];
  runtime?: string | undefined;
  modelAccessSecret?: string | undefined;
}

export const tuningOverrides = (flags: TuningFieldFlags): Override[] => [
  ...commonOverrides(flags, 'tuning'),
  ...set('--method', ['tuning', 'method'], flags.method),
  ...set('--input-url', ['tuning', 'input'], flags.inputUrls.length === 0 ? undefined : { urls: flags.inputUrls }),
  ...set('--input-image', ['tuning', 'input'], flags.inputImage === undefined ? undefined : { image: flags.inputImage }),
  ...set('--input-claim', ['tuning', 'input'], flags.inputClaim === undefined ? undefined : { volumeSource: claim(flags.inputClaim) }),
  ...set('--input-image-secret', ['tuning', 'input', 'imagePullSecrets'], flags.inputImageSecret === undefined ? undefined : [flags.inputImageSecret]),
  ...set('--output-claim', ['tuning', 'output'], flags.outputClaim === undefined ? undefined : { volumeSource: claim(flags.outputClaim) }),
  // The Secret of the file stays: it is a field of its own.
  ...(flags.outputImage === undefined ? [] : [...set('--output-image', ['tuning', 'output', 'image'], flags.outputImage), ...unset('--output-image', ['tuning', 'output', 'volumeSource'], ['tuning', 'output', 'volume'])]),
  ...set('--output-image-secret', ['tuning', 'output', 'imagePushSecret'], flags.outputImageSecret),
];

export const servingOverrides = (flags: ServingFieldFlags): Override[] => [
  ...commonOverrides(flags, 'inference'),
  ...set('--runtime', ['metadata', 'annotations', kaitoAnnotation.runtime], flags.runtime),
  ...set('--model-access-secret', ['inference', 'preset', 'presetOptions', 'modelAccessSecret'], flags.modelAccessSecret),
  ...(flags.adapter.length > 0 ? unset('--adapter', ['inference', 'adapters']) : []),
];

const commonOverrides = (flags: CommonFlags, kind: 'tuning' | 'inference'): Override[] => [
  ...set('given', ['metadata', 'name'], flags.name),
  ...set('--preset', [kind, 'preset', 'name'], flags.preset),
  ...set('--config', [kind, 'config'], flags.config),
  ...set('--instance-type', ['resource', 'instanceType'], flags.instanceType),
  ...(flags.nodes === undefined ? [] : [...unset('--nodes', ['resource', 'instanceType']), ...set('--nodes', ['resource', 'labelSelector'], {})]),
];

const set = (flag: string, path: readonly string[], value: unknown): Override[] => (value === undefined ? [] : [{ flag, path, value }]);

const unset = (flag: string, ...paths: (readonly string[])[]): Override[] => paths.map((path) => ({ flag, path, value: undefined }));

const claim = (claimName: string) => ({ persistentVolumeClaim: { claimName } });
