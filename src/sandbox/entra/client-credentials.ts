import { EntraRefusal } from './refusals.ts';
import { decodePayload } from './tokens.ts';

/** An application that may log in, with this secret or with a federated assertion. */
export interface Client {
  id: string;
  secret: string;
}

/** Reads the form of a token request up to the client it names; throws an EntraRefusal when it is not such a form. */
export const findClient = (form: URLSearchParams, clients: readonly Client[]): Client => {
  const missing = ['grant_type', 'client_id', 'scope'].find((name) => !form.get(name));
  if (missing !== undefined) throw new EntraRefusal('invalidRequest', `The request body must contain the following parameter: '${missing}'.`);
  const grantType = form.get('grant_type');
  if (grantType !== 'client_credentials') throw new EntraRefusal('invalidGrantType', `The app requested an unsupported grant type '${grantType}'.`);

  const clientId = form.get('client_id') ?? '';
  const client = clients.find(({ id }) => id.toLowerCase() === clientId.toLowerCase());
  if (client !== undefined) return client;
  throw new EntraRefusal('unknownClient', `Application with identifier '${clientId}' was not found in the directory 'Sandbox'. ${notInstalled}`);
};

/**
 * Whether the client is who it says it is; throws an EntraRefusal when it is not. Whose key signed an assertion cannot be
 * known here, so an assertion is judged by its audience and its time.
 */
export const checkCredential = (form: URLSearchParams, client: Client, { authority, now }: { authority: string; now: Date }): void => {
  const secret = form.get('client_secret');
  if (secret !== null) {
    if (secret !== client.secret) throw wrongSecret(client);
    return;
  }

  const assertion = form.get('client_assertion');
  if (assertion === null || form.get('client_assertion_type') !== assertionType) {
    throw new EntraRefusal('missingCredential', "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.");
  }
  const { aud, exp } = decodePayload(assertion) ?? {};
  if (aud === undefined || typeof exp !== 'number') throw new EntraRefusal('malformedAssertion', 'JWT token is invalid or malformed.');
  if (exp * 1000 < now.getTime()) {
    const expiry = new Date(exp * 1000).toISOString();
    throw new EntraRefusal(
      'expiredAssertion',
      `Client assertion is not within its valid time range. Current time: ${now.toISOString()}, expiry time of assertion ${expiry}.`,
    );
  }
  const audiences: unknown[] = Array.isArray(aud) ? aud : [aud];
  const accepted: unknown[] = [federationAudience, `${authority}/oauth2/v2.0/token`, `${authority}/v2.0`];
  if (audiences.some((audience) => accepted.includes(audience))) return;
  throw new EntraRefusal(
    'wrongAudience',
    `No matching federated identity record found for presented assertion audience '${audiences.join(', ')}'. Please note that the matching is done using a case-sensitive comparison. Check your federated identity credential Subject, Audience and Issuer against the presented assertion.`,
  );
};

export const wrongSecret = ({ id }: Client): EntraRefusal =>
  new EntraRefusal(
    'wrongSecret',
    `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${id}'.`,
  );

/**
 * The audience that a scope asks for. Without a person who consents, only `.default` can be asked for: all that the
 * application was granted, of one resource.
 */
export const audienceOf = (scope: string, audiences: readonly string[]): string => {
  const [asked, ...others] = scope.split(' ').filter((word) => word !== '' && !openIdScopes.has(word));
  if (asked === undefined || others.length > 0) {
    throw new EntraRefusal(
      'invalidScope',
      `The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope ${scope} is not valid.`,
    );
  }
  if (!asked.endsWith('/.default')) {
    throw new EntraRefusal(
      'scopeWithoutDefault',
      `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
    );
  }
  const audience = asked.slice(0, -'/.default'.length);
  if (audiences.includes(audience)) return audience;
  throw new EntraRefusal('unknownResource', `The resource principal named ${audience} was not found in the tenant named Sandbox. ${notInstalled}`);
};

const openIdScopes = new Set(['openid', 'profile', 'offline_access']);
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
/** What a federated token, such as one of GitHub or of a pod, is made out to. */
const federationAudience = 'api://AzureADTokenExchange';
const notInstalled =
  'This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.';
