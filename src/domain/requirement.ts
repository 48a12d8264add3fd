import type { Check } from './plan.ts';

/** One thing that must be so before anything is run, and how to bring it about. `unknown` could not be asked. */
export interface Requirement extends Check {
  remedy?: string;
}

export type RequirementAnswer = Omit<Requirement, 'what'>;

/** A DaemonSet that makes GPUs allocatable. */
export interface DevicePlugin {
  name: string;
  namespace: string;
  image: string;
  /** `sku=gpu:NoSchedule`, the taint of GPU nodes by AKS's and KAITO's convention. */
  toleratesGpuTaint: boolean;
  /** Whether its template has any toleration, which a patch must know. */
  hasTolerations: boolean;
  /** Pods that are ready, and nodes that should have one. */
  readyCount: number;
  nodeCount: number;
}
