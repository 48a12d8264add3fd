import type {
  CoreV1Event,
  V1ConfigMap,
  V1CSIDriver,
  V1DaemonSet,
  V1Deployment,
  V1Job,
  V1Namespace,
  V1Node,
  V1PersistentVolumeClaim,
  V1Pod,
  V1ReplicaSet,
  V1Secret,
  V1SelfSubjectAccessReview,
  V1Service,
  V1StatefulSet,
  V1StorageClass,
} from '@kubernetes/client-node';
import type { ObjectMeta } from '../domain/kubernetes.ts';

/** The SDK's types say `Date` where the wire says RFC 3339 text; this program reads the wire. */
export type Json<T> = T extends Date
  ? string
  : T extends (infer Item)[]
    ? Json<Item>[]
    : T extends object
      ? { [Field in keyof T]: Json<T[Field]> }
      : T;

type Raw<T> = Omit<Json<T>, 'apiVersion' | 'kind' | 'metadata'> & {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [field: string]: unknown;
};

export interface Kinds {
  ConfigMap: Raw<V1ConfigMap>;
  CSIDriver: Raw<V1CSIDriver>;
  DaemonSet: Raw<V1DaemonSet>;
  Deployment: Raw<V1Deployment>;
  Event: Raw<CoreV1Event>;
  Job: Raw<V1Job>;
  Namespace: Raw<V1Namespace>;
  Node: Raw<V1Node>;
  PersistentVolumeClaim: Raw<V1PersistentVolumeClaim>;
  Pod: Raw<V1Pod>;
  ReplicaSet: Raw<V1ReplicaSet>;
  Secret: Raw<V1Secret>;
  SelfSubjectAccessReview: Raw<V1SelfSubjectAccessReview>;
  Service: Raw<V1Service>;
  StatefulSet: Raw<V1StatefulSet>;
  StorageClass: Raw<V1StorageClass>;
}

export type Kind = keyof Kinds;

export interface ApiResource {
  /** `v1` or `apps/v1`. */
  apiVersion: string;
  plural: string;
  namespaced: boolean;
}

/** Where each kind lives in the API: known beforehand, so that no command pays for discovery. */
export const apiResources = {
  ConfigMap: { apiVersion: 'v1', plural: 'configmaps', namespaced: true },
  CSIDriver: { apiVersion: 'storage.k8s.io/v1', plural: 'csidrivers', namespaced: false },
  DaemonSet: { apiVersion: 'apps/v1', plural: 'daemonsets', namespaced: true },
  Deployment: { apiVersion: 'apps/v1', plural: 'deployments', namespaced: true },
  Event: { apiVersion: 'v1', plural: 'events', namespaced: true },
  Job: { apiVersion: 'batch/v1', plural: 'jobs', namespaced: true },
  Namespace: { apiVersion: 'v1', plural: 'namespaces', namespaced: false },
  Node: { apiVersion: 'v1', plural: 'nodes', namespaced: false },
  PersistentVolumeClaim: { apiVersion: 'v1', plural: 'persistentvolumeclaims', namespaced: true },
  Pod: { apiVersion: 'v1', plural: 'pods', namespaced: true },
  ReplicaSet: { apiVersion: 'apps/v1', plural: 'replicasets', namespaced: true },
  Secret: { apiVersion: 'v1', plural: 'secrets', namespaced: true },
  SelfSubjectAccessReview: { apiVersion: 'authorization.k8s.io/v1', plural: 'selfsubjectaccessreviews', namespaced: false },
  Service: { apiVersion: 'v1', plural: 'services', namespaced: true },
  StatefulSet: { apiVersion: 'apps/v1', plural: 'statefulsets', namespaced: true },
  StorageClass: { apiVersion: 'storage.k8s.io/v1', plural: 'storageclasses', namespaced: false },
} as const satisfies Record<Kind, ApiResource>;

export const isKnownKind = (kind: string): kind is Kind => kind in apiResources;
