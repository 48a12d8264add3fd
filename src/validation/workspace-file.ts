import { kaitoAnnotation, workspaceLabels } from '../domain/annotations.ts';
import { findRetiredInstanceType } from '../domain/azure-instance-types.ts';
import { UsageError } from '../domain/errors.ts';
import type { KubernetesObject } from '../domain/kubernetes.ts';
import type { Preset } from '../domain/preset.ts';
import type { WorkspaceKind } from '../domain/workspace.ts';
import type { Basis, Override } from '../plan/basis.ts';
import { parseWorkspace } from '../plan/parse-workspace.ts';
import type { SourceDocument } from './documents.ts';
import type { Environment } from './environment.ts';
import { isJudged, judge } from './judge.ts';
import { isMap, text, textMap, type JsonMap } from './json.ts';
import { showPath, type Problem } from './problem.ts';
import type { Surroundings } from './surroundings.ts';
import { renderVerdict, toRemarks } from './verdict-text.ts';

/** The one Workspace among the documents that a command means. UsageError when there is none, or more than one. */
export const chooseWorkspace = (documents: readonly SourceDocument[], kind: WorkspaceKind, name: string | undefined, sources: readonly string[]): SourceDocument => {
  const workspaces = documents.filter(isJudged);
  const broken = workspaces.filter(({ content }) => content === undefined);
  if (broken.length > 0) throw new InvalidWorkspaceError(broken.map((document) => ({ document, problems: document.broken })));
  const fitting = workspaces.filter(({ content }) => isMap(content?.[kind]));
  const [first, second] = fitting;
  const named = fitting.filter((document) => nameOf(document) === name);
  if (named.length === 1 && named[0]) return named[0];
  if (first && !second) return first;
  const from = sources.join(', ');
  if (first) throw new UsageError(`${from} has ${fitting.length} Workspaces of this kind: ${fitting.map(nameOf).join(', ')}.`, { reason: 'AmbiguousWorkspace', hints: ['Name the one that is meant: kaito-ts tune <name> -f <file>, or serve.', 'kaito-ts render -f <file> renders all of them.'] });
  const [other] = workspaces;
  if (!other) throw new UsageError(`There is no Workspace in ${from}.`, { reason: 'NoWorkspace', hints: ['A Workspace has apiVersion: kaito.sh/v1beta1 and kind: Workspace.'] });
  // A document that is neither is answered by the rules, with its place.
  if (workspaces.length === 1 && kindOf(other) === undefined) return other;
  const command = kind === 'tuning' ? 'serve' : 'tune';
  throw new UsageError(`${from} has no Workspace with ${kind}.`, { reason: 'WorkspaceOfOtherKind', fact: workspaces.map((document) => `${nameOf(document)}: ${kindOf(document) ?? 'neither inference nor tuning'}`).join('\n'), hints: [`kaito-ts ${command} -f ${from}`] });
};

/** Undefined for a document that says neither, or both. */
export const kindOf = ({ content }: SourceDocument): WorkspaceKind | undefined => {
  const kinds = (['tuning', 'inference'] as const).filter((kind) => content?.[kind] !== undefined && content[kind] !== null);
  return kinds.length === 1 ? kinds[0] : undefined;
};

export const nameOf = ({ content }: SourceDocument): string => (isMap(content?.['metadata']) ? text(content['metadata']['name']) : '') || '<no name>';

export const namespaceOf = ({ content }: SourceDocument): string | undefined => (isMap(content?.['metadata']) ? text(content['metadata']['namespace']) || undefined : undefined);

export interface ReadingSettings {
  presets: readonly Preset[];
  /** Of a document that names none. */
  namespace: string;
  /** Of a flag; wins over the document's. */
  namespaceFlag?: string | undefined;
  provisioner?: string | undefined;
  overrides: readonly Override[];
  /** Whether pods of the user's own are taken too. */
  takesPods?: boolean;
}

/** `content` is what was written, with what flags say in its place. */
export type Reading = { kind: 'read'; content: JsonMap; basis: Basis; warnings: Problem[] } | { kind: 'refused'; problems: Problem[] };

