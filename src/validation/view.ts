import { isMap, text, textMap, texts, type JsonMap } from './json.ts';

/**
 * A Workspace as rules read it: typed, and tolerant of every shape. What has a wrong type is absent here; the schema has
 * complained about it already. Texts that are absent are empty, as in Go.
 */
export interface WorkspaceView {
  annotations: Readonly<Record<string, string>>;
  /** In Go it is never absent, but empty. */
  resource: ResourceView;
  inference?: InferenceView;
  tuning?: TuningView;
}

export interface ResourceView {
  count: number;
  instanceType: string;
  matchLabels: Readonly<Record<string, string>>;
  matchExpressions: readonly { key: string; operator: string; values: readonly string[] }[];
  partition?: { mode: string; profile: string; count?: number };
}

export interface PresetView {
  name: string;
  modelAccessSecret: string;
  /** What is set, to be compared: in Go an empty part is the same as none. */
  filled: unknown;
}

export interface InferenceView {
  preset?: PresetView;
  template?: unknown;
  config: string;
  adapters: readonly { source?: DataSourceView; strength?: string }[];
}

export interface DataSourceView {
  name: string;
  urls: readonly string[];
  image: string;
  imagePullSecrets: readonly string[];
  volumeSource?: unknown;
}

export interface TuningView {
  preset?: PresetView;
  method: string;
  config: string;
  input?: DataSourceView;
  output?: { image: string; imagePushSecret: string; volumeSource?: unknown };
}

export const toView = (workspace: JsonMap): WorkspaceView => ({
  annotations: textMap(isMap(workspace['metadata']) ? workspace['metadata']['annotations'] : undefined),
  resource: toResource(isMap(workspace['resource']) ? workspace['resource'] : {}),
  ...optional('inference', workspace['inference'], toInference),
  ...optional('tuning', workspace['tuning'], toTuning),
});

const optional = <Key extends string, T>(key: Key, value: unknown, read: (map: JsonMap) => T): Partial<Record<Key, T>> => {
  const entry: Partial<Record<Key, T>> = {};
  if (isMap(value)) entry[key] = read(value);
  return entry;
};

const volumeOf = ({ volumeSource }: JsonMap): { volumeSource?: unknown } => (volumeSource === undefined || volumeSource === null ? {} : { volumeSource });

const toResource = (resource: JsonMap): ResourceView => {
  const selector = isMap(resource['labelSelector']) ? resource['labelSelector'] : {};
  const expressions = Array.isArray(selector['matchExpressions']) ? selector['matchExpressions'].filter(isMap) : [];
  return {
    count: typeof resource['count'] === 'number' ? resource['count'] : 1,
    instanceType: text(resource['instanceType']),
    matchLabels: textMap(selector['matchLabels']),
    matchExpressions: expressions.map(({ key, operator, values }) => ({ key: text(key), operator: text(operator), values: texts(values) })),
    ...optional('partition', resource['partition'], ({ mode, profile, count }) => ({ mode: text(mode), profile: text(profile), ...(typeof count === 'number' ? { count } : {}) })),
  };
};

const toPreset = (preset: JsonMap): PresetView => ({
  name: text(preset['name']),
  modelAccessSecret: text(isMap(preset['presetOptions']) ? preset['presetOptions']['modelAccessSecret'] : undefined),
  filled: withoutEmpty(preset),
});

const withoutEmpty = (value: unknown): unknown => {
  if (!isMap(value)) return value;
  const kept = Object.entries(value)
    .map(([key, inner]) => [key, withoutEmpty(inner)] as const)
    .filter(([, inner]) => inner !== undefined && inner !== '');
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
};

const toDataSource = (source: JsonMap): DataSourceView => ({
  name: text(source['name']),
  urls: texts(source['urls']),
  image: text(source['image']),
  imagePullSecrets: texts(source['imagePullSecrets']),
  ...volumeOf(source),
});

const toInference = (inference: JsonMap): InferenceView => ({
  ...optional('preset', inference['preset'], toPreset),
  ...(inference['template'] === undefined || inference['template'] === null ? {} : { template: inference['template'] }),
  config: text(inference['config']),
  adapters: (Array.isArray(inference['adapters']) ? inference['adapters'] : []).map((adapter: unknown) => {
    const map = isMap(adapter) ? adapter : {};
    return { ...optional('source', map['source'], toDataSource), ...(typeof map['strength'] === 'string' ? { strength: map['strength'] } : {}) };
  }),
});

const toTuning = (tuning: JsonMap): TuningView => ({
  ...optional('preset', tuning['preset'], toPreset),
  method: text(tuning['method']),
  config: text(tuning['config']),
  ...optional('input', tuning['input'], toDataSource),
  ...optional('output', tuning['output'], (output) => ({ image: text(output['image']), imagePushSecret: text(output['imagePushSecret']), ...volumeOf(output) })),
});
