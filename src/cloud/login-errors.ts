import { AccessError, FailedError } from '../domain/errors.ts';
import type { KaitoError } from '../domain/errors.ts';
import { toNetworkError } from './network-errors.ts';
import type { AzureSettings } from './settings.ts';

export const authorityUnreachable = 'AuthorityUnreachable';

/** Why there is no token, as an AccessError that names the code, its meaning and three ways out; never a secret. */
export const toLoginError = (error: unknown, settings: AzureSettings): KaitoError => {
  const text = textOf(error);
  const code = /AADSTS\d+/.exec(text)?.[0];
  // A source that is not there says so in the words of a broken network, too: nobody answers at a machine's metadata address.
  const refusal = findRefusal(error);
  if (code === undefined && refusal) {
    const network = toNetworkError(refusal, { doing: 'logging in to Azure', host: hostOf(settings.authorityHost) });
    if (network) return network;
    if (/endpoints_resolution_error|network_error/.test(refusal.message)) {
      return new FailedError(`${hostOf(settings.authorityHost)} did not tell how to log in there.`, {
        reason: authorityUnreachable,
        fact: cut(refusal.message),
        hints: ['Check the network, AZURE_AUTHORITY_HOST and AZURE_TENANT_ID.'],
        cause: error,
      });
    }
  }
  const meaning = code === undefined ? undefined : meanings[code];
  if (code !== undefined) {
    return new AccessError(`Azure refused the login (${code})${meaning === undefined ? '' : `: ${meaning}`}.`, { reason: code, fact: cut(aadText(text)), hints: remedies(settings), cause: error });
  }
  // Then nothing is known of what it would have said.
  const isLate = error instanceof Error && error.name === 'TimeoutError';
  return new AccessError(isLate ? 'No login to Azure came in time.' : 'There is no login to Azure.', {
    reason: 'NotLoggedIn',
    fact: lookedAt(settings, text),
    hints: [...(isLate ? ['Run the same command again'] : []), ...remedies(settings)],
    cause: error,
  });
};

/** https://learn.microsoft.com/entra/identity-platform/reference-error-codes */
const meanings: Readonly<Record<string, string>> = {
  AADSTS50020: 'this user does not exist in that tenant',
  AADSTS50034: 'this user does not exist in that tenant',
  AADSTS50053: 'the account is locked',
  AADSTS50057: 'the account is disabled',
  AADSTS50058: 'the login of this session is gone',
  AADSTS50076: 'a second factor is asked for',
  AADSTS50079: 'a second factor has to be set up',
  AADSTS50126: 'the user name or the password is wrong',
  AADSTS50158: 'a further condition of the tenant is not met',
  AADSTS50173: 'the login was revoked, for instance by a new password',
  AADSTS53003: 'a conditional access policy of the tenant blocks it',
  AADSTS65001: 'nobody has consented to this application',
  AADSTS70008: 'the login has expired',
  AADSTS70021: 'no federated credential of the application matches this job: compare issuer, subject and audience',
  AADSTS700016: 'the application (AZURE_CLIENT_ID) does not exist in that tenant',
  AADSTS700024: 'the federated token has expired or is not valid yet',
  AADSTS700027: 'the certificate does not belong to the application, or has expired',
  AADSTS7000112: 'the application is disabled',
  AADSTS7000215: 'the client secret is wrong (the value is needed, not its id)',
  AADSTS7000222: 'the client secret has expired',
  AADSTS700082: 'the login has expired, as nothing was done with it for long',
  AADSTS700213: 'no federated credential of the application has this subject',
  AADSTS700212: 'no federated credential of the application has this audience',
  AADSTS700211: 'no federated credential of the application has this issuer',
  AADSTS90002: 'the tenant does not exist in this cloud',
  AADSTS900023: 'the tenant id is none',
  AADSTS90061: 'the login service is out of order for the moment',
};

const remedies = ({ tenantId, gitHubToken }: AzureSettings): string[] => [
  `By hand: az login${tenantId === undefined ? '' : ` --tenant ${tenantId}`}`,
  'As a service principal: set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET',
  gitHubToken
    ? 'In this GitHub job: set AZURE_TENANT_ID and AZURE_CLIENT_ID to an application with a federated credential for this repository'
    : 'In GitHub Actions: permissions "id-token: write", with AZURE_TENANT_ID and AZURE_CLIENT_ID of an application with a federated credential',
];

/** Names of variables and what each source lacks; never values. */
const lookedAt = (settings: AzureSettings, text: string): string => {
  const lacks: string[] = [];
  const environment = [
    settings.tenantId === undefined ? 'AZURE_TENANT_ID' : undefined,
    settings.clientId === undefined ? 'AZURE_CLIENT_ID' : undefined,
    settings.hasClientSecret || settings.hasClientCertificate ? undefined : 'AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH',
  ].filter((name) => name !== undefined);
  lacks.push(environment.length === 0 ? 'environment: complete' : `environment: no ${environment.join(', ')}`);
  if (!settings.hasFederatedTokenFile) lacks.push('workload identity: no AZURE_FEDERATED_TOKEN_FILE');
  const wrongChoice = /Invalid value for AZURE_TOKEN_CREDENTIALS[^\n]*/.exec(text)?.[0];
  if (wrongChoice !== undefined) lacks.push(wrongChoice);
  else if (settings.credentialChoice !== undefined) lacks.push(`AZURE_TOKEN_CREDENTIALS allows only ${settings.credentialChoice}`);
  const cli = /Azure CLI could not be found[^\n]*|Please run 'az login'[^\n]*/.exec(text)?.[0];
  if (cli !== undefined) lacks.push(`az: ${cli.startsWith('Please') ? 'not logged in' : 'not installed'}`);
  // The Azure CLI credential reads the answer of a process that was ended for its slowness as broken JSON.
  else if (/Unexpected end of JSON input/.test(text)) lacks.push('az: did not answer in time');
  else if (/timed out|timeout|abort/i.test(text)) lacks.push('nothing answered in time');
  return lacks.join('; ');
};

const aadText = (text: string): string => /AADSTS\d+:[^\n\r]*/.exec(text)?.[0] ?? text;

const cut = (text: string): string => {
  const oneLine = text.replaceAll(/\s+/g, ' ').replace(/\s*Trace ID:.*$/i, '').trim();
  return oneLine.length <= 400 ? oneLine : `${oneLine.slice(0, 400)}…`;
};

const findRefusal = (error: unknown): Error | undefined => {
  if (!(error instanceof Error) || error.name === 'CredentialUnavailableError') return undefined;
  const inner: unknown = Reflect.get(error, 'errors');
  return Array.isArray(inner) ? inner.map(findRefusal).find((found) => found !== undefined) : error;
};

const textOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const inner: unknown[] = [Reflect.get(error, 'errors'), error.cause].flat().filter((candidate) => candidate instanceof Error);
  return [error.message, ...inner.map(textOf)].join('\n');
};

const hostOf = (address: string): string => URL.parse(address)?.host ?? address;
