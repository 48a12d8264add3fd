import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { onTestFinished, vi } from 'vitest';
import { createAzureCloud } from '../../src/cloud/azure.ts';
import type { Cloud } from '../../src/cloud/cloud.ts';
import { parseAzureSettings } from '../../src/cloud/settings.ts';
import type { AgentPoolRequest, ManagedCluster } from '../../src/domain/azure.ts';
import type { Clock } from '../../src/domain/clock.ts';
import { createCertificateAuthority } from '../../src/sandbox/tls.ts';

export const subscriptionId = '11111111-2222-3333-4444-555555555555';
export const poolPath = `/subscriptions/${subscriptionId}/resourceGroups/demo/providers/Microsoft.ContainerService/managedClusters/one/agentPools/kphi`;
export const operationPath = `/subscriptions/${subscriptionId}/providers/Microsoft.ContainerService/locations/eastus/operations/42`;

export const cluster: ManagedCluster = {
  subscriptionId,
  resourceGroup: 'demo',
  name: 'one',
  location: 'eastus',
  kubernetesVersion: '1.33.2',
  nodeResourceGroup: 'MC_demo_one_eastus',
  fqdn: 'one.hcp.eastus.azmk8s.io',
  powerState: 'Running',
  provisioningState: 'Succeeded',
  hasNodeAutoProvisioning: false,
};

export const request: AgentPoolRequest = {
  name: 'kphi',
  instanceType: 'Standard_NC24ads_A100_v4',
  count: 1,
  osDiskGiB: 512,
  labels: { 'kaito-ts/workspace': 'phi' },
  taints: ['sku=gpu:NoSchedule'],
  tags: { 'kaito-ts-owner': 'abc' },
  spot: false,
};

