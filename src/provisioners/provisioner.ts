import type { Facts } from '../domain/facts.ts';
import type { Check, Choice, Cost, NodesNeeded, Step } from '../domain/plan.ts';
import type { NodePoolRecord } from '../domain/record.ts';
import type { Workspace } from '../domain/workspace.ts';

/**
 * Where nodes come from. A provisioner is pure: it judges what was observed and says which steps are needed; it never
 * calls a cluster or a cloud.
 */
export interface Provisioner {
  /** Whether Azure must be asked: existing nodes never need a login. */
  usesAzure: boolean;
  /** Throws what a user can mend: QuotaError, UsageError, PreflightError. */
  provision(request: NodesRequest, facts: Facts): Provision;
}

export interface NodesRequest {
  workspace: Workspace;
  /** How many of such machines the workload needs, or why they cannot serve it. */
  fit(machine: Machine): Fit;
  /** Room on the node's disk for the image, the weights and the results. */
  diskGiB: number;
  spot: boolean;
  /** The Job ends by itself, so idle nodes may go away by themselves too. */
  endsByItself: boolean;
  /** Leaves the nodes there when the work is done. */
  keepNodes: boolean;
  nodeTimeoutMs: number;
  /** What ends spending by itself, for the cost. */
  timeLimitMs?: number;
  instanceTypeWhy?: string;
}

export interface Machine {
  name: string;
  gpuCount: number;
  gpuModel: string;
  /** Of one GPU; 0 where nobody knows. */
  gpuMemoryGiB: number;
  /** As pods ask for it; absent: whole GPUs, `nvidia.com/gpu`. */
  gpuResource?: string;
  /** Its GPUs are slices (MIG), which cannot work on one model together. */
  isSliced?: true;
}

export type Fit =
  | {
      nodeCount: number;
      why: string;
      /** Fewer than the machine has; absent: all of them. */
      gpusPerNode?: number;
      warning?: string;
    }
  | { refusal: string };

/** What the provisioner answers. */
export interface Provision {
  nodes: NodesNeeded;
  /** The machine decided on, for rendering. */
  machine: Machine;
  /** Every pod of the workspace must run where these labels are. */
  nodeSelector: Record<string, string>;
  choices: Choice[];
  checks: Check[];
  warnings: string[];
  cost?: Cost;
  /** To be recorded before anything is asked for. */
  nodePool?: NodePoolRecord;
  /** What an earlier attempt left, to be taken away while its record is still there. */
  leftovers: Step[];
  /** Until the nodes are there. */
  before: Step[];
  /** Once the work is done, and also when it failed. */
  after: Step[];
}
