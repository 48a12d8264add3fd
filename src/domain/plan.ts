import type { AgentPoolRequest } from './azure.ts';
import type { KubernetesObject, ObjectReference } from './kubernetes.ts';
import type { AdapterLocation, NodePoolRecord } from './record.ts';
import type { Workspace } from './workspace.ts';

/**
 * What will be done, as plain data: printed by `--dry-run`, carried out by `flow/execute`. A Plan that is printed and a
 * Plan that is executed are the same value.
 */
export interface Plan {
  version: 1;
  command: 'tune' | 'serve' | 'delete';
  workspace: Workspace;
  /** Which cluster, for the sentences that name it. */
  target: { context: string; server: string; namespace: string };
  /** Each decision that was made for the user, with its reason. */
  choices: Choice[];
  checks: Check[];
  nodes: NodesNeeded;
  cost?: Cost;
  steps: Step[];
  warnings: string[];
}

export interface Choice {
  /** What was decided, as the flag is called without dashes: `instance-type`. */
  what: string;
  value: string;
  /** Why: `--preset`, `default: ...`, `cheapest that fits`. */
  why: string;
}

export interface Check {
  what: string;
  verdict: 'passed' | 'refused' | 'unknown';
  /** The evidence. */
  fact: string;
}

export interface NodesNeeded {
  provisioner: 'aks' | 'byo';
  count: number;
  gpusPerNode: number;
  /** As pods ask for it; absent: whole GPUs, `nvidia.com/gpu`. */
  gpuResource?: string;
  /** Of one GPU or slice; absent where nobody knows. */
  gpuMemoryGiB?: number;
  instanceType?: string;
}

export interface Cost {
  perHourUsd: number;
  /** Where the price comes from: `list price in eastus of 2026-06-18`. */
  source: string;
  /** The most that can be spent before a time limit ends it; absent where nothing ends it by itself. */
  limitUsd?: number;
}

export type Step =
  | ApplyStep
  | RecordStep
  | CreateAgentPoolStep
  | AwaitNodesStep
  | DeleteObjectStep
  | FollowTuningStep
  | AwaitServerStep
  | DeleteAgentPoolStep
  | AwaitGoneStep;

interface StepBase {
  /** One line, imperative: `Add agent pool kphi3a1b2c3`. */
  title: string;
}

/** Writes the owner record. Always the first write. */
export interface RecordStep extends StepBase {
  kind: 'record';
  revision: number;
  nodePool?: NodePoolRecord;
}

/** Server-side apply; the owner record becomes its owner unless it must outlive the workspace. */
export interface ApplyStep extends StepBase {
  kind: 'apply';
  object: KubernetesObject;
  owned: boolean;
}

/** Asks Azure for the pool (or takes up the operation that an earlier run started), and awaits it. */
export interface CreateAgentPoolStep extends StepBase {
  kind: 'create-agent-pool';
  pool: AgentPoolRequest;
  timeoutMs: number;
  /** Asks and does not wait: `--no-wait`. */
  isLeft?: true;
  /** What the record holds of an interrupted run. */
  resume?: { kind: 'create' | 'delete'; state: string };
}

/** Until that many nodes are Ready and have their GPUs allocatable. */
export interface AwaitNodesStep extends StepBase {
  kind: 'await-nodes';
  labelSelector: string;
  count: number;
  gpusPerNode: number;
  /** Absent: `nvidia.com/gpu`. */
  gpuResource?: string;
  timeoutMs: number;
}

/** Until the Job has ended, telling how training goes. */
export interface FollowTuningStep extends StepBase {
  kind: 'follow-tuning';
  job: ObjectReference;
  adapter: AdapterLocation;
  timeoutMs: number;
}

/** Until `/health` answers 200 through the cluster. */
export interface AwaitServerStep extends StepBase {
  kind: 'await-server';
  workload: ObjectReference;
  servedModelName: string;
  timeoutMs: number;
}

export interface DeleteObjectStep extends StepBase {
  kind: 'delete-object';
  object: ObjectReference;
  timeoutMs: number;
}

export interface DeleteAgentPoolStep extends StepBase {
  kind: 'delete-agent-pool';
  name: string;
  timeoutMs: number;
  resume?: { kind: 'create' | 'delete'; state: string };
}

/** Until no pod of the workspace is left. */
export interface AwaitGoneStep extends StepBase {
  kind: 'await-gone';
  labelSelector: string;
  timeoutMs: number;
}

/** Whether carrying out this step changes a cluster or a cloud. */
export const stepWrites = (step: Step): boolean => {
  switch (step.kind) {
    case 'record':
    case 'apply':
    case 'create-agent-pool':
    case 'delete-object':
    case 'delete-agent-pool':
      return true;
    case 'await-nodes':
    case 'follow-tuning':
    case 'await-server':
    case 'await-gone':
      return false;
  }
};