export interface Asked {
  method: string;
  path: string;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** `cut` breaks the connection, `hang` never answers. */
export type Reply = 'cut' | 'hang' | { status: number; headers?: Record<string, string>; body?: unknown };

export interface ScriptedAzure {
  url: string;
  /** What Azure Resource Manager was asked; logins are not among them. */
  asked: Asked[];
  logins: Asked[];
  /** How many were ever opened. */
  connections(): number;
  environment: Record<string, string>;
  open(options?: { clock?: Clock; environment?: Record<string, string | undefined> }): Cloud;
}

const authority = createCertificateAuthority();
const identity = authority.issue();

/** One server that is both the login service and Azure Resource Manager, and answers what a test tells it to. */
export const startAzure = async (answer: (asked: Asked, server: { url: string }) => Reply, login?: (asked: Asked) => Reply): Promise<ScriptedAzure> => {
  const tenantId = randomUUID();
  const clientId = randomUUID();
  const asked: Asked[] = [];
  const logins: Asked[] = [];
  const own = { url: '' };
  const server = createServer({ key: identity.keyPem, cert: identity.certPem }, (incoming, response) => {
    const respond = async (): Promise<void> => {
      const one: Asked = { method: incoming.method ?? '', path: incoming.url ?? '', headers: incoming.headers, body: await text(incoming) };
      const reply = one.path.startsWith('/subscriptions') ? (asked.push(one), answer(one, own)) : (logins.push(one), metadata(one, own.url, tenantId) ?? login?.(one) ?? token(one, tenantId, clientId));
      if (reply === 'hang') return;
      if (reply === 'cut') {
        incoming.socket.destroy();
        return;
      }
      response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers });
      response.end(reply.body === undefined ? '' : JSON.stringify(reply.body));
    };
    void respond();
  });
  let connections = 0;
  server.on('secureConnection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const address = server.address();
  own.url = `https://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  const folder = mkdtempSync(join(tmpdir(), 'kaito-ts-cloud-'));
  const caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, authority.certificatePem);
  onTestFinished(async () => {
    rmSync(folder, { recursive: true });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const environment = {
    AZURE_SUBSCRIPTION_ID: subscriptionId,
    AZURE_TENANT_ID: tenantId,
    AZURE_CLIENT_ID: clientId,
    AZURE_CLIENT_SECRET: 'a secret',
    AZURE_AUTHORITY_HOST: own.url,
    AZURE_RESOURCE_MANAGER_ENDPOINT: own.url,
    SSL_CERT_FILE: caFile,
  };
  return {
    url: own.url,
    asked,
    logins,
    connections: () => connections,
    environment,
    open({ clock = createQuickClock(), environment: more = {} } = {}) {
      const all = { ...environment, ...more };
      // The SDK's own chain reads the process: keep it from whatever this machine has, and from its metadata address.
      for (const [name, value] of Object.entries({ AZURE_POD_IDENTITY_AUTHORITY_HOST: 'http://127.0.0.1:1', PATH: '/nonexistent', ...all })) vi.stubEnv(name, value);
      onTestFinished(() => {
        vi.unstubAllEnvs();
      });
      return createAzureCloud(parseAzureSettings(all), { clock });
    },
  };
};

const metadata = ({ path }: Asked, url: string, tenantId: string): Reply | undefined =>
  path.includes('openid-configuration')
    ? {
        status: 200,
        body: {
          issuer: `${url}/${tenantId}/v2.0`,
          authorization_endpoint: `${url}/${tenantId}/oauth2/v2.0/authorize`,
          token_endpoint: `${url}/${tenantId}/oauth2/v2.0/token`,
          jwks_uri: `${url}/${tenantId}/discovery/v2.0/keys`,
        },
      }
    : undefined;

const token = (_asked: Asked, tenantId: string, clientId: string): Reply => ({
  status: 200,
  body: { token_type: 'Bearer', expires_in: 3600, ext_expires_in: 3600, access_token: fakeToken({ tid: tenantId, appid: clientId, idtyp: 'app' }) },
});

export const fakeToken = (claims: object): string => ['{"alg":"none"}', JSON.stringify(claims), 'x'].map((part) => Buffer.from(part).toString('base64url')).join('.');

export interface QuickClock extends Clock {
  /** What was slept, in milliseconds. */
  slept: number[];
}

/** Sleeps take no time, and the clock goes on all the same. */
export const createQuickClock = (): QuickClock => {
  let nowMs = Date.now();
  const slept: number[] = [];
  return {
    slept,
    now: () => nowMs,
    async sleep(durationMs, signal) {
      signal?.throwIfAborted();
      slept.push(durationMs);
      nowMs += durationMs;
      await setImmediate();
      signal?.throwIfAborted();
    },
  };
};

export const wallClock: Clock = {
  now: () => Date.now(),
  async sleep(durationMs, signal) {
    await setTimeout(durationMs, undefined, signal ? { signal } : {}).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw error;
    });
  },
};

export const armPool = (properties: Record<string, unknown> = {}): object => ({
  id: poolPath,
  name: 'kphi',
  type: 'Microsoft.ContainerService/managedClusters/agentPools',
  properties: {
    vmSize: 'Standard_NC24ads_A100_v4',
    count: 1,
    mode: 'User',
    provisioningState: 'Succeeded',
    powerState: { code: 'Running' },
    nodeLabels: { 'kaito-ts/workspace': 'phi' },
    nodeTaints: ['sku=gpu:NoSchedule'],
    tags: { 'kaito-ts-owner': 'abc' },
    eTag: 'e-1',
    ...properties,
  },
});

/** A create that was accepted: `operations` are the answers to the polls, the last one for ever; `pool` is what a GET says. */
export const acceptedCreate = (operations: Reply[], pool: Reply = { status: 200, body: armPool() }) => {
  let polls = 0;
  return (asked: Asked, server: { url: string }): Reply => {
    if (asked.method === 'PUT') {
      return { status: 201, headers: { 'azure-asyncoperation': `${server.url}${operationPath}?api-version=2016-03-30` }, body: armPool({ provisioningState: 'Creating' }) };
    }
    if (asked.path.startsWith(operationPath)) {
      polls += 1;
      return operations[Math.min(polls, operations.length) - 1] ?? { status: 404 };
    }
    return pool;
  };
};

export const status = (word: string, error?: object): Reply => ({ status: 200, body: { name: '42', status: word, startTime: '2026-06-18T00:00:00Z', ...(error ? { error } : {}) } });
