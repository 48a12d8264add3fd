import type { Faults } from '../faults.ts';
import { type HttpsRequest, type HttpsResponse, serveHttps } from '../https.ts';
import type { TlsIdentity } from '../tls.ts';
import { audienceOf, checkCredential, type Client, findClient, wrongSecret } from './client-credentials.ts';
import { EntraRefusal, toResponse } from './refusals.ts';
import { createTokens, type TokenClaims } from './tokens.ts';

export interface EntraOptions {
  tls: TlsIdentity;
  tenantId: string;
  clients: readonly Client[];
  /** What tokens are given for; absent: Azure Resource Manager and the Kubernetes API of AKS. */
  audiences?: readonly string[];
  faults: Faults;
  now: () => Date;
}

export interface Entra {
  /** `authorityHost` of the identity SDK, `AZURE_AUTHORITY_HOST`. */
  url: string;
  /** Undefined unless it is a token from here that has not run out. */
  verify: (token: string) => TokenClaims | undefined;
  close(): Promise<void>;
}

/**
 * The part of Entra that services log in through: metadata, and the client credentials grant with a secret or an assertion.
 * https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
 */
export const startEntra = async ({ tls, tenantId, clients, audiences = everyAudience, faults, now }: EntraOptions): Promise<Entra> => {
  const tokens = createTokens(() => now().getTime());

  const issueToken = (request: HttpsRequest): HttpsResponse => {
    const form = new URLSearchParams(request.body);
    const client = findClient(form, clients);
    if (faults.has('not-logged-in')) throw wrongSecret(client);
    checkCredential(form, client, { authority: `${request.url.origin}/${tenantId}`, now: now() });
    const token = tokens.issue({
      audience: audienceOf(form.get('scope') ?? '', audiences),
      issuer: `https://sts.windows.net/${tenantId}/`,
      tenantId,
      clientId: client.id,
      lifetimeSeconds: tokenLifetimeSeconds,
    });
    return {
      status: 200,
      headers: { 'cache-control': 'no-store, no-cache' },
      body: { token_type: 'Bearer', expires_in: tokenLifetimeSeconds, ext_expires_in: tokenLifetimeSeconds, access_token: token },
    };
  };

  const server = await serveHttps(tls, async (request) => {
    const [tenant = '', ...path] = request.url.pathname.split('/').filter((segment) => segment !== '');
    try {
      const answer = routes[`${request.method} ${path.join('/')}`];
      if (answer === undefined) return { status: 404 };
      if (tenant.toLowerCase() !== tenantId.toLowerCase()) throw unknownTenant(tenant);
      return answer(request);
    } catch (error) {
      if (error instanceof EntraRefusal) return toResponse(error, now());
      throw error;
    }
  });
  const routes: Record<string, (request: HttpsRequest) => HttpsResponse> = {
    'GET v2.0/.well-known/openid-configuration': () => ({ status: 200, body: metadata(`${server.url}/${tenantId}`) }),
    'POST oauth2/v2.0/token': issueToken,
  };

  return { url: server.url, verify: (token) => tokens.verify(token), close: () => server.close() };
};

const tokenLifetimeSeconds = 3600;

/** The last one is AKS's own application, whose tokens a cluster with Entra login accepts. A slash makes another audience. */
const everyAudience = ['https://management.azure.com', 'https://management.azure.com/', 'https://management.core.windows.net/', '6dae42f8-4368-4678-94ff-3960e28e3630'];

const unknownTenant = (tenant: string): EntraRefusal =>
  new EntraRefusal(
    'unknownTenant',
    `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.`,
  );

/** https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc#sample-response */
const metadata = (authority: string): Record<string, unknown> => ({
  issuer: `${authority}/v2.0`,
  authorization_endpoint: `${authority}/oauth2/v2.0/authorize`,
  token_endpoint: `${authority}/oauth2/v2.0/token`,
  jwks_uri: `${authority}/discovery/v2.0/keys`,
  token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
  response_modes_supported: ['query', 'fragment', 'form_post'],
  response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
  scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
  subject_types_supported: ['pairwise'],
  id_token_signing_alg_values_supported: ['RS256'],
});
