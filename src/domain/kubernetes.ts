/** The few facts about Kubernetes objects that pure code needs; full types come from the API's own definitions in `cluster/kinds.ts`. */

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  /** RFC 3339. */
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
}

/** An object as the API speaks it: plain JSON, timestamps as RFC 3339 text, fields of newer API versions kept. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [field: string]: unknown;
}

export interface ObjectReference {
  kind: string;
  name: string;
  namespace?: string;
}

/** `Job/my-tuning`: how objects are named in every sentence this program prints. */
export const describeObject = ({ kind, name }: ObjectReference): string => `${kind}/${name}`;
