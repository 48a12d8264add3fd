import type { AccessRequest, Authorize, User } from './access.ts';
import { listAt, recordAt, textAt } from './json.ts';
import type { Store, StoredObject } from './store.ts';

const rbacGroup = 'rbac.authorization.k8s.io';

/**
 * Who may do what, by the roles that are bound to them. Administrators may do everything, and everybody who is known may
 * ask about themselves. https://kubernetes.io/docs/reference/access-authn-authz/rbac/
 */
export const createRbac =
  (store: Store): Authorize =>
  (request) => {
    if (request.user.groups.includes('system:masters')) return true;
    if (request.verb === 'create' && questions.has(`${request.resource}.${request.group}`)) return true;
    const inNamespace = request.namespace === undefined ? [] : store.list(`rolebindings.${rbacGroup}`, request.namespace);
    return [...store.list(`clusterrolebindings.${rbacGroup}`), ...inNamespace]
      .filter((binding) => listAt(binding, 'subjects').some((subject) => isMeant(subject, request.user)))
      .flatMap((binding) => rulesOf(binding, store))
      .some((rule) => permits(rule, request));
  };

const questions = new Set(['selfsubjectaccessreviews.authorization.k8s.io', 'selfsubjectreviews.authentication.k8s.io']);

const isMeant = (subject: unknown, { name, groups }: User): boolean => {
  const { kind, name: given, namespace } = recordAt(subject);
  if (kind === 'User') return given === name;
  if (kind === 'Group') return groups.some((group) => group === given);
  return name === `system:serviceaccount:${String(namespace)}:${String(given)}`;
};

const rulesOf = (binding: StoredObject, store: Store): unknown[] => {
  const name = textAt(binding, 'roleRef', 'name') ?? '';
  const role = textAt(binding, 'roleRef', 'kind') === 'ClusterRole' ? store.get(`clusterroles.${rbacGroup}`, undefined, name) : store.get(`roles.${rbacGroup}`, binding.metadata.namespace, name);
  return listAt(role, 'rules');
};

const permits = (rule: unknown, { verb, group, resource, subresource, name }: AccessRequest): boolean => {
  const has = (field: string, ...wanted: string[]): boolean => listAt(rule, field).some((given) => given === '*' || wanted.includes(String(given)));
  const names = listAt(rule, 'resourceNames');
  const resources = subresource ? [`${resource}/${subresource}`, `*/${subresource}`] : [resource];
  return has('verbs', verb) && has('apiGroups', group) && has('resources', ...resources) && (names.length === 0 || names.includes(name));
};
