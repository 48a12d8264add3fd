import type { IncomingMessage } from 'node:http';
import { StatusError, unauthorized } from './errors.ts';
import type { Resource } from './resources.ts';

export interface User {
  name: string;
  groups: readonly string[];
}

/** Who a bearer token belongs to; undefined: nobody. */
export type Authenticate = (token: string) => User | undefined;

/** One thing that somebody wants to do, in RBAC's words. */
export interface AccessRequest {
  user: User;
  verb: string;
  group: string;
  resource: string;
  /** Empty for the object itself. */
  subresource: string;
  /** Undefined: in all namespaces, or outside of any. */
  namespace: string | undefined;
  name: string | undefined;
}

export type Authorize = (request: AccessRequest) => boolean;

/** Whoever logs in, or whom they act as: `kubectl --as`. Throws 401 and 403. */
export const identify = ({ headers }: IncomingMessage, authenticate: Authenticate, authorize: Authorize): User => {
  const [, token] = /^Bearer (.+)$/i.exec(headers.authorization ?? '') ?? [];
  const user = token && authenticate(token.trim());
  if (!user) throw unauthorized();
  const name = headers['impersonate-user'];
  if (typeof name !== 'string' || name === '') return user;
  const groups = [headers['impersonate-group'] ?? []].flat().flatMap((list) => list.split(', '));
  for (const [resource, meant] of [['users', name], ...groups.map((group) => ['groups', group])] as const) {
    requireAccess(authorize, { user, verb: 'impersonate', group: '', resource: resource ?? '', subresource: '', namespace: undefined, name: meant });
  }
  return { name, groups: [...groups, 'system:authenticated'] };
};

export const requireAccess = (authorize: Authorize, request: AccessRequest): void => {
  if (!authorize(request)) throw accessDenied(request);
};

/** The API server's own sentence, which tools match. */
const accessDenied = ({ user, verb, group, resource, subresource, namespace, name }: AccessRequest): StatusError => {
  const path = subresource ? `${resource}/${subresource}` : resource;
  const scope = namespace ? `in the namespace "${namespace}"` : 'at the cluster scope';
  const qualified = group ? `${resource}.${group}` : resource;
  return new StatusError(
    403,
    'Forbidden',
    `${qualified}${name ? ` "${name}"` : ''} is forbidden: User "${user.name}" cannot ${verb} resource "${path}" in API group "${group}" ${scope}`,
    { ...(name ? { name } : {}), ...(group ? { group } : {}), kind: resource },
  );
};

export const toAccessRequest = (
  user: User,
  verb: string,
  resource: Resource,
  { namespace, name, subresource }: { namespace: string | undefined; name: string | undefined; subresource: string },
): AccessRequest => ({ user, verb, group: resource.group, resource: resource.plural, subresource, namespace, name });
