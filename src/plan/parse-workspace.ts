import { isReservedLabel } from '../domain/reserved-labels.ts';
import type { DataDestination, DataSource, InferenceAdapter, Partition, PodsWorkspace, PresetReference, TuningMethod, Workspace } from '../domain/workspace.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * A document of KAITO's, `v1alpha1` or `v1beta1`, as this program's Workspace. It must have been judged before: what has
 * another type than KAITO's schema wants is left out here. `namespace` is for documents that name none.
 */
export const parseWorkspace = (document: Fields, namespace: string): Workspace => ({
  ...parseWhere(document, namespace),
  ...(isFields(document['inference']) ? { inference: parseInference(document['inference']) } : {}),
  ...(isFields(document['tuning']) ? { tuning: parseTuning(document['tuning']) } : {}),
});

/** One that has `inference.template`. */
export const parsePodsWorkspace = (document: Fields, namespace: string): PodsWorkspace => {
  const where = parseWhere(document, namespace);
  const { count } = fields(document['resource']);
  return { ...where, resource: { ...where.resource, ...(typeof count === 'number' ? { count } : {}) }, inference: { template: { ...fields(fields(document['inference'])['template']) } } };
};

const parseWhere = (document: Fields, namespace: string): Omit<Workspace, 'inference' | 'tuning'> => {
  const metadata = fields(document['metadata']);
  const annotations = textMap(metadata['annotations'], isOurs);
  const labels = textMap(metadata['labels']);
  const resource = fields(document['resource']);
  const instanceType = text(resource['instanceType']);
  return {
    apiVersion: 'kaito.sh/v1beta1',
    kind: 'Workspace',
    metadata: {
      name: text(metadata['name']) ?? '',
      namespace: text(metadata['namespace']) ?? namespace,
      ...(Object.keys(labels).length === 0 ? {} : { labels }),
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    },
    resource: { ...(instanceType === undefined ? {} : { instanceType }), labelSelector: { matchLabels: matchLabels(fields(resource['labelSelector'])) }, ...parsePartition(fields(resource['partition'])) },
  };
};

/** Annotations that mean something to KAITO or to this program; others, such as kubectl's, are left where they are. */
const isOurs = (key: string): boolean => key.startsWith('kaito.sh/') || key.startsWith('kaito-ts/');

const parsePartition = ({ mode, profile, count }: Fields): { partition?: Partition } => {
  if (mode === 'mig' && typeof profile === 'string') return { partition: { mode, profile } };
  return mode === 'accelerator' && typeof count === 'number' ? { partition: { mode, count } } : {};
};

const parseInference = (inference: Fields): NonNullable<Workspace['inference']> => {
  const config = text(inference['config']);
  const adapters = Array.isArray(inference['adapters']) ? inference['adapters'].filter(isFields).map(parseAdapter) : [];
  return { preset: parsePresetReference(inference['preset']), ...(config === undefined ? {} : { config }), ...(adapters.length === 0 ? {} : { adapters }) };
};

const parseTuning = (tuning: Fields): NonNullable<Workspace['tuning']> => {
  const config = text(tuning['config']);
  return {
    preset: parsePresetReference(tuning['preset']),
    // KAITO takes either in any letter case, and qlora for none.
    method: toMethod(text(tuning['method'])),
    ...(config === undefined ? {} : { config }),
    input: parseSource(fields(tuning['input'])),
    output: parseDestination(fields(tuning['output'])),
  };
};

const toMethod = (method: string | undefined): TuningMethod => (method?.toLowerCase() === 'lora' ? 'lora' : 'qlora');

const parsePresetReference = (value: unknown): PresetReference => {
  const preset = fields(value);
  const modelAccessSecret = text(fields(preset['presetOptions'])['modelAccessSecret']);
  return { name: text(preset['name']) ?? '', ...(modelAccessSecret === undefined ? {} : { presetOptions: { modelAccessSecret } }) };
};

const parseAdapter = (adapter: Fields): InferenceAdapter => {
  const strength = text(adapter['strength']);
  return { source: parseSource(fields(adapter['source'])), ...(strength === undefined ? {} : { strength }) };
};

const parseSource = (source: Fields): DataSource => {
  const name = text(source['name']);
  const urls = texts(source['urls']);
  const image = text(source['image']);
  const imagePullSecrets = texts(source['imagePullSecrets']);
  return {
    ...(name === undefined ? {} : { name }),
    ...(urls.length === 0 ? {} : { urls }),
    ...(image === undefined ? {} : { image }),
    ...(imagePullSecrets.length === 0 ? {} : { imagePullSecrets }),
    ...volumeSource(source),
  };
};

const parseDestination = (destination: Fields): DataDestination => {
  const image = text(destination['image']);
  const imagePushSecret = text(destination['imagePushSecret']);
  return { ...(image === undefined ? {} : { image }), ...(imagePushSecret === undefined ? {} : { imagePushSecret }), ...volumeSource(destination) };
};

/** KAITO's documents write `volume` where its API has `volumeSource`. */
const volumeSource = (data: Fields): { volumeSource?: Record<string, unknown> } => {
  const volume = data['volumeSource'] ?? data['volume'];
  return isFields(volume) ? { volumeSource: { ...volume } } : {};
};

/** Labels, and the expressions that say the same: the only ones that can be judged valid. Those of the operator choose nothing. */
const matchLabels = (selector: Fields): Record<string, string> => Object.fromEntries(Object.entries(selectorMap(selector)).filter(([key]) => !isReservedLabel(key)));

const selectorMap = (selector: Fields): Record<string, string> => ({
  ...textMap(selector['matchLabels']),
  ...Object.fromEntries(
    (Array.isArray(selector['matchExpressions']) ? selector['matchExpressions'] : []).filter(isFields).flatMap((expression) => {
      const [key, [value]] = [text(expression['key']), texts(expression['values'])];
      return expression['operator'] === 'In' && key !== undefined && value !== undefined ? [[key, value] as const] : [];
    }),
  ),
});

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

const fields = (value: unknown): Fields => (isFields(value) ? value : {});

/** An empty text says nothing in KAITO's API. */
const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : []);

const textMap = (value: unknown, isKept: (key: string) => boolean = () => true): Record<string, string> =>
  Object.fromEntries(Object.entries(fields(value)).filter((entry): entry is [string, string] => typeof entry[1] === 'string' && isKept(entry[0])));
