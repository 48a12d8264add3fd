import type { IncomingHttpHeaders } from 'node:http';
import { armError } from './errors.ts';
import { findProvider, unknownNamespace } from './providers.ts';
import { type Caller, type Route, segmentsOf } from './route.ts';
import type { World } from './world.ts';

/** Claims of a token that Entra would vouch for. */
export type VerifyToken = (token: string) => (Caller & { aud: string; tid: string }) | undefined;

/** Who asks. Throws an ArmError for which a client is told where to log in. */
export const authenticate = (headers: IncomingHttpHeaders, { tenantId, faults, clusters }: World, verifyToken: VerifyToken): Caller => {
  const [scheme, token] = headers.authorization?.split(' ') ?? [];
  if (scheme?.toLowerCase() !== 'bearer' || token === undefined) {
    throw unauthorized(tenantId, 'AuthenticationFailed', "Authentication failed. The 'Authorization' header is missing.");
  }
  const claims = verifyToken(token);
  if (faults.has('login-expired') && clusters.some(({ agentPools }) => [...agentPools.values()].some(({ provisioningState }) => provisioningState === 'Creating'))) {
    throw unauthorized(tenantId, 'ExpiredAuthenticationToken', 'The access token expiry UTC time is earlier than the current UTC time.');
  }
  if (claims === undefined) throw unauthorized(tenantId, 'InvalidAuthenticationToken', 'The access token is invalid.');
  if (!/^https:\/\/management\.(azure\.com|core\.windows\.net)\/?$/.test(claims.aud)) {
    throw unauthorized(
      tenantId,
      'InvalidAuthenticationTokenAudience',
      `The access token has been obtained for wrong audience or resource '${claims.aud}'. It should exactly match with one of the allowed audiences 'https://management.core.windows.net/','https://management.core.windows.net','https://management.azure.com/','https://management.azure.com'.`,
    );
  }
  if (claims.tid !== tenantId) {
    throw unauthorized(
      tenantId,
      'InvalidAuthenticationTokenTenant',
      `The access token is from the wrong issuer 'https://sts.windows.net/${claims.tid}/'. It must match the tenant 'https://sts.windows.net/${tenantId}/' associated with this subscription. Please use the authority (URL) 'https://login.windows.net/${tenantId}' to get the token.`,
    );
  }
  return claims;
};

export const checkSubscription = ({ subscriptionId }: World, asked: string | undefined): void => {
  if (asked === undefined || asked.toLowerCase() === subscriptionId.toLowerCase()) return;
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(asked)) {
    throw armError(400, 'InvalidSubscriptionId', `The provided subscription identifier '${asked}' is malformed or invalid.`);
  }
  throw armError(404, 'SubscriptionNotFound', `The subscription '${asked}' could not be found.`);
};

export const checkApiVersion = ({ location }: World, { apiVersions }: Route, path: string, asked: string | null): void => {
  if (asked === null || asked === '') throw armError(400, 'MissingApiVersionParameter', 'The api-version query parameter (?api-version=) is required for all requests.');
  if (apiVersions.includes(asked)) return;
  const supported = apiVersions.toReversed().join(', ');
  const { type } = resourceTypeOf(path);
  throw type === undefined
    ? armError(400, 'InvalidApiVersionParameter', `The api-version '${asked}' is invalid. The supported versions are '${supported}'.`)
    : armError(
        400,
        'NoRegisteredProviderFound',
        `No registered resource provider found for location '${location}' and API version '${asked}' for type '${type}'. The supported api-versions are '${supported}'. The supported locations are '${location}'.`,
      );
};

/** The fault `forbidden` leaves what a reader of the cluster may do. */
export const checkPermission = ({ faults }: World, { action }: Route, path: string, { appid, oid }: Caller): void => {
  if (!faults.has('forbidden') || action.endsWith('/read')) return;
  throw armError(
    403,
    'AuthorizationFailed',
    `The client '${appid}' with object id '${oid}' does not have authorization to perform action '${action}' over scope '${path}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
  );
};

/** Why there is nothing at that path; `methods` are those that it would answer. */
export const explainMissing = (path: string, method: string, methods: readonly string[], apiVersion: string | null): Error => {
  if (methods.length > 0) return armError(405, 'MethodNotAllowed', `The requested resource does not support http method '${method}'.`, { Allow: methods.join(', ') });
  const { namespace, type } = resourceTypeOf(path);
  if (namespace === undefined || type === undefined) return armError(404, 'NotFound', `No resource was found that matches the request path '${path}'.`);
  const provider = findProvider(namespace);
  if (provider === undefined) return unknownNamespace(namespace);
  return armError(
    404,
    'InvalidResourceType',
    `The resource type '${type}' could not be found in the namespace '${provider.namespace}' for api version '${apiVersion ?? ''}'.`,
  );
};

/** `.../providers/Microsoft.X/a/1/b/2` is of type `a/b`. */
const resourceTypeOf = (path: string): { namespace?: string; type?: string } => {
  const segments = segmentsOf(path);
  const index = segments.findLastIndex((segment) => segment.toLowerCase() === 'providers');
  const [namespace, ...rest] = index === -1 ? [] : segments.slice(index + 1);
  const type = rest.filter((_, position) => position % 2 === 0).join('/');
  return namespace === undefined || type === '' ? {} : { namespace, type };
};

const unauthorized = (tenantId: string, code: string, message: string): Error => {
  const challenge = `Bearer authorization_uri="https://login.microsoftonline.com/${tenantId}", error="invalid_token", error_description="${message.replaceAll('"', "'")}"`;
  return armError(401, code, message, { 'WWW-Authenticate': challenge });
};
