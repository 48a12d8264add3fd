import type { IncomingHttpHeaders } from 'node:http';
import type { HttpsResponse } from '../https.ts';

/** Who asks, out of the token. */
export interface Caller {
  /** Client id. */
  appid: string;
  /** Object id of its service principal. */
  oid: string;
}

/** A request that has passed login, permission and version. */
export interface ArmCall {
  /** The `{names}` of the route's path, as the client wrote them. */
  params: Readonly<Record<string, string>>;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: string;
  caller: Caller;
  /** `https://127.0.0.1:<port>`: what a link in an answer begins with. */
  origin: string;
}

export interface Route {
  method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** With `{names}`; Azure's paths do not care about case. */
  path: string;
  apiVersions: readonly string[];
  /** The permission it takes, as in a role definition. */
  action: string;
  answer: (call: ArmCall) => HttpsResponse | Promise<HttpsResponse>;
}

/** The values of a path's `{names}`; undefined when it is another path. */
export const matchPath = (pattern: string, path: string): Record<string, string> | undefined => {
  const wanted = segmentsOf(pattern);
  const given = segmentsOf(path);
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, segment] of wanted.entries()) {
    const value = given[index] ?? '';
    if (segment.startsWith('{')) params[segment.slice(1, -1)] = decodeURIComponent(value);
    else if (segment.toLowerCase() !== value.toLowerCase()) return undefined;
  }
  return params;
};

export const segmentsOf = (path: string): string[] => path.split('/').filter((segment) => segment !== '');
