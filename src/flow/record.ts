import { ConflictError } from '../domain/errors.ts';
import type { KubernetesObject } from '../domain/kubernetes.ts';
import { recordName, type NodePoolRecord, type OwnerRecord, type TuningResult } from '../domain/record.ts';
import type { Workspace } from '../domain/workspace.ts';

const recordLabel = 'kaito-ts/record';

/** Finds every owner record, and nothing else. */
export const recordSelector = `app.kubernetes.io/managed-by=kaito-ts,${recordLabel}=true`;

/** The owner record as its ConfigMap. JSON, so that reading it needs no parser that a command would have to load. */
export const renderRecord = ({ workspace, revision, createdAt, nodePool, result }: OwnerRecord): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    name: recordName(workspace.metadata.name),
    namespace: workspace.metadata.namespace,
    labels: { 'app.kubernetes.io/managed-by': 'kaito-ts', [recordLabel]: 'true', 'kaito.sh/workspace': workspace.metadata.name },
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

export interface StoredRecord {
  uid: string;
  /** The ConfigMap's resourceVersion. */
  version?: string;
  record: OwnerRecord;
}

/**
 * Undefined for a ConfigMap of somebody else's. One of ours that cannot be read is a ConflictError: to go on without it
 * could train again, or forget nodes that cost money.
 */
export const parseRecord = (object: KubernetesObject): StoredRecord | undefined => {
  const { metadata, data } = object;
  if (metadata.labels?.[recordLabel] !== 'true' || !metadata.uid) return undefined;
  const texts = new Map(isObject(data) ? Object.entries(data).filter((entry): entry is [string, string] => typeof entry[1] === 'string') : []);
  const workspace = parseJson(texts.get('workspace.json'), isWorkspace);
  const nodePool = parseJson(texts.get('node-pool.json'), isNodePool);
  const result = parseJson(texts.get('result.json'), isResult);
  if (workspace === undefined || workspace === 'damaged' || recordName(workspace.metadata.name) !== metadata.name) throw damaged(object, 'workspace.json');
  if (nodePool === 'damaged') throw damaged(object, 'node-pool.json');
  if (result === 'damaged') throw damaged(object, 'result.json');
  return {
    uid: metadata.uid,
    ...(metadata.resourceVersion === undefined ? {} : { version: metadata.resourceVersion }),
    record: {
      workspace,
      revision: Number(texts.get('revision') ?? '1') || 1,
      createdAt: texts.get('createdAt') ?? metadata.creationTimestamp ?? '',
      ...(nodePool ? { nodePool } : {}),
      ...(result ? { result } : {}),
    },
  };
};

const damaged = ({ metadata: { name, namespace, labels } }: KubernetesObject, key: string): ConflictError =>
  new ConflictError(`The owner record ConfigMap/${name} cannot be read.`, {
    reason: 'RecordDamaged',
    fact: `Its ${key} is not what kaito-ts writes.`,
    hints: [
      `kubectl get configmap ${name} -n ${namespace} -o yaml   # mend it by hand, or`,
      `kubectl delete configmap ${name} -n ${namespace}   # deletes the workload with it, and no agent pool`,
      `az aks nodepool list --resource-group <group> --cluster-name <cluster> --query "[?tags.\\"kaito-workspace\\"=='${labels?.['kaito.sh/workspace'] ?? ''}'].name"   # nodes that cost money`,
    ],
  });

const parseJson = <T>(text: string | undefined, isExpected: (value: unknown) => value is T): T | undefined | 'damaged' => {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isExpected(value) ? value : 'damaged';
  } catch {
    return 'damaged';
  }
};

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const hasTexts = (value: Record<string, unknown>, keys: readonly string[]): boolean => keys.every((key) => typeof value[key] === 'string');

const isWorkspace = (value: unknown): value is Workspace =>
  isObject(value) && isObject(value['metadata']) && hasTexts(value['metadata'], ['name', 'namespace']) && isObject(value['resource']) && (isWork(value['tuning']) || isWork(value['inference']));
const isWork = (value: unknown): boolean => isObject(value) && isObject(value['preset']) && hasTexts(value['preset'], ['name']);
const isNodePool = (value: unknown): value is NodePoolRecord =>
  isObject(value) && hasTexts(value, ['subscriptionId', 'resourceGroup', 'cluster', 'location', 'name', 'instanceType']) && typeof value['count'] === 'number';
const isResult = (value: unknown): value is TuningResult => isObject(value) && (value['outcome'] === 'Succeeded' || value['outcome'] === 'Failed');
