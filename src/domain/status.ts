import type { AdapterLocation } from './record.ts';
import type { WorkspaceKind } from './workspace.ts';

/** KAITO's summary field; https://github.com/kaito-project/kaito/blob/056b8280/api/v1beta1/workspace_types.go#L222 */
export type WorkspaceState = 'Pending' | 'Ready' | 'NotReady' | 'Running' | 'Succeeded' | 'Failed';

export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
}

/** What the operator would show for a Workspace, computed from live objects, and one line of why and what next. */
export interface WorkspaceStatus {
  name: string;
  namespace: string;
  kind: WorkspaceKind;
  preset: string;
  instanceType: string;
  targetNodeCount: number;
  workerNodes: string[];
  state: WorkspaceState;
  conditions: Condition[];
  /** RFC 3339. */
  createdAt: string;
  /** Why it is in that state, in one sentence. */
  why: string;
  /** The command that helps next. */
  next?: string;
  nodePool?: { name: string; state: string; pricePerHourUsd?: number };
  endpoint?: string;
  adapter?: AdapterLocation;
  progress?: string;
  managedBy: 'kaito-ts' | 'kaito-operator';
}
