import type { KubernetesObject } from '../domain/kubernetes.ts';
import { recordName, type NodePoolRecord, type OwnerRecord, type TuningResult } from '../domain/record.ts';
import type { Workspace } from '../domain/workspace.ts';

/** Finds every owner record, and nothing else. */
export const recordSelector = 'app.kubernetes.io/managed-by=kaito-ts,kaito-ts/record=true';

/** The owner record as its ConfigMap. JSON, so that reading it needs no parser that a command would have to load. */
export const renderRecord = ({ workspace, revision, createdAt, nodePool, result }: OwnerRecord): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    name: recordName(workspace.metadata.name),
    namespace: workspace.metadata.namespace,
    labels: { 'app.kubernetes.io/managed-by': 'kaito-ts', 'kaito-ts/record': 'true', 'kaito.sh/workspace': workspace.metadata.name },
    annotations: { 'workspace.kaito.io/revision': String(revision) },
  },
  data: {
    'workspace.json': JSON.stringify(workspace, undefined, 2),
    revision: String(revision),
    createdAt,
    ...(nodePool ? { 'node-pool.json': JSON.stringify(nodePool, undefined, 2) } : {}),
    ...(result ? { 'result.json': JSON.stringify(result, undefined, 2) } : {}),
  },
});

/** Undefined for a ConfigMap that is no owner record: somebody else's, or damaged beyond reading. */
export const parseRecord = (object: KubernetesObject): { uid: string; record: OwnerRecord } | undefined => {
  const { data } = object;
  if (typeof data !== 'object' || data === null) return undefined;
  const texts = new Map(Object.entries(data).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  const workspace = parseJson(texts.get('workspace.json'), isWorkspace);
  if (!workspace || !object.metadata.uid) return undefined;
  const nodePool = parseJson(texts.get('node-pool.json'), isNodePool);
  const result = parseJson(texts.get('result.json'), isResult);
  return {
    uid: object.metadata.uid,
    record: {
      workspace,
      revision: Number(texts.get('revision') ?? '1') || 1,
      createdAt: texts.get('createdAt') ?? object.metadata.creationTimestamp ?? '',
      ...(nodePool ? { nodePool } : {}),
      ...(result ? { result } : {}),
    },
  };
};

const parseJson = <T>(text: string | undefined, isExpected: (value: unknown) => value is T): T | undefined => {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isExpected(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const isWorkspace = (value: unknown): value is Workspace =>
  isObject(value) && isObject(value['metadata']) && typeof value['metadata']['name'] === 'string' && (isObject(value['tuning']) || isObject(value['inference']));
const isNodePool = (value: unknown): value is NodePoolRecord => isObject(value) && typeof value['name'] === 'string' && typeof value['instanceType'] === 'string';
const isResult = (value: unknown): value is TuningResult => isObject(value) && (value['outcome'] === 'Succeeded' || value['outcome'] === 'Failed');
