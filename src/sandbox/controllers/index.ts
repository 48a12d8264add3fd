import type { SandboxClock } from '../clock.ts';
import type { Faults } from '../faults.ts';
import type { Store } from '../kube/store.ts';
import type { PodRuntime } from '../kubelet/pod-runtime.ts';
import type { Controller } from './controller.ts';
import { deploymentController } from './deployment.ts';
import { garbageCollector } from './garbage-collector.ts';
import { jobController } from './job.ts';
import { namespaceController } from './namespace.ts';
import { persistentVolumeClaimController } from './persistent-volume-claim.ts';
import { persistentVolumeController } from './persistent-volume.ts';
import { podGarbageCollector } from './pod-garbage-collector.ts';
import { replicaSetController } from './replica-set.ts';
import { scheduler } from './scheduler.ts';
import { statefulSetController } from './stateful-set.ts';

const controllers: readonly Controller[] = [
  namespaceController,
  garbageCollector,
  podGarbageCollector,
  jobController,
  deploymentController,
  replicaSetController,
  statefulSetController,
  persistentVolumeClaimController,
  persistentVolumeController,
  scheduler,
];

export interface ControllerOptions {
  store: Store;
  runtime?: PodRuntime;
  clock: SandboxClock;
  faults: Faults;
}

/** What kube-controller-manager and kube-scheduler do, as far as this program and its users can see it. */
export const startControllers = ({ store, clock, faults }: ControllerOptions): { stop(): void } => {
  const stopping = new AbortController();
  for (const controller of controllers) controller.start({ store, clock, faults }, stopping.signal);
  return { stop: () => stopping.abort() };
};
