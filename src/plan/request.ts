import type { KubernetesObject } from '../domain/kubernetes.ts';
import { stepWrites, type Choice, type Step } from '../domain/plan.ts';
import type { Preset } from '../domain/preset.ts';
import type { Workspace } from '../domain/workspace.ts';
import type { ServedAdapter } from '../manifests/inference.ts';
import type { ProvisionerName } from '../provisioners/index.ts';
import type { RuntimeName } from '../runtimes/index.ts';

/** What every plan that runs pods on GPUs must know beyond the Workspace. */
export interface RunSettings {
  provisioner: ProvisionerName;
  /** How the instance type was given, when it was. */
  instanceTypeWhy?: string;
  spot: boolean;
  /** Leaves the nodes there when the work is done. */
  keepNodes: boolean;
  nodeTimeoutMs: number;
}

/** What is to be served, and how. */
export interface ServingRequest extends RunSettings {
  workspace: Workspace;
  preset: Preset;
  runtime: RuntimeName;
  adapters: ServedAdapter[];
  choices: Choice[];
  /** ConfigMaps of a Workspace file, applied before everything else. */
  objects: readonly KubernetesObject[];
  /** From weights to `/health`. */
  readinessTimeoutMs: number;
  wait: boolean;
}

/** `--no-wait`: everything is asked for, and nothing is waited for. A pod stays Pending until its node has come. */
export const withoutWaiting = (steps: readonly Step[]): Step[] =>
  steps.filter(stepWrites).map((step) => (step.kind === 'create-agent-pool' ? { ...step, isLeft: true } : step));

/** Notes each decision with its reason while a request is put together. */
export interface ChoiceLog {
  choices: Choice[];
  /** Returns the value, so that deciding and saying why are one expression. */
  choose<T>(what: string, value: T, why: string, shown?: string): T;
}

export const createChoiceLog = (): ChoiceLog => {
  const choices: Choice[] = [];
  return {
    choices,
    choose(what, value, why, shown = String(value)) {
      choices.push({ what, value: shown, why });
      return value;
    },
  };
};
