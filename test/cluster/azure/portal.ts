import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { identity } from './identity.ts';

export interface AgentPoolSummary {
  name: string;
  provisioningState: string;
  tags: Readonly<Record<string, string>>;
}

/** What somebody sees and does in Azure beside this program, without any SDK. */
export interface Portal {
  agentPools(): Promise<AgentPoolSummary[]>;
  /** Asks for it, and does not wait. */
  removeAgentPool(name: string): Promise<void>;
}

export const openPortal = ({ armUrl, authorityUrl, secret, certificatePem }: { armUrl: string; authorityUrl: string; secret: string; certificatePem: string }): Portal => {
  const { subscriptionId, tenantId, clientId, resourceGroup, clusterName } = identity;
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_secret: secret, scope: 'https://management.azure.com/.default' });
  const call = async (method: 'GET' | 'DELETE', path: string): Promise<string> => {
    const { access_token: token } = JSON.parse(await ask(`${authorityUrl}/${tenantId}/oauth2/v2.0/token`, 'POST', { certificatePem, form })) as { access_token: string };
    const cluster = `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.ContainerService/managedClusters/${clusterName}`;
    return await ask(`${armUrl}${cluster}${path}?api-version=2025-10-01`, method, { certificatePem, token });
  };
  return {
    async agentPools() {
      const { value } = JSON.parse(await call('GET', '/agentPools')) as { value: { name: string; properties: { provisioningState: string; tags?: Record<string, string> } }[] };
      return value.map(({ name, properties: { provisioningState, tags = {} } }) => ({ name, provisioningState, tags }));
    },
    removeAgentPool: async (name) => void (await call('DELETE', `/agentPools/${name}`)),
  };
};

const ask = async (url: string, method: string, { certificatePem, form, token }: { certificatePem: string; form?: URLSearchParams; token?: string }): Promise<string> =>
  await new Promise((resolve, reject) => {
    const headers = { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...(form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}) };
    const call = request(url, { method, ca: certificatePem, headers, timeout: 60_000, agent: false }, (response) => {
      text(response).then((body) => {
        if (response.statusCode === 200 || response.statusCode === 202) resolve(body);
        else reject(new Error(`${url} answers ${response.statusCode}: ${body}`));
      }, reject);
    });
    call.on('timeout', () => call.destroy(new Error(`${url} did not answer within 60 s.`)));
    call.on('error', reject);
    call.end(form?.toString());
  });
