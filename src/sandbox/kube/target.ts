import { findResource, type Resource } from './resources.ts';

/** Which objects a path means. */
export interface Target {
  resource: Resource;
  namespace: string | undefined;
  name: string | undefined;
  /** Empty for the object itself. */
  subresource: string;
}

/**
 * Reads `/api/v1/namespaces/a/pods/b/log` and `/apis/apps/v1/deployments`. Undefined when the path names no resource that
 * is served. https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris
 */
export const parseTarget = (path: string): Target | undefined => {
  const [root = '', ...rest] = path.split('/').filter((part) => part !== '').map(decodePart);
  const [group, version = '', ...parts] = root === 'api' ? ['', ...rest] : rest;
  if (group === undefined || (root !== 'api' && root !== 'apis')) return undefined;

  const [first = '', second, third = '', ...below] = parts;
  // `namespaces/a/pods` is about pods; `namespaces/a` and `namespaces/a/status` are about the namespace.
  const scoped = first === 'namespaces' && third ? findResource(group, version, third) : undefined;
  if (scoped) return scoped.namespaced ? toTarget(scoped, second, below) : undefined;

  const resource = findResource(group, version, first);
  return resource && toTarget(resource, undefined, parts.slice(1));
};

const toTarget = (resource: Resource, namespace: string | undefined, [name, ...below]: string[]): Target | undefined => {
  // A namespaced object has no name without its namespace.
  if (name !== undefined && resource.namespaced && namespace === undefined) return undefined;
  if (below.length > 1) return undefined;
  return { resource, namespace, name, subresource: below[0] ?? '' };
};

const decodePart = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};

/** The verb that authorization and discovery know it by. */
export const verbOf = (method: string, { resource, namespace, name, subresource }: Target, isWatch: boolean): string | undefined => {
  if (method === 'GET' || method === 'HEAD') {
    // Whoever names an object gets it, and no watch.
    if (name !== undefined) return 'get';
    return isWatch ? 'watch' : 'list';
  }
  // Across all namespaces one can only look.
  if (resource.namespaced && namespace === undefined) return undefined;
  if (method === 'POST') return 'create';
  if (name === undefined) return method === 'DELETE' && !subresource ? 'deletecollection' : undefined;
  return { PUT: 'update', PATCH: 'patch', DELETE: 'delete' }[method];
};
