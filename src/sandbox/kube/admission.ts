import { randomUUID } from 'node:crypto';
import type { KubernetesObject } from '../../domain/kubernetes.ts';
import { forbidden, notFound } from './errors.ts';
import { isEqualJson, isRecord, type JsonRecord, listAt, numberAt, recordAt, textAt } from './json.ts';
import { generateName } from './names.ts';
import { type Resource, resourceNameOf } from './resources.ts';
import type { Store, StoredObject } from './store.ts';

/**
 * What the API server itself puts into an object that is created, whoever sends it: a name from `generateName`, a uid, the
 * first status, and what a kind cannot be without, such as a Job's selector or a Service's address. In place.
 */
export const admitNew = (resource: Resource, object: KubernetesObject, store: Store): void => {
  const { metadata } = object;
  const prefix = textAt(metadata, 'generateName');
  if (!metadata.name && prefix) metadata.name = generateName(prefix);
  metadata.uid = randomUUID();
  for (const field of ['deletionTimestamp', 'deletionGracePeriodSeconds', 'selfLink', 'resourceVersion', 'creationTimestamp', 'generation']) {
    Reflect.deleteProperty(metadata, field);
  }
  // Nodes register themselves with their status; everything else starts with the server's.
  if (resource.subresources.includes('status') && resource.kind !== 'Node') {
    Reflect.deleteProperty(object, 'status');
    const status = firstStatus[resource.kind];
    if (status) object['status'] = status(recordAt(object, 'spec'));
  }
  completions[resource.kind]?.(object, recordAt(object, 'spec'), store);
};

/** Objects live in namespaces that exist and are not going away. */
export const admitNamespace = (resource: Resource, object: KubernetesObject, store: Store): void => {
  const { namespace, name } = object.metadata;
  if (!namespace) return;
  const found = store.get('namespaces', undefined, namespace);
  if (!found) throw notFound('namespaces', namespace);
  if (!found.metadata.deletionTimestamp) return;
  throw forbidden(
    resourceNameOf(resource),
    name,
    `unable to create new content in namespace ${namespace} because it is being terminated`,
    [{ reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' }],
  );
};

const firstStatus: Record<string, (spec: JsonRecord) => JsonRecord> = {
  Pod: (spec) => ({ phase: 'Pending', qosClass: qualityOfService(spec) }),
  Namespace: () => ({ phase: 'Active' }),
  PersistentVolumeClaim: () => ({ phase: 'Pending' }),
  PersistentVolume: () => ({ phase: 'Pending' }),
  Service: () => ({ loadBalancer: {} }),
  Deployment: () => ({}),
  Job: () => ({}),
  ReplicaSet: () => ({ replicas: 0 }),
  StatefulSet: () => ({ replicas: 0, availableReplicas: 0 }),
  DaemonSet: () => ({ currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 }),
};

/** Only CPU and memory count. https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/ */
const qualityOfService = (spec: JsonRecord): 'Guaranteed' | 'Burstable' | 'BestEffort' => {
  const resources = [...listAt(spec, 'initContainers'), ...listAt(spec, 'containers')].map((container) => ({
    requests: recordAt(container, 'resources', 'requests'),
    limits: recordAt(container, 'resources', 'limits'),
  }));
  const counted = ['cpu', 'memory'];
  if (resources.every(({ requests, limits }) => counted.every((name) => !(name in requests) && !(name in limits)))) return 'BestEffort';
  const isGuaranteed = resources.every(({ requests, limits }) => counted.every((name) => name in limits && requests[name] === limits[name]));
  return isGuaranteed ? 'Guaranteed' : 'Burstable';
};

const completions: Record<string, (object: KubernetesObject, spec: JsonRecord, store: Store) => void> = {
  Namespace: (namespace) => {
    namespace['spec'] = { finalizers: ['kubernetes'] };
    recordAt(namespace, 'metadata', 'labels')['kubernetes.io/metadata.name'] = namespace.metadata.name;
  },

  /** The selector is the Job's own uid, so that no two Jobs fight over pods; its template carries the labels. */
  Job: (job, spec) => {
    const template = recordAt(spec, 'template');
    if (spec['manualSelector'] === true || Object.keys(template).length === 0) return;
    const { name, uid = '' } = job.metadata;
    const labels = {
      'batch.kubernetes.io/controller-uid': uid,
      'batch.kubernetes.io/job-name': name,
      'controller-uid': uid,
      'job-name': name,
    };
    const given = recordAt(template, 'metadata', 'labels');
    const isInherited = Object.keys(given).length > 0 && isEqualJson(job.metadata.labels, given);
    template['metadata'] = { ...recordAt(template, 'metadata'), labels: { ...labels, ...recordAt(template, 'metadata', 'labels') } };
    // Defaulting gave it the labels of its pods, and means these too.
    if (isInherited) job.metadata.labels = { ...job.metadata.labels, ...labels };
    spec['selector'] = { matchLabels: { ...recordAt(spec, 'selector', 'matchLabels'), 'batch.kubernetes.io/controller-uid': uid } };
  },

  Service: (_service, spec, store) => {
    const others = store.list('services').map((other) => recordAt(other, 'spec'));
    if (spec['type'] !== 'ExternalName') {
      const address = textAt(spec, 'clusterIP') || firstFree(serviceAddresses(), new Set(others.map((other) => other['clusterIP'])));
      Object.assign(spec, { clusterIP: address, clusterIPs: [address], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' });
    }
    if (spec['type'] !== 'NodePort' && spec['type'] !== 'LoadBalancer') return;
    const taken = new Set(others.flatMap((other) => listAt(other, 'ports').map((port) => numberAt(port, 'nodePort'))));
    for (const port of listAt(spec, 'ports')) {
      if (!isRecord(port) || port['nodePort'] !== undefined) continue;
      port['nodePort'] = firstFree(nodePorts(), taken);
      taken.add(numberAt(port, 'nodePort'));
    }
  },

  /** ServiceAccount admission: every pod runs as somebody. */
  Pod: ({ metadata: { name, namespace } }, spec, store) => {
    const account = textAt(spec, 'serviceAccountName') ?? 'default';
    // The default one comes by itself.
    if (account !== 'default' && !store.get('serviceaccounts', namespace, account)) {
      throw forbidden('pods', name, `error looking up service account ${namespace}/${account}: serviceaccount "${account}" not found`);
    }
    spec['serviceAccountName'] = account;
    spec['serviceAccount'] ??= spec['serviceAccountName'];
    spec['preemptionPolicy'] ??= 'PreemptLowerPriority';
    spec['priority'] ??= 0;
  },

  /** A claim that names no class gets the default one, and keeps it when that changes. */
  PersistentVolumeClaim: (_claim, spec, store) => {
    if (spec['storageClassName'] !== undefined) return;
    const found = store.list('storageclasses.storage.k8s.io').find(isDefaultClass);
    if (found) spec['storageClassName'] = found.metadata.name;
  },
};

const isDefaultClass = ({ metadata }: StoredObject): boolean => metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true';

/** AKS gives Services addresses from 10.0.0.0/16 unless told otherwise; the first is the API server's, the tenth DNS's. */
function* serviceAddresses(): Generator<string> {
  for (let index = 11; index < 65_535; index += 1) yield `10.0.${index >> 8}.${index & 255}`;
}

function* nodePorts(): Generator<number> {
  for (let port = 30_000; port < 32_768; port += 1) yield port;
}

const firstFree = <T>(candidates: Iterable<T>, taken: ReadonlySet<unknown>): T | undefined => {
  for (const candidate of candidates) if (!taken.has(candidate)) return candidate;
  return undefined;
};
