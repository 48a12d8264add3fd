import type { AgentPool, ManagedCluster, Sku, Usage } from './azure.ts';
import type { KubernetesObject } from './kubernetes.ts';
import type { OwnerRecord, TuningResult } from './record.ts';
import type { WorkspaceKind } from './workspace.ts';

/** What was observed before planning, as data: a Plan is a function of the Workspace and this. */
export interface Facts {
  target: { context: string; server: string; namespace: string };
  record?: { uid: string; version?: string; record: OwnerRecord };
  /** Objects of this workspace's names that are there already, whoever made them. */
  existing: KubernetesObject[];
  nodes: NodeFacts[];
  /** The default StorageClass; absent: a claim without a class stays Pending. */
  defaultStorageClass?: string;
  storageClasses: string[];
  /** Secrets that the Workspace names. */
  secrets: Record<string, SecretFacts | 'missing'>;
  /** What else the Workspace names and is not there; absent: nothing was asked. */
  missing?: MissingReference[];
  /** Of the ConfigMap that the Workspace names; absent: there is none, or it may not be read. */
  configuration?: Readonly<Record<string, string>>;
  /** Nobody has looked at the cluster, and what is not there now may be there when it counts. */
  isAssumed?: true;
  /** Asked of the API server: may this user do what the plan needs? */
  permissions: Permission[];
  /** Absent when no Azure is needed. */
  azure?: AzureFacts;
  /** Whether the output image can be pushed; absent: there is none. */
  push?: PushFacts;
  /** Whether images that pods mount can be pulled, by reference; absent: nothing was asked. */
  pulls?: Record<string, PullFacts>;
}

export interface NodeFacts {
  name: string;
  isReady: boolean;
  labels: Record<string, string>;
  taints: string[];
  /** Allocatable `nvidia.com/gpu`. */
  gpuCount: number;
  /** From the label `nvidia.com/gpu.memory`, per GPU; absent where no feature discovery runs. */
  gpuMemoryGiB?: number;
  /** Allocatable MIG slices by profile, where they are announced by it; absent: nobody knows. */
  slices?: Record<string, number>;
}

export interface MissingReference {
  kind: 'ConfigMap' | 'PersistentVolumeClaim';
  name: string;
}

export interface SecretFacts {
  type: string;
  keys: string[];
}

export interface Permission {
  /** `create jobs.batch`. */
  what: string;
  isAllowed: boolean;
  reason?: string;
  /** Of the whole cluster, whatever the namespace. */
  isClusterWide?: true;
}

export interface AzureFacts {
  login: string;
  cluster: ManagedCluster;
  usages: Usage[];
  skus: Sku[];
  agentPools: AgentPool[];
}

export interface TuningFacts {
  kind: WorkspaceKind;
  preset: string;
  /** LoRA rank of the adapter. */
  rank: number;
  imagePullSecret?: string;
  result?: TuningResult;
}

/** `refused` is what one without credentials is told of a private image too, so it says little then. */
export type PullFacts = { canPull: true } | { canPull: false; reason: 'missing' | 'refused' | 'unreachable'; fact: string };

export type PushFacts = { canPush: true } | { canPush: false; reason: 'refused' | 'unreachable'; fact: string };
