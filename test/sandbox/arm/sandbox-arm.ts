import { randomUUID } from 'node:crypto';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { ComputeManagementClient } from '@azure/arm-compute';
import { type AgentPool, ContainerServiceClient } from '@azure/arm-containerservice';
import type { TokenCredential } from '@azure/identity';
import { onTestFinished } from 'vitest';
import { type ArmOptions, startArm } from '../../../src/sandbox/arm/arm.ts';
import type { AgentPoolResource } from '../../../src/sandbox/arm/world.ts';
import { createSandboxClock, type SandboxClock } from '../../../src/sandbox/clock.ts';
import { createFaults, type Fault } from '../../../src/sandbox/faults.ts';
import { createCertificateAuthority } from '../../../src/sandbox/tls.ts';

const authority = createCertificateAuthority();
const tls = authority.issue();
export const tenantId = '11111111-1111-4111-8111-111111111111';
export const subscriptionId = '22222222-2222-4222-8222-222222222222';
export const group = 'rg-ai';
export const clusterName = 'kaito';
export const caller = { appid: '33333333-3333-4333-8333-333333333333', oid: '44444444-4444-4444-8444-444444444444' };
/** Five minutes in a twentieth of a second. */
const speed = 6000;

export const gpuPool: AgentPool = {
  count: 1,
  vmSize: 'Standard_NC24ads_A100_v4',
  mode: 'User',
  osDiskSizeGB: 300,
  nodeLabels: { 'kaito.sh/workspace': 'phi' },
  nodeTaints: ['sku=gpu:NoSchedule'],
};

/** An ARM of the sandbox for one test, the SDK's clients for it, and what was told about machines. */
export const sandboxArm = async ({ faults = [], ...options }: Partial<Omit<ArmOptions, 'faults'>> & { faults?: readonly Fault[] } = {}) => {
  const token = randomUUID();
  const created: AgentPoolResource[] = [];
  const deleted: AgentPoolResource[] = [];
  const arm = await startArm({
    tls,
    clock: createSandboxClock(speed),
    faults: createFaults(faults),
    verifyToken: (given) => (given === token ? { ...caller, aud: 'https://management.azure.com', tid: tenantId } : undefined),
    subscriptionId,
    tenantId,
    clusters: [cluster()],
    onPool: { created: async (pool) => void created.push(pool), deleted: async (pool) => void deleted.push(pool) },
    ...options,
  });
  onTestFinished(() => arm.close());

  const credential: TokenCredential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) };
  const clientOptions = { endpoint: arm.url, tlsOptions: { ca: authority.certificatePem }, retryOptions: { maxRetries: 0 } };
  const newClient = (): ContainerServiceClient => new ContainerServiceClient(credential, subscriptionId, clientOptions);
  const client = newClient();
  return {
    arm,
    token,
    created,
    deleted,
    client,
    newClient,
    compute: new ComputeManagementClient(credential, subscriptionId, clientOptions),
    create: (name: string, pool: AgentPool = gpuPool, more: { ifNoneMatch?: string; ifMatch?: string } = {}) =>
      client.agentPools.createOrUpdate(group, clusterName, name, pool, { updateIntervalInMs: 10, ...more }),
    remove: (name: string, more: { ifMatch?: string } = {}) => client.agentPools.delete(group, clusterName, name, { updateIntervalInMs: 10, ...more }),
    get: (name: string) => client.agentPools.get(group, clusterName, name),
    /** Asks without an SDK, which would correct or refuse some things. */
    ask: (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
      ask(`${arm.url}${path}`, method, { authorization: `Bearer ${token}`, ...headers }, body),
  };
};

export const cluster = (options: Partial<ArmOptions['clusters'][number]> = {}): ArmOptions['clusters'][number] => ({
  name: clusterName,
  resourceGroup: group,
  kubernetesVersion: '1.33.5',
  fqdn: 'kaito-1234.hcp.eastus.azmk8s.io',
  agentPools: [{ name: 'system', vmSize: 'Standard_D4s_v5', count: 2, mode: 'System' }],
  ...options,
});

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: unknown;
}

const ask = (url: string, method: string, headers: Record<string, string>, body: unknown): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const sent = request(url, { method, ca: authority.certificatePem, timeout: 60_000, headers: { 'content-type': 'application/json', ...headers } }, (response) => {
      text(response).then((json) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: json === '' ? undefined : JSON.parse(json) }), reject);
    });
    sent.once('error', reject);
    sent.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  });

/** Time that only passes when a test says so. */
export const createManualClock = (): SandboxClock & { pass(durationMs: number): Promise<void>; sleeping(): number } => {
  let elapsedMs = 0;
  const sleepers = new Set<{ wakeAtMs: number; wake: () => void }>();
  return {
    now: () => new Date(1_800_000_000_000 + elapsedMs),
    sleep: (durationMs, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        const onAbort = (): void => {
          sleepers.delete(sleeper);
          reject(signal?.reason);
        };
        const sleeper = {
          wakeAtMs: elapsedMs + durationMs,
          wake: () => {
            sleepers.delete(sleeper);
            signal?.removeEventListener('abort', onAbort);
            resolve();
          },
        };
        signal?.addEventListener('abort', onAbort, { once: true });
        sleepers.add(sleeper);
        if (durationMs === 0) sleeper.wake();
      }),
    sleeping: () => sleepers.size,
    async pass(durationMs) {
      const endMs = elapsedMs + durationMs;
      for (;;) {
        // Whoever woke up may go to sleep again before the end, so let everything settle first.
        await new Promise((resolve) => setImmediate(resolve));
        const [next] = [...sleepers].filter(({ wakeAtMs }) => wakeAtMs <= endMs).sort((a, b) => a.wakeAtMs - b.wakeAtMs);
        if (next === undefined) break;
        elapsedMs = next.wakeAtMs;
        next.wake();
      }
      elapsedMs = endMs;
    },
  };
};
