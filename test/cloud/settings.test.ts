import { describe, expect, it } from 'vitest';
import { parseAzureSettings } from '../../src/cloud/settings.ts';

describe('parseAzureSettings', () => {
  it('means the public cloud when nothing is said, empty values included', () => {
    expect(parseAzureSettings({ AZURE_SUBSCRIPTION_ID: '', AZURE_AUTHORITY_HOST: ' ' })).toEqual({
      authorityHost: 'https://login.microsoftonline.com',
      isKnownAuthority: true,
      endpoint: 'https://management.azure.com',
      scope: 'https://management.azure.com/.default',
      hasClientSecret: false,
      hasClientCertificate: false,
      hasFederatedTokenFile: false,
    });
  });

  it.each([
    ['https://login.microsoftonline.us/', 'https://management.usgovcloudapi.net'],
    ['https://login.chinacloudapi.cn', 'https://management.chinacloudapi.cn'],
    ['login.microsoftonline.com', 'https://management.azure.com'],
  ])('takes the login service %s to mean %s and its scope', (authorityHost, endpoint) => {
    expect(parseAzureSettings({ AZURE_AUTHORITY_HOST: authorityHost })).toMatchObject({ endpoint, scope: `${endpoint}/.default`, isKnownAuthority: true });
  });

  it('asks for tokens for a custom endpoint, unless an audience is given', () => {
    const custom = { AZURE_AUTHORITY_HOST: 'https://127.0.0.1:1', AZURE_RESOURCE_MANAGER_ENDPOINT: 'https://127.0.0.1:2/' };
    expect(parseAzureSettings(custom)).toMatchObject({ isKnownAuthority: false, endpoint: 'https://127.0.0.1:2', scope: 'https://127.0.0.1:2/.default' });
    expect(parseAzureSettings({ ...custom, AZURE_RESOURCE_MANAGER_AUDIENCE: 'https://management.azure.com/' }).scope).toBe('https://management.azure.com/.default');
  });

  it.each(['http://127.0.0.1:1', 'https://', 'not a host'])('refuses the address %j and names its variable', (address) => {
    expect(() => parseAzureSettings({ AZURE_RESOURCE_MANAGER_ENDPOINT: address })).toThrow(/AZURE_RESOURCE_MANAGER_ENDPOINT is an https address/);
  });

  it('holds no secret', () => {
    const settings = parseAzureSettings({ AZURE_CLIENT_SECRET: 'hush', AZURE_CLIENT_CERTIFICATE_PASSWORD: 'hush' });
    expect(JSON.stringify(settings)).not.toContain('hush');
    expect(settings.hasClientSecret).toBe(true);
  });

  it('knows a GitHub job only by both of its variables', () => {
    expect(parseAzureSettings({ ACTIONS_ID_TOKEN_REQUEST_URL: 'https://x' })).not.toHaveProperty('gitHubToken');
    expect(parseAzureSettings({ ACTIONS_ID_TOKEN_REQUEST_URL: 'https://x', ACTIONS_ID_TOKEN_REQUEST_TOKEN: 't' }).gitHubToken).toEqual({ requestUrl: 'https://x', requestToken: 't' });
  });

  it("takes the cluster's name from either of the variables that tools use", () => {
    expect(parseAzureSettings({ AZURE_AKS_CLUSTER: 'a', AZURE_AKS_CLUSTER_NAME: 'b' }).clusterName).toBe('a');
    expect(parseAzureSettings({ AZURE_AKS_CLUSTER_NAME: 'b' }).clusterName).toBe('b');
  });
});
