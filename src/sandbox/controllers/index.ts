import type { Controller, ControllerContext } from './controller.ts';
import { daemonSetController } from './daemon-set.ts';
import { deploymentController } from './deployment.ts';
import { endpointSliceController } from './endpoint-slice.ts';
import { garbageCollector } from './garbage-collector.ts';
import { jobController } from './job.ts';
import { namespaceController } from './namespace.ts';
import { persistentVolumeClaimController } from './persistent-volume-claim.ts';
import { persistentVolumeController } from './persistent-volume.ts';
import { podGarbageCollector } from './pod-garbage-collector.ts';
import { replicaSetController } from './replica-set.ts';
import { scheduler } from './scheduler.ts';
import { serviceAccountController } from './service-account.ts';
import { statefulSetController } from './stateful-set.ts';

const controllers: readonly Controller[] = [
  namespaceController,
  serviceAccountController,
  garbageCollector,
  podGarbageCollector,
  jobController,
  deploymentController,
  replicaSetController,
  statefulSetController,
  daemonSetController,
  endpointSliceController,
  persistentVolumeClaimController,
  persistentVolumeController,
  scheduler,
];

/** What kube-controller-manager and kube-scheduler do, as far as this program and its users can see it. */
export const startControllers = (context: ControllerContext): { stop(): void } => {
  const stopping = new AbortController();
  for (const controller of controllers) controller.start(context, stopping.signal);
  return { stop: () => stopping.abort() };
};