/** Judges one Workspace as this program would run it, with what flags say in the place of what it says, and reads it. */
export const readWorkspace = (document: SourceDocument, surroundings: Surroundings, { presets, namespace, namespaceFlag, provisioner, overrides: given, takesPods = false }: ReadingSettings): Reading => {
  const { content, source } = document;
  if (!content) return { kind: 'refused', problems: [...document.broken] };
  const overrides: Override[] = [...given, ...(namespaceFlag === undefined ? [] : [{ flag: '--namespace', path: ['metadata', 'namespace'], value: namespaceFlag }])];
  const wanted = overrides.reduce<JsonMap>((map, { path, value }) => put(map, path, value), content);
  const isDefaulted = content['apiVersion'] === 'kaito.sh/v1alpha1' && text(valueAt(wanted, ['resource', 'instanceType'])) === '' && provisioner === undefined && !overrides.some(({ flag }) => flag === '--nodes');
  const changed = isDefaulted ? put(wanted, ['resource', 'instanceType'], instanceTypeOfOld) : wanted;
  const isByo = provisioner === 'byo' || (provisioner === undefined && text(isMap(changed['resource']) ? changed['resource']['instanceType'] : '') === '');
  const environment: Environment = { cloud: 'azure', nodeProvisioner: isByo ? 'byo' : 'azure-gpu-provisioner', featureGates: ourGates, namespace, isForOperator: false };
  const { problems } = judge({ ...document, content: changed }, environment, surroundings.facts(presets, namespace));
  // What flags replace is judged where flags are read, and without an instance type the cheapest that fits is taken.
  const isReplaced = ({ path }: Problem): boolean =>
    overrides.some((override) => isBelow(path, override.path)) || (provisioner === 'aks' && path === 'resource.instanceType' && valueAt(changed, ['resource', 'instanceType']) === undefined);
  const counted = [...problems.filter((problem) => !isReplaced(problem)), ...unsupported(document).filter(({ path }) => !(takesPods && path === 'inference.template')), ...(isDefaulted ? [toldDefault(document)] : [])].sort((left, right) => left.line - right.line || left.column - right.column);
  if (counted.some(({ severity }) => severity === 'error')) return { kind: 'refused', problems: counted };
  const workspace = parseWorkspace(changed, namespace);
  return {
    kind: 'read',
    content: changed,
    warnings: counted.filter(({ code }) => !code.endsWith('-unknown')),
    basis: {
      workspace,
      file: {
        source,
        nodes: surroundings.nodes,
        objects: namedConfigMaps(workspace.inference?.config ?? workspace.tuning?.config, workspace.metadata, surroundings),
        overriddenLine: (flag) => overrides.filter((override) => override.flag === flag && valueAt(content, override.path) !== undefined).map(({ path }) => document.locate(path).line)[0],
      },
    },
  };
};

/** Everything that is wrong with Workspaces, at once, as a compiler says it; `problems` has it for machines. */
export class InvalidWorkspaceError extends UsageError {
  readonly problems: readonly Problem[];

  constructor(refused: readonly { document: SourceDocument; problems: readonly Problem[] }[]) {
    const problems = refused.flatMap((one) => one.problems);
    const errorCount = problems.filter(({ severity }) => severity === 'error').length;
    super(`${[...new Set(refused.map(({ document: { source } }) => (source === '-' ? 'The Workspace on stdin' : source)))].join(', ')} has ${errorCount === 1 ? 'an error' : `${errorCount} errors`}.`, {
      reason: 'InvalidWorkspace',
      fact: refused.map(({ document: { source, index }, problems: own }) => renderVerdict({ source, index, verdict: 'invalid', problems: own.filter(({ severity }) => severity === 'error') })).join('').trimEnd(),
      hints: refused.flatMap(replaceInstanceType),
      remarks: refused.flatMap(({ document: { source }, problems: own }) => toRemarks({ source, problems: own })),
    });
    this.problems = problems;
  }
}

/** The one flag that makes a file of yesterday work today. */
const replaceInstanceType = ({ document: { content }, problems }: { document: SourceDocument; problems: readonly Problem[] }): string[] => {
  const isRefused = problems.some(({ path, severity }) => path === 'resource.instanceType' && severity === 'error');
  const retired = isRefused ? findRetiredInstanceType(text(valueAt(content ?? {}, ['resource', 'instanceType']))) : undefined;
  return retired ? [`Or leave the file as it is, and add --instance-type ${retired.replacement}`] : [];
};

/** The default that KAITO's API has for v1alpha1, and no longer for v1beta1. */
const instanceTypeOfOld = 'Standard_NC24ads_A100_v4';

const toldDefault = ({ locate }: SourceDocument): Problem => ({
  code: 'instance-type-defaulted',
  severity: 'warning',
  path: 'resource',
  ...locate(['resource']),
  message: `A v1alpha1 Workspace without instanceType gets ${instanceTypeOfOld}.`,
  fix: 'Name a machine with --instance-type, or existing nodes with --nodes.',
  source: 'kaito-ts',
});

/** The operator leaves these to its administrator; here nothing has to be switched on. */
const ourGates = { enableMIG: true, enableAccelerator: true };

