import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { identity } from './identity.ts';

export interface AgentPoolSummary {
  name: string;
  provisioningState: string;
  tags: Readonly<Record<string, string>>;
}

/** What Azure itself says there is, asked for without any SDK. */
export const listAgentPools = async ({ armUrl, authorityUrl, secret, certificatePem }: { armUrl: string; authorityUrl: string; secret: string; certificatePem: string }): Promise<AgentPoolSummary[]> => {
  const { subscriptionId, tenantId, clientId, resourceGroup, clusterName } = identity;
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_secret: secret, scope: 'https://management.azure.com/.default' });
  const { access_token: token } = await ask<{ access_token: string }>(`${authorityUrl}/${tenantId}/oauth2/v2.0/token`, { certificatePem, form });
  const { value } = await ask<{ value: { name: string; properties: { provisioningState: string; tags?: Record<string, string> } }[] }>(
    `${armUrl}/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.ContainerService/managedClusters/${clusterName}/agentPools?api-version=2025-10-01`,
    { certificatePem, token },
  );
  return value.map(({ name, properties: { provisioningState, tags = {} } }) => ({ name, provisioningState, tags }));
};

const ask = async <Answer>(url: string, { certificatePem, form, token }: { certificatePem: string; form?: URLSearchParams; token?: string }): Promise<Answer> =>
  await new Promise((resolve, reject) => {
    const headers = { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...(form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}) };
    const call = request(url, { method: form ? 'POST' : 'GET', ca: certificatePem, headers, timeout: 60_000, agent: false }, (response) => {
      text(response).then((body) => {
        if (response.statusCode === 200) resolve(JSON.parse(body) as Answer);
        else reject(new Error(`${url} answers ${response.statusCode}: ${body}`));
      }, reject);
    });
    call.on('timeout', () => call.destroy(new Error(`${url} did not answer within 60 s.`)));
    call.on('error', reject);
    call.end(form?.toString());
  });
