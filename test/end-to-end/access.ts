import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { KubeConfig, RbacAuthorizationV1Api } from '@kubernetes/client-node';
import { configOf } from '../cluster/real/pods.ts';
import type { Rig } from './rig.ts';

/** `list pods`, `get pods/log`, `patch jobs.batch`, as `kubectl auth can-i` takes them. */
export type Permission = `${string} ${string}`;

const clusterWide = new Set(['nodes', 'storageclasses.storage.k8s.io', 'namespaces']);

const toRules = (permissions: readonly Permission[]) =>
  permissions.map((permission) => {
    const [verb = '', resource = ''] = permission.split(' ');
    const [plural = '', ...group] = resource.split('.');
    return { apiGroups: [group.join('.')], resources: [plural], verbs: [verb] };
  });

const isClusterWide = (permission: Permission): boolean => clusterWide.has(permission.split(' ')[1] ?? '');

/** A service account that may do exactly this in the rig's namespace, and in the cluster what concerns no namespace. The result is its name, another one for each try of a test. */
export const createAccount = async ({ cluster, namespace, api }: Rig, purpose: string, permissions: readonly Permission[]): Promise<string> => {
  const name = `${purpose}-${randomBytes(4).toString('hex')}`;
  const rbac = configOf(cluster).makeApiClient(RbacAuthorizationV1Api);
  const subjects = [{ kind: 'ServiceAccount', name, namespace }];
  const unique = `${namespace}-${name}`;
  await api.core.createNamespacedServiceAccount({ namespace, body: { metadata: { name } } });
  await rbac.createNamespacedRole({ namespace, body: { metadata: { name }, rules: toRules(permissions.filter((permission) => !isClusterWide(permission))) } });
  await rbac.createNamespacedRoleBinding({ namespace, body: { metadata: { name }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name }, subjects } });
  // Cluster-wide objects that go with the namespace.
  const owner = await api.core.readNamespace({ name: namespace });
  const metadata = { name: unique, ownerReferences: [{ apiVersion: 'v1', kind: 'Namespace', name: namespace, uid: owner.metadata?.uid ?? '' }] };
  await rbac.createClusterRole({ body: { metadata, rules: toRules(permissions.filter(isClusterWide)) } });
  await rbac.createClusterRoleBinding({ body: { metadata, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: unique }, subjects } });
  return name;
};

/** Bound to a Secret it ends with that: the server's shortest life for a token is ten minutes. */
export const requestToken = async ({ namespace, api }: Rig, name: string, boundSecret?: string): Promise<string> => {
  const boundObjectRef = boundSecret === undefined ? {} : { boundObjectRef: { apiVersion: 'v1', kind: 'Secret', name: boundSecret } };
  const { status } = await api.core.createNamespacedServiceAccountToken({ namespace, name, body: { spec: { audiences: [], expirationSeconds: 600, ...boundObjectRef } } });
  if (status?.token === undefined) throw new Error(`The API server gave no token for ${name}.`);
  return status.token;
};

/** The rig's kubeconfig with another user. Goes with the rig, for it is beside the one that it copies. */
export const kubeconfigFor = async ({ environment }: Rig, name: string, user: object): Promise<string> => {
  const before = new KubeConfig();
  before.loadFromFile(environment['KUBECONFIG'] ?? '');
  const [context] = before.contexts;
  if (!context) throw new Error('The kubeconfig has no context.');
  const file = `${environment['KUBECONFIG'] ?? ''}-${name}`;
  const { clusters } = JSON.parse(before.exportConfig()) as { clusters: unknown };
  await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'Config', clusters, users: [{ name: context.user, user }], contexts: [{ name: context.name, context }], 'current-context': context.name }), { mode: 0o600 });
  return file;
};
