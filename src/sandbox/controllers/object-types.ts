import type {
  CoreV1Event,
  V1ConfigMap,
  V1DaemonSet,
  V1Deployment,
  V1EndpointSlice,
  V1Job,
  V1Namespace,
  V1Node,
  V1PersistentVolume,
  V1PersistentVolumeClaim,
  V1Pod,
  V1ReplicaSet,
  V1Secret,
  V1Service,
  V1StatefulSet,
  V1StorageClass,
} from '@kubernetes/client-node';
import type { StoredObject } from '../kube/store.ts';

/** The SDK's types say `Date` where the wire, and so the store, has RFC 3339 text. */
type Json<T> = T extends Date ? string : T extends (infer Item)[] ? Json<Item>[] : T extends object ? { [Field in keyof T]: Json<T[Field]> } : T;

type Stored<T> = Omit<Json<T>, 'apiVersion' | 'kind' | 'metadata'> & StoredObject;

/** What is stored under each name that the controllers and the kubelet work with. */
export interface Objects {
  configmaps: Stored<V1ConfigMap>;
  'daemonsets.apps': Stored<V1DaemonSet>;
  'deployments.apps': Stored<V1Deployment>;
  'endpointslices.discovery.k8s.io': Stored<V1EndpointSlice>;
  events: Stored<CoreV1Event>;
  'jobs.batch': Stored<V1Job>;
  namespaces: Stored<V1Namespace>;
  nodes: Stored<V1Node>;
  persistentvolumeclaims: Stored<V1PersistentVolumeClaim>;
  persistentvolumes: Stored<V1PersistentVolume>;
  pods: Stored<V1Pod>;
  'replicasets.apps': Stored<V1ReplicaSet>;
  secrets: Stored<V1Secret>;
  services: Stored<V1Service>;
  'statefulsets.apps': Stored<V1StatefulSet>;
  'storageclasses.storage.k8s.io': Stored<V1StorageClass>;
}

export type Pod = Objects['pods'];
export type PodSpec = NonNullable<Pod['spec']>;
export type PodStatus = NonNullable<Pod['status']>;
export type Container = PodSpec['containers'][number];
export type ContainerStatus = NonNullable<PodStatus['containerStatuses']>[number];
export type Node = Objects['nodes'];
export type PodTemplate = NonNullable<Objects['jobs.batch']['spec']>['template'];