/** What this program does not do. To ignore it would be to do something else than was asked for, except where KAITO ignores it too. */
const unsupportedFields: readonly Pick<Problem, 'path' | 'severity' | 'message' | 'fix'>[] = [
  { path: 'inference.template', severity: 'error', message: 'Pods of your own are rendered, and not served: nothing is known about when they answer.', fix: 'kaito-ts render prints what kubectl applies; or serve a preset (inference.preset.name).' },
  { path: 'resource.preferredNodes', severity: 'warning', message: 'preferredNodes is ignored, as KAITO ignores it: nodes are chosen by their labels.', fix: 'Use labelSelector, and leave instanceType out.' },
  ...(['inference', 'tuning'] as const).map((kind) => ({ path: `${kind}.preset.presetOptions.image`, severity: 'warning' as const, message: 'presetOptions.image is ignored, as KAITO ignores it: one image serves every preset.', fix: 'Leave it out.' })),
];

const severalServers: Pick<Problem, 'path' | 'severity' | 'message' | 'fix'> = {
  path: 'resource.count',
  severity: 'warning',
  message: 'The transformers server runs on one node. KAITO starts as many as count says, and its Service reaches the first of them.',
  fix: 'Leave count out.',
};

const startsSeveralServers = (content: JsonMap): boolean => valueAt(content, ['metadata', 'annotations', kaitoAnnotation.runtime]) === 'transformers' && valueAt(content, ['inference', 'preset']) !== undefined && Number(valueAt(content, ['resource', 'count'])) > 1;

/** By which KAITO knows a Workspace as part of a set: https://github.com/kaito-project/kaito/blob/056b8280/api/v1beta1/labels.go#L80 */
const unsupportedLabels: readonly { label: string; values?: readonly string[]; message: string }[] = [
  { label: 'kaito.sh/inference-role', values: ['prefill', 'decode'], message: 'Only the operator knows roles: here one server does both, prefill and decode.' },
  ...['inferenceset.kaito.sh/created-by', 'multiroleinference.kaito.sh/created-by'].map((label) => ({ label, message: 'Only the operator knows sets of Workspaces: here this one is served alone, under the name of its preset.' })),
];

const unsupported = ({ content = {}, locate }: SourceDocument): Problem[] => {
  const fields = [...unsupportedFields, ...(startsSeveralServers(content) ? [severalServers] : [])].flatMap(({ path, ...said }) => {
    const value = valueAt(content, path.split('.'));
    return value === undefined || value === null || value === '' ? [] : [{ path: path.split('.'), ...said }];
  });
  const labels = unsupportedLabels.flatMap(({ label, values, message }) => {
    const path = ['metadata', 'labels', label];
    const value = valueAt(content, path);
    return isMap(content['inference']) && typeof value === 'string' && (values?.includes(value) ?? true) ? [{ path, severity: 'warning' as const, message, fix: 'Without the operator, leave the label out.' }] : [];
  });
  return [...fields, ...labels].map(({ path, ...said }) => ({ code: 'not-supported', path: showPath(path), ...said, ...locate(path), source: 'kaito-ts' as const }));
};

/** With the labels by which a second run finds them. */
const namedConfigMaps = (config: string | undefined, { name, namespace }: { name: string; namespace: string }, { configMaps }: Surroundings): KubernetesObject[] =>
  (config === undefined ? [] : configMaps(config)).flatMap(({ metadata, data, binaryData, immutable }) => {
    if (!isMap(metadata) || config === undefined) return [];
    if (metadata['namespace'] !== undefined && metadata['namespace'] !== namespace) return [];
    return [
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: config, namespace, labels: { ...textMap(metadata['labels']), ...workspaceLabels(name) }, annotations: withoutKubectl(textMap(metadata['annotations'])) },
        ...(data === undefined ? {} : { data }),
        ...(binaryData === undefined ? {} : { binaryData }),
        ...(immutable === undefined ? {} : { immutable }),
      },
    ];
  });

const withoutKubectl = (annotations: Record<string, string>): Record<string, string> => Object.fromEntries(Object.entries(annotations).filter(([key]) => !key.startsWith('kubectl.kubernetes.io/')));

const put = (map: JsonMap, [key = '', ...rest]: readonly string[], value: unknown): JsonMap => {
  const { [key]: before, ...others } = map;
  if (rest.length > 0) {
    // Nothing is taken away from what is not there.
    if (value === undefined && !isMap(before)) return map;
    return { ...others, [key]: put(isMap(before) ? before : {}, rest, value) };
  }
  return value === undefined ? others : { ...others, [key]: value };
};

const valueAt = (value: unknown, [key, ...rest]: readonly string[]): unknown => (key === undefined ? value : isMap(value) ? valueAt(value[key], rest) : undefined);

const isBelow = (path: string, above: readonly string[]): boolean => {
  const start = above.join('.');
  return path === start || path.startsWith(`${start}.`) || path.startsWith(`${start}[`);
};
