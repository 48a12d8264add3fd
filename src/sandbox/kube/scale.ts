import type { KubernetesObject } from '../../domain/kubernetes.ts';
import { badRequest, invalid } from './errors.ts';
import { isRecord, numberAt, recordAt, textAt, valueAt } from './json.ts';
import type { StoredObject } from './store.ts';

/** A workload as its `scale` subresource shows it: `autoscaling/v1`. */
export const toScale = (object: StoredObject): KubernetesObject => {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const labels = Object.entries(recordAt(object, 'spec', 'selector', 'matchLabels'));
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, ...(namespace ? { namespace } : {}), uid, resourceVersion, creationTimestamp },
    spec: { replicas: numberAt(object, 'spec', 'replicas') ?? 0 },
    status: {
      replicas: numberAt(object, 'status', 'replicas') ?? 0,
      selector: labels.map(([key, value]) => `${key}=${String(value)}`).join(','),
    },
  };
};

/** The workload as a changed Scale wants it. */
export const replaceReplicas = (live: StoredObject, scale: unknown): KubernetesObject => {
  if (!isRecord(scale)) throw badRequest('the object provided is unrecognized (must be of type Scale)');
  const replicas = valueAt(scale, 'spec', 'replicas') ?? 0;
  if (typeof replicas !== 'number' || replicas < 0) {
    throw invalid('autoscaling', 'Scale', live.metadata.name, [
      { type: 'Invalid', field: 'spec.replicas', value: replicas, detail: 'must be greater than or equal to 0' },
    ]);
  }
  const resourceVersion = textAt(scale, 'metadata', 'resourceVersion') ?? live.metadata.resourceVersion;
  return { ...live, metadata: { ...live.metadata, resourceVersion }, spec: { ...recordAt(live, 'spec'), replicas } };
};
