import { toTimestamp } from '../kube/store.ts';
import { withCondition } from './conditions.ts';
import { createController } from './controller.ts';
import { changeStatus, find, isDeleted, isFinished, list } from './objects.ts';

/**
 * Pods whose node is gone have nobody left who could end them: they are marked as failed and deleted by force.
 * https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/controller/podgc/gc_controller.go
 */
export const podGarbageCollector = createController({
  name: 'pod-garbage-collector',
  resource: 'pods',
  affectedBy: ({ resource, type, object }, store) => (resource === 'nodes' && type === 'DELETED' ? list(store, 'pods').filter(({ spec }) => spec?.nodeName === object.metadata.name) : []),
  reconcile(pod, { store, clock }) {
    const nodeName = pod.spec?.nodeName;
    if (!nodeName || find(store, 'nodes', undefined, nodeName)) return;
    const now = toTimestamp(clock.now());
    if (!isFinished(pod)) {
      const disruption = { type: 'DisruptionTarget', status: 'True', reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' };
      changeStatus(store, 'pods', pod, (draft) => {
        draft.status = { ...draft.status, phase: 'Failed', conditions: withCondition(draft.status?.conditions, disruption, now) };
      });
    }
    const { namespace, name, finalizers = [], deletionGracePeriodSeconds } = pod.metadata;
    // With finalizers it stays until their owners have seen it; asking again would tell nothing new.
    if (isDeleted(pod) && deletionGracePeriodSeconds === 0 && finalizers.length > 0) return;
    store.delete('pods', namespace, name, { gracePeriodSeconds: 0 });
  },
});
