/** What leads the command to an Azure like this one, as to a private or sovereign cloud. */
export const azureEnvironment = (azure: { armUrl: string; authorityUrl: string; subscriptionId: string; tenantId: string; clientId: string; clientSecret: string }): Record<string, string> => ({
  AZURE_RESOURCE_MANAGER_ENDPOINT: azure.armUrl,
  AZURE_RESOURCE_MANAGER_AUDIENCE: 'https://management.azure.com',
  AZURE_AUTHORITY_HOST: azure.authorityUrl,
  AZURE_SUBSCRIPTION_ID: azure.subscriptionId,
  AZURE_TENANT_ID: azure.tenantId,
  AZURE_CLIENT_ID: azure.clientId,
  AZURE_CLIENT_SECRET: azure.clientSecret,
  AZURE_TOKEN_CREDENTIALS: 'EnvironmentCredential',
});
