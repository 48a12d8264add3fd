import type { Workspace } from './workspace.ts';

/**
 * The owner record: ConfigMap `<name>-kaito`, written before anything that costs money. It says what was wanted and which
 * agent pool was asked for, so that any later run, on any machine, can go on, undo, or find what was left behind.
 * The objects in the cluster hang on it by ownerReference: deleting it cleans the namespace.
 */
export interface OwnerRecord {
  workspace: Workspace;
  /** Counts up each time the Workspace changes. */
  revision: number;
  /** RFC 3339. */
  createdAt: string;
  nodePool?: NodePoolRecord;
  result?: TuningResult;
}

/** An agent pool that was asked for. It is there, on its way, or (`releasedAt`) gone. */
export interface NodePoolRecord {
  subscriptionId: string;
  resourceGroup: string;
  cluster: string;
  location: string;
  name: string;
  instanceType: string;
  count: number;
  spot: boolean;
  pricePerHourUsd?: number;
  /** RFC 3339. */
  requestedAt: string;
  /** Azure's long-running operation as plain data, to be resumed by any later run. */
  operation?: { kind: 'create' | 'delete'; state: string };
  releasedAt?: string;
}

export interface TuningResult {
  outcome: 'Succeeded' | 'Failed';
  finishedAt: string;
  adapter?: AdapterLocation;
  steps?: number;
  finalLoss?: number;
  /** Why it failed. */
  reason?: string;
  message?: string;
  /** The end of the failed container's log: the pod and its node are gone when somebody asks. */
  logTail?: string;
}

/** Where a tuned adapter is. */
export type AdapterLocation =
  | { kind: 'image'; reference: string; digest?: string }
  | { kind: 'claim'; claimName: string; path: string };

export const recordName = (workspaceName: string): string => `${workspaceName}-kaito`;

/** `registry/name:tag` or `PersistentVolumeClaim/name`. */
export const describeAdapter = (adapter: AdapterLocation): string =>
  adapter.kind === 'image'
    ? adapter.digest ? `${adapter.reference}@${adapter.digest}` : adapter.reference
    : `PersistentVolumeClaim/${adapter.claimName}`;
