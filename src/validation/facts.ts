import type { Preset } from '../domain/preset.ts';
import { isMap, textMap, type JsonMap } from './json.ts';

/** What is known about an object that a Workspace names. */
export type Lookup<T> = { kind: 'found'; value: T } | { kind: 'missing' } | { kind: 'unknown' };

export interface SecretContent {
  type: string;
  keys: string[];
}

/** What a judgement may lean on besides the document. */
export interface JudgementFacts {
  presets: readonly Preset[];
  findConfigMap(namespace: string, name: string): Lookup<Readonly<Record<string, string>>>;
  findSecret(namespace: string, name: string): Lookup<SecretContent>;
  findStorageClass(name: string): Lookup<true>;
  findCsiDriver(name: string): Lookup<true>;
  /** Labels by node, in the order of their names; undefined when nobody has looked. */
  nodes: readonly { name: string; labels: Readonly<Record<string, string>> }[] | undefined;
}

export const factKinds = ['ConfigMap', 'Secret', 'StorageClass', 'CSIDriver', 'Node'] as const;
export type FactKind = (typeof factKinds)[number];

export interface FactSources {
  presets: readonly Preset[];
  /** Objects of any kind; those that say nothing here are left out. */
  objects: readonly JsonMap[];
  /** Kinds of which the cluster was asked: what is not among the objects is then known to be missing. */
  complete?: readonly FactKind[];
  /** Of objects that name none. */
  namespace: string;
}

export const createFacts = ({ presets, objects, complete = [], namespace }: FactSources): JudgementFacts => {
  const byKey = new Map<string, JsonMap>();
  const nodes: { name: string; labels: Record<string, string> }[] = [];
  for (const object of objects) {
    const metadata = isMap(object['metadata']) ? object['metadata'] : {};
    const { kind } = object;
    const { name } = metadata;
    if (typeof kind !== 'string' || typeof name !== 'string') continue;
    const where = isClusterWide(kind) ? '' : typeof metadata['namespace'] === 'string' ? metadata['namespace'] : namespace;
    if (kind === 'Node') nodes.push({ name, labels: textMap(metadata['labels']) });
    else byKey.set(`${kind}/${where}/${name}`, object);
  }
  const lookUp = (kind: FactKind, where: string, name: string): Lookup<JsonMap> => {
    const value = byKey.get(`${kind}/${where}/${name}`);
    return value ? { kind: 'found', value } : { kind: complete.includes(kind) ? 'missing' : 'unknown' };
  };
  return {
    presets,
    findConfigMap: (where, name) => mapFound(lookUp('ConfigMap', where, name), ({ data }) => textMap(data)),
    findSecret: (where, name) => mapFound(lookUp('Secret', where, name), toSecret),
    findStorageClass: (name) => mapFound(lookUp('StorageClass', '', name), () => true),
    findCsiDriver: (name) => mapFound(lookUp('CSIDriver', '', name), () => true),
    nodes: nodes.length > 0 || complete.includes('Node') ? nodes.sort((left, right) => (left.name < right.name ? -1 : 1)) : undefined,
  };
};

const isClusterWide = (kind: string): boolean => kind === 'StorageClass' || kind === 'CSIDriver';

const mapFound = <From, To>(lookup: Lookup<From>, map: (value: From) => To): Lookup<To> => (lookup.kind === 'found' ? { kind: 'found', value: map(lookup.value) } : lookup);

const toSecret = ({ type, data, stringData }: JsonMap): SecretContent => ({
  type: typeof type === 'string' ? type : 'Opaque',
  keys: [...(isMap(data) ? Object.keys(data) : []), ...(isMap(stringData) ? Object.keys(stringData) : [])],
});
