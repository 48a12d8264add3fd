import type * as Identity from '@azure/identity';
import type { AccessToken, TokenCredential } from '@azure/identity';
import type { Clock } from '../domain/clock.ts';
import { KaitoError } from '../domain/errors.ts';
import { authorityUnreachable, toLoginError } from './login-errors.ts';
import { toNetworkError } from './network-errors.ts';
import type { AzureSettings } from './settings.ts';

/** The longest anybody is made to wait for a token: no answer within this is no login. */
const tokenTimeoutMs = 20_000;
/** `az` is started for this; it is slow, and slower on a busy CI runner. */
const azTimeoutMs = 15_000;
const refreshBeforeExpiryMs = 5 * 60_000;

export interface TokenSource extends TokenCredential {
  /** Who this is, from the token itself: `service principal 1a2b... (environment)`. */
  describe(signal?: AbortSignal): Promise<string>;
  /** After a 401: the next token is a new one. */
  forget(): void;
}

export interface IdentityModule {
  identity: Pick<typeof Identity, 'AzureCliCredential' | 'ClientAssertionCredential' | 'DefaultAzureCredential'>;
  tlsOptions?: { ca: string[] };
  /** Throws what stands between here and that address. */
  reach: (url: string) => Promise<void>;
}

/**
 * One token for all that a command does. In a GitHub job that may ask for a token of its own, that one is used, because it
 * is new each time, whereas a login by `az` ends after some minutes. Otherwise a login by `az` comes before the rest of the
 * SDK's chain, which begins by asking a machine's metadata address that answers inside Azure only. What the environment
 * says clearly goes before both: a secret, a certificate, a federated token file, or AZURE_TOKEN_CREDENTIALS.
 */
export const createTokenSource = (settings: AzureSettings, clock: Clock, loadIdentity: () => Promise<IdentityModule>): TokenSource => {
  let loaded: Promise<IdentityModule> | undefined;
  let sources: Source[] | undefined;
  let current: { token: AccessToken; via: string } | undefined;
  let pending: Promise<{ token: AccessToken; via: string }> | undefined;

  const askOnce = async (): Promise<{ token: AccessToken; via: string }> => {
    const timeout = AbortSignal.timeout(tokenTimeoutMs);
    try {
      loaded ??= loadIdentity();
      sources ??= createSources(settings, await loaded);
      return await untilAborted(firstToken(sources, settings.scope, timeout), timeout);
    } catch (error) {
      sources = undefined;
      throw error instanceof KaitoError ? error : await explain(toLoginError(error, settings));
    }
  };

  // The SDK drops why the login service could not be reached, so it is asked once more.
  const explain = async (error: KaitoError): Promise<KaitoError> => {
    if (error.reason !== authorityUnreachable || !loaded) return error;
    try {
      await (await loaded).reach(settings.authorityHost);
      return error;
    } catch (cause) {
      return toNetworkError(cause, { doing: 'logging in to Azure', host: new URL(settings.authorityHost).host }) ?? error;
    }
  };

  // One question at a time, however many calls wait for the answer; each of them may stop waiting.
  const ask = async (signal?: AbortSignal): Promise<{ token: AccessToken; via: string }> => {
    if (current && current.token.expiresOnTimestamp - clock.now() > refreshBeforeExpiryMs) return current;
    pending ??= askOnce().finally(() => {
      pending = undefined;
    });
    current = await (signal ? untilAborted(pending, signal) : pending);
    return current;
  };

  return {
    getToken: async (_scopes, options) => (await ask(options?.abortSignal instanceof AbortSignal ? options.abortSignal : undefined)).token,
    async describe(signal) {
      const { token, via } = await ask(signal);
      return describeToken(token.token, via);
    },
    forget() {
      current = undefined;
      // The SDK's credentials remember the token too.
      sources = undefined;
    },
  };
};

interface Source {
  via: string;
  credential: TokenCredential;
}

