import { UsageError } from '../domain/errors.ts';

/** Where Azure is and who logs in there, as plain data. The variables are those of Microsoft's own tools, read once, here. */
export interface AzureSettings {
  subscriptionId?: string;
  resourceGroup?: string;
  clusterName?: string;
  tenantId?: string;
  clientId?: string;
  /** `https://login.microsoftonline.com` in the public cloud. */
  authorityHost: string;
  /** Microsoft's login service vouches for its own hosts only; asking it about another would fail. */
  isKnownAuthority: boolean;
  /** Azure Resource Manager, without a slash at the end. */
  endpoint: string;
  /** What a token is asked for: `<audience>/.default`. */
  scope: string;
  /** PEM file with more certificate authorities; NODE_EXTRA_CA_CERTS is honoured by Node itself. */
  caFile?: string;
  /** Which of the SDK's credentials is wanted: AZURE_TOKEN_CREDENTIALS, which the SDK reads too. */
  credentialChoice?: string;
  /** Present: a GitHub Actions job may ask for a token that Azure trusts. */
  gitHubToken?: { requestUrl: string; requestToken: string };
  /** The secrets themselves stay in the environment, where the SDK reads them. */
  hasClientSecret: boolean;
  hasClientCertificate: boolean;
  hasFederatedTokenFile: boolean;
}

interface NationalCloud {
  authorityHost: string;
  endpoint: string;
}

const publicCloud: NationalCloud = { authorityHost: 'https://login.microsoftonline.com', endpoint: 'https://management.azure.com' };

/** https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud */
const nationalClouds: readonly NationalCloud[] = [
  publicCloud,
  { authorityHost: 'https://login.microsoftonline.us', endpoint: 'https://management.usgovcloudapi.net' },
  { authorityHost: 'https://login.chinacloudapi.cn', endpoint: 'https://management.chinacloudapi.cn' },
  // The second name of China's login service.
  { authorityHost: 'https://login.partner.microsoftonline.cn', endpoint: 'https://management.chinacloudapi.cn' },
];

/** UsageError when an address among them is none. Empty values count as absent, as CI systems leave them. */
export const parseAzureSettings = (environment: Record<string, string | undefined>): AzureSettings => {
  const read = (name: string): string | undefined => environment[name]?.trim() || undefined;
  const authorityHost = readAddress('AZURE_AUTHORITY_HOST', read('AZURE_AUTHORITY_HOST')) ?? publicCloud.authorityHost;
  const cloud = nationalClouds.find((candidate) => candidate.authorityHost === authorityHost);
  const endpoint = readAddress('AZURE_RESOURCE_MANAGER_ENDPOINT', read('AZURE_RESOURCE_MANAGER_ENDPOINT')) ?? (cloud ?? publicCloud).endpoint;
  const audience = read('AZURE_RESOURCE_MANAGER_AUDIENCE')?.replace(/\/+$/, '') ?? endpoint;
  const requestUrl = read('ACTIONS_ID_TOKEN_REQUEST_URL');
  const requestToken = read('ACTIONS_ID_TOKEN_REQUEST_TOKEN');
  return {
    ...optional('subscriptionId', read('AZURE_SUBSCRIPTION_ID')),
    ...optional('resourceGroup', read('AZURE_RESOURCE_GROUP')),
    ...optional('clusterName', read('AZURE_AKS_CLUSTER') ?? read('AZURE_AKS_CLUSTER_NAME')),
    ...optional('tenantId', read('AZURE_TENANT_ID')),
    ...optional('clientId', read('AZURE_CLIENT_ID')),
    authorityHost,
    isKnownAuthority: cloud !== undefined,
    endpoint,
    scope: `${audience}/.default`,
    ...optional('caFile', read('SSL_CERT_FILE')),
    ...optional('credentialChoice', read('AZURE_TOKEN_CREDENTIALS')),
    ...(requestUrl && requestToken ? { gitHubToken: { requestUrl, requestToken } } : {}),
    hasClientSecret: read('AZURE_CLIENT_SECRET') !== undefined,
    hasClientCertificate: read('AZURE_CLIENT_CERTIFICATE_PATH') !== undefined,
    hasFederatedTokenFile: read('AZURE_FEDERATED_TOKEN_FILE') !== undefined,
  };
};

/** Both SDKs refuse to send a token over plain http, with a sentence that names no variable. */
const readAddress = (variable: string, text: string | undefined): string | undefined => {
  if (text === undefined) return undefined;
  const url = URL.parse(text.includes('://') ? text : `https://${text}`);
  if (url?.protocol !== 'https:') {
    throw new UsageError(`${variable} is an https address, and is ${JSON.stringify(text)}.`, { hints: [`Unset ${variable} for the public cloud.`] });
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
};

const optional = <Key extends string>(key: Key, value: string | undefined): { [K in Key]?: string } => {
  const record: { [K in Key]?: string } = {};
  if (value !== undefined) record[key] = value;
  return record;
};
