import type { ResourceName } from './store.ts';

/** A kind the sandbox's API server knows; everything about a kind that is not a controller's business. */
export interface Resource {
  /** Empty for the core group. */
  group: string;
  version: string;
  kind: string;
  plural: string;
  singular: string;
  shortNames: readonly string[];
  categories: readonly string[];
  namespaced: boolean;
  subresources: readonly ('status' | 'scale' | 'log' | 'portforward')[];
  /** Questions are answered when they are posted, and never kept. */
  isQuestion?: true;
}

const resource = (apiVersion: string, kind: string, plural: string, rest: Partial<Resource> = {}): Resource => {
  const [version = '', group = ''] = apiVersion.split('/').toReversed();
  return {
    group,
    version,
    kind,
    plural,
    singular: kind.toLowerCase(),
    shortNames: [],
    categories: [],
    namespaced: true,
    subresources: [],
    ...rest,
  };
};

const all = ['all'];

/** Short names and categories are kubectl's, which learns them from discovery. */
export const resources: readonly Resource[] = [
  resource('v1', 'ConfigMap', 'configmaps', { shortNames: ['cm'] }),
  resource('v1', 'Endpoints', 'endpoints', { shortNames: ['ep'] }),
  resource('v1', 'Event', 'events', { shortNames: ['ev'] }),
  resource('v1', 'Namespace', 'namespaces', { shortNames: ['ns'], namespaced: false, subresources: ['status'] }),
  resource('v1', 'Node', 'nodes', { shortNames: ['no'], namespaced: false, subresources: ['status'] }),
  resource('v1', 'PersistentVolumeClaim', 'persistentvolumeclaims', { shortNames: ['pvc'], subresources: ['status'] }),
  resource('v1', 'PersistentVolume', 'persistentvolumes', { shortNames: ['pv'], namespaced: false, subresources: ['status'] }),
  resource('v1', 'Pod', 'pods', { shortNames: ['po'], categories: all, subresources: ['status', 'log', 'portforward'] }),
  resource('v1', 'Secret', 'secrets'),
  resource('v1', 'ServiceAccount', 'serviceaccounts', { shortNames: ['sa'] }),
  resource('v1', 'Service', 'services', { shortNames: ['svc'], categories: all, subresources: ['status'] }),
  resource('apps/v1', 'DaemonSet', 'daemonsets', { shortNames: ['ds'], categories: all, subresources: ['status'] }),
  resource('apps/v1', 'Deployment', 'deployments', { shortNames: ['deploy'], categories: all, subresources: ['status', 'scale'] }),
  resource('apps/v1', 'ReplicaSet', 'replicasets', { shortNames: ['rs'], categories: all, subresources: ['status', 'scale'] }),
  resource('apps/v1', 'StatefulSet', 'statefulsets', { shortNames: ['sts'], categories: all, subresources: ['status', 'scale'] }),
  resource('batch/v1', 'Job', 'jobs', { categories: all, subresources: ['status'] }),
  resource('storage.k8s.io/v1', 'StorageClass', 'storageclasses', { shortNames: ['sc'], namespaced: false }),
  resource('discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices'),
  resource('rbac.authorization.k8s.io/v1', 'ClusterRole', 'clusterroles', { namespaced: false }),
  resource('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', 'clusterrolebindings', { namespaced: false }),
  resource('rbac.authorization.k8s.io/v1', 'Role', 'roles'),
  resource('rbac.authorization.k8s.io/v1', 'RoleBinding', 'rolebindings'),
  resource('coordination.k8s.io/v1', 'Lease', 'leases'),
  resource('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'customresourcedefinitions', {
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
    namespaced: false,
    subresources: ['status'],
  }),
  resource('authorization.k8s.io/v1', 'SelfSubjectAccessReview', 'selfsubjectaccessreviews', { namespaced: false, isQuestion: true }),
  resource('authentication.k8s.io/v1', 'SelfSubjectReview', 'selfsubjectreviews', { namespaced: false, isQuestion: true }),
];

export const apiVersionOf = ({ group, version }: Resource): string => (group ? `${group}/${version}` : version);

/** The store's name for it: `pods`, `deployments.apps`. */
export const resourceNameOf = ({ group, plural }: Resource): ResourceName => (group ? `${plural}.${group}` : plural);

export const findResource = (group: string, version: string, plural: string): Resource | undefined =>
  resources.find((known) => known.group === group && known.version === version && known.plural === plural);

/** Every group and version served, core first. */
export const groupVersions: readonly { group: string; version: string }[] = [
  ...new Map(resources.map(({ group, version }) => [`${group}/${version}`, { group, version }])).values(),
];

/** `/apis/apps/v1`, and `/api/v1` for the core group. */
export const groupPath = ({ group, version }: { group: string; version: string }): string =>
  group ? `/apis/${group}/${version}` : `/api/${version}`;

/** The other way round. */
export const findGroupPath = (path: string): { group: string; version: string } | undefined =>
  groupVersions.find((group) => groupPath(group) === path);

export const verbsOf = ({ isQuestion, kind }: Resource): readonly string[] => {
  if (isQuestion) return ['create'];
  // Namespaces are too much to lose all at once.
  const collection = kind === 'Namespace' ? [] : ['deletecollection'];
  return ['create', 'delete', ...collection, 'get', 'list', 'patch', 'update', 'watch'];
};