const createSources = (settings: AzureSettings, { identity, tlsOptions }: IdentityModule): Source[] => {
  const { tenantId, clientId, gitHubToken, authorityHost, isKnownAuthority, credentialChoice } = settings;
  const options = {
    authorityHost,
    disableInstanceDiscovery: !isKnownAuthority,
    // The SDK tries a machine's metadata address five times, which is longer than anybody waits for a login.
    retryOptions: { maxRetries: 2 },
    ...(tlsOptions ? { tlsOptions } : {}),
    ...(tenantId === undefined ? {} : { tenantId }),
  };
  const isExplicit = settings.hasClientSecret || settings.hasClientCertificate || settings.hasFederatedTokenFile || credentialChoice !== undefined;
  const rest = { via: describeExplicit(settings), credential: new identity.DefaultAzureCredential({ ...options, processTimeoutInMs: azTimeoutMs }) };
  if (isExplicit) return [rest];
  if (gitHubToken && tenantId !== undefined && clientId !== undefined) {
    return [{ via: 'GitHub Actions', credential: new identity.ClientAssertionCredential(tenantId, clientId, () => requestGitHubToken(gitHubToken), options) }];
  }
  const az = new identity.AzureCliCredential({ processTimeoutInMs: azTimeoutMs, ...(tenantId === undefined ? {} : { tenantId }) });
  return [{ via: 'az login', credential: az }, rest];
};

const describeExplicit = ({ hasClientSecret, hasClientCertificate, hasFederatedTokenFile, credentialChoice }: AzureSettings): string => {
  if (credentialChoice !== undefined) return `AZURE_TOKEN_CREDENTIALS=${credentialChoice}`;
  if (hasClientSecret || hasClientCertificate) return 'environment';
  return hasFederatedTokenFile ? 'workload identity' : 'default credential';
};

/** A source that is not there passes the question on; one that is there and refuses has the last word. */
const firstToken = async (sources: readonly Source[], scope: string, abortSignal: AbortSignal): Promise<{ token: AccessToken; via: string }> => {
  const refusals: Error[] = [];
  for (const { via, credential } of sources) {
    try {
      const token = await credential.getToken(scope, { abortSignal });
      if (token) return { token, via };
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'CredentialUnavailableError') throw withEarlier(error, refusals);
      refusals.push(error);
    }
  }
  throw new AggregateError(refusals, 'No source of a token answered.');
};

const withEarlier = (error: unknown, earlier: readonly Error[]): unknown =>
  error instanceof Error && earlier.length > 0 ? new AggregateError([error, ...earlier], error.message) : error;

/** https://docs.github.com/actions/reference/security/oidc: the job's own endpoint signs a token for the audience asked for. */
const requestGitHubToken = async ({ requestUrl, requestToken }: { requestUrl: string; requestToken: string }): Promise<string> => {
  const url = new URL(requestUrl);
  url.searchParams.set('audience', 'api://AzureADTokenExchange');
  const response = await fetch(url, { headers: { authorization: `bearer ${requestToken}`, accept: 'application/json' }, signal: AbortSignal.timeout(tokenTimeoutMs) });
  const body: unknown = response.ok ? await response.json() : undefined;
  const token = typeof body === 'object' && body !== null && 'value' in body ? body.value : undefined;
  if (typeof token !== 'string') throw new Error(`GitHub gave no token for this job: HTTP ${response.status}. Does the job have "permissions: id-token: write"?`);
  return token;
};

/** Only claims that name somebody are read; the token itself is never shown. */
export const describeToken = (token: string, via: string): string => {
  const claims = readClaims(token);
  const claim = (name: string): string | undefined => {
    const value = claims[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const managedIdentity = /\/(?:userAssignedIdentities|virtualMachines|virtualMachineScaleSets)\/([^/]+)$/.exec(claim('xms_mirid') ?? '')?.[1];
  if (managedIdentity !== undefined) return `managed identity ${managedIdentity}`;
  const user = claim('upn') ?? claim('unique_name') ?? claim('preferred_username');
  if (user !== undefined) return `${user} (${via})`;
  const application = claim('appid') ?? claim('azp');
  if (application !== undefined) return `service principal ${application} (${via})`;
  const object = claim('oid');
  return object === undefined ? `a login of ${via}` : `object ${object} (${via})`;
};

const readClaims = (token: string): Record<string, unknown> => {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null ? { ...claims } : {};
  } catch {
    return {};
  }
};

/** Not every credential heeds an abort signal. */
const untilAborted = async <T>(promise: Promise<T>, signal: AbortSignal): Promise<T> => {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
};
