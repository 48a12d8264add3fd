import type { KubernetesObject } from '../../domain/kubernetes.ts';
import { isRecord, type JsonRecord, listAt, recordAt } from './json.ts';
import { applyPodTemplateDefaults } from './pod-defaults.ts';

/**
 * Fills in, in place, what the API fills in when a client leaves it out. Only fields that some client reads; see
 * https://github.com/kubernetes/kubernetes/tree/v1.36.3/pkg/apis and there core, apps and batch, v1/defaults.go.
 */
export const applyDefaults = (object: KubernetesObject): void => {
  const template = recordAt(object, 'spec', 'template');
  if (isRecord(template['spec'])) applyPodTemplateDefaults(template['spec']);
  byKind[object.kind]?.(object, recordAt(object, 'spec'));
};

/** Fields that are there already win; nothing is added to a `spec` that is not there. */
const fill = (target: JsonRecord, values: JsonRecord): void => {
  for (const [field, value] of Object.entries(values)) if (target[field] === undefined) target[field] = value;
};

const fillRecord = (target: JsonRecord, field: string, values: JsonRecord): void => {
  fill(target, { [field]: {} });
  fill(recordAt(target, field), values);
};

const byKind: Record<string, (object: KubernetesObject, spec: JsonRecord) => void> = {
  Pod: (_pod, spec) => {
    applyPodTemplateDefaults(spec);
    fill(spec, { enableServiceLinks: true });
    for (const container of [...listAt(spec, 'initContainers'), ...listAt(spec, 'containers')]) {
      const limits = recordAt(container, 'resources', 'limits');
      if (Object.keys(limits).length > 0) fillRecord(recordAt(container, 'resources'), 'requests', { ...limits });
    }
  },

  Deployment: (_deployment, spec) => {
    fill(spec, { replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 });
    fillRecord(spec, 'strategy', { type: 'RollingUpdate' });
    const strategy = recordAt(spec, 'strategy');
    if (strategy['type'] === 'RollingUpdate') fillRecord(strategy, 'rollingUpdate', { maxUnavailable: '25%', maxSurge: '25%' });
  },

  ReplicaSet: (_set, spec) => fill(spec, { replicas: 1 }),

  StatefulSet: (_set, spec) => {
    fill(spec, { replicas: 1, revisionHistoryLimit: 10, podManagementPolicy: 'OrderedReady' });
    fillRecord(spec, 'updateStrategy', { type: 'RollingUpdate' });
    const strategy = recordAt(spec, 'updateStrategy');
    if (strategy['type'] === 'RollingUpdate') fillRecord(strategy, 'rollingUpdate', { partition: 0 });
    fillRecord(spec, 'persistentVolumeClaimRetentionPolicy', { whenDeleted: 'Retain', whenScaled: 'Retain' });
    for (const claim of listAt(spec, 'volumeClaimTemplates')) {
      if (!isRecord(claim)) continue;
      fill(claim, { apiVersion: 'v1', kind: 'PersistentVolumeClaim', spec: {}, status: { phase: 'Pending' } });
      fill(recordAt(claim, 'spec'), { volumeMode: 'Filesystem' });
    }
  },

  DaemonSet: (_set, spec) => {
    fill(spec, { revisionHistoryLimit: 10 });
    fillRecord(spec, 'updateStrategy', { type: 'RollingUpdate' });
    const strategy = recordAt(spec, 'updateStrategy');
    if (strategy['type'] === 'RollingUpdate') fillRecord(strategy, 'rollingUpdate', { maxUnavailable: 1, maxSurge: 0 });
  },

  Job: (job, spec) => {
    if (spec['completions'] === undefined && spec['parallelism'] === undefined) fill(spec, { completions: 1 });
    fill(spec, {
      parallelism: 1,
      backoffLimit: spec['backoffLimitPerIndex'] === undefined ? 6 : 2_147_483_647,
      completionMode: 'NonIndexed',
      suspend: false,
      manualSelector: false,
      podReplacementPolicy: spec['podFailurePolicy'] === undefined ? 'TerminatingOrFailed' : 'Failed',
    });
    for (const rule of listAt(spec, 'podFailurePolicy', 'rules')) {
      for (const pattern of listAt(rule, 'onPodConditions')) if (isRecord(pattern)) fill(pattern, { status: 'True' });
    }
    const labels = recordAt(spec, 'template', 'metadata', 'labels');
    if (Object.keys(labels).length > 0) fill(recordAt(job, 'metadata'), { labels: { ...labels } });
  },

  Service: (_service, spec) => {
    fill(spec, { type: 'ClusterIP', sessionAffinity: 'None' });
    if (spec['type'] !== 'ExternalName') fill(spec, { internalTrafficPolicy: 'Cluster' });
    if (spec['type'] === 'LoadBalancer') fill(spec, { allocateLoadBalancerNodePorts: true });
    if (spec['type'] === 'LoadBalancer' || spec['type'] === 'NodePort') fill(spec, { externalTrafficPolicy: 'Cluster' });
    for (const port of listAt(spec, 'ports')) {
      if (isRecord(port)) fill(port, { protocol: 'TCP', targetPort: port['port'] });
    }
  },

  Secret: (secret) => {
    fill(secret, { type: 'Opaque' });
    const plain = secret['stringData'];
    if (!isRecord(plain)) return;
    const encoded = Object.entries(plain).map(([key, value]) => [key, Buffer.from(String(value)).toString('base64')]);
    secret['data'] = { ...recordAt(secret, 'data'), ...Object.fromEntries(encoded) };
    delete secret['stringData'];
  },

  Namespace: (namespace) => {
    fillRecord(namespace, 'spec', {});
    fillRecord(recordAt(namespace, 'metadata'), 'labels', { 'kubernetes.io/metadata.name': namespace.metadata.name });
  },

  PersistentVolumeClaim: (_claim, spec) => fill(spec, { volumeMode: 'Filesystem' }),

  PersistentVolume: (_volume, spec) => fill(spec, { volumeMode: 'Filesystem', persistentVolumeReclaimPolicy: 'Retain' }),

  StorageClass: (storageClass) => fill(storageClass, { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' }),

  Node: (node) => {
    const capacity = recordAt(node, 'status', 'capacity');
    if (Object.keys(capacity).length > 0) fill(recordAt(node, 'status'), { allocatable: { ...capacity } });
  },
};
