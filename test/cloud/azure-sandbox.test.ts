import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createAzureCloud } from '../../src/cloud/azure.ts';
import { parseAzureSettings } from '../../src/cloud/settings.ts';
import { startArm } from '../../src/sandbox/arm/arm.ts';
import { createSandboxClock } from '../../src/sandbox/clock.ts';
import { startEntra } from '../../src/sandbox/entra/entra.ts';
import { createFaults } from '../../src/sandbox/faults.ts';
import type { Fault } from '../../src/sandbox/faults.ts';
import { createCertificateAuthority } from '../../src/sandbox/tls.ts';
import { request, subscriptionId, wallClock } from './support.ts';

const authority = createCertificateAuthority();
const tls = authority.issue();

const startSandbox = async (faultNames: Fault[] = [], quota: Record<string, number> = {}) => {
  const faults = createFaults(faultNames);
  const [tenantId, clientId, secret] = [randomUUID(), randomUUID(), 'a secret'];
  const entra = await startEntra({ tls, tenantId, clients: [{ id: clientId, secret }], faults, now: () => new Date() });
  const arm = await startArm({
    tls,
    clock: createSandboxClock(1000),
    faults,
    verifyToken: entra.verify,
    subscriptionId,
    tenantId,
    quota,
    clusters: [
      { name: 'one', resourceGroup: 'demo', kubernetesVersion: '1.33.2', fqdn: 'one.hcp.eastus.azmk8s.io', agentPools: [{ name: 'system', vmSize: 'Standard_D4s_v5', count: 1, mode: 'System' }] },
    ],
    onPool: {
      created: () => (faults.has('pool-failed') ? Promise.reject(new Error('The nodes never became Ready.')) : Promise.resolve()),
      deleted: () => Promise.resolve(),
    },
  });
  const folder = mkdtempSync(join(tmpdir(), 'kaito-ts-cloud-'));
  writeFileSync(join(folder, 'ca.pem'), authority.certificatePem);
  const environment = {
    AZURE_SUBSCRIPTION_ID: subscriptionId,
    AZURE_TENANT_ID: tenantId,
    AZURE_CLIENT_ID: clientId,
    AZURE_CLIENT_SECRET: secret,
    AZURE_AUTHORITY_HOST: entra.url,
    AZURE_RESOURCE_MANAGER_ENDPOINT: arm.url,
    AZURE_RESOURCE_MANAGER_AUDIENCE: 'https://management.azure.com',
    SSL_CERT_FILE: join(folder, 'ca.pem'),
  };
  for (const [name, value] of Object.entries({ ...environment, AZURE_POD_IDENTITY_AUTHORITY_HOST: 'http://127.0.0.1:1' })) vi.stubEnv(name, value);
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
    await arm.close();
    await entra.close();
  });
  const open = () => createAzureCloud(parseAzureSettings(environment), { clock: wallClock });
  return { arm, open };
};

describe('with the Azure of the sandbox', () => {
  it('finds the cluster, adds a GPU pool, takes it up in another process, and removes it', async () => {
    const { arm, open } = await startSandbox();
    const cloud = open();
    expect((await cloud.login()).description).toMatch(/^service principal \S+ \(environment\)$/);
    const cluster = await cloud.findManagedCluster({ fqdn: 'https://one.hcp.eastus.azmk8s.io:443' });
    expect(cluster).toMatchObject({ name: 'one', resourceGroup: 'demo', location: 'eastus', powerState: 'Running', hasNodeAutoProvisioning: false });
    expect(await cloud.listUsages(cluster)).toContainEqual(expect.objectContaining({ family: 'cores' }));
    expect(await cloud.listSkus(cluster)).toContainEqual(expect.objectContaining({ name: 'Standard_NC24ads_A100_v4', vCpuCount: 24, gpuCount: 1 }));

    const created = await cloud.createAgentPool(cluster, { ...request, autoscale: { minCount: 0, maxCount: 1 } });
    expect(await open().awaitOperation(cluster, created, {})).toMatchObject({ name: 'kphi', provisioningState: 'Succeeded', autoscale: { minCount: 0, maxCount: 1 }, tags: request.tags });
    expect((await cloud.listAgentPools(cluster)).map(({ name }) => name).sort()).toEqual(['kphi', 'system']);
    await expect(cloud.createAgentPool(cluster, request)).rejects.toMatchObject({ exitCode: 9 });

    const deleted = await cloud.deleteAgentPool(cluster, 'kphi');
    if (!deleted) throw new Error('The deletion was not started.');
    expect(await open().awaitOperation(cluster, deleted, {})).toBeUndefined();
    expect(await cloud.getAgentPool(cluster, 'kphi')).toBeUndefined();
    expect(await cloud.deleteAgentPool(cluster, 'kphi')).toBeUndefined();
    expect(arm.requests().filter(({ method, status }) => method === 'PUT' && status < 300)).toHaveLength(1);
    expect(arm.requests().filter(({ status }) => status === 400 || status >= 500)).toEqual([]);
  });

  it('accepts a Spot pool of ours', async () => {
    const { open } = await startSandbox();
    const cloud = open();
    const cluster = await cloud.findManagedCluster({ name: 'one' });
    expect(await cloud.awaitOperation(cluster, await cloud.createAgentPool(cluster, { ...request, spot: true }), {})).toMatchObject({ spot: true });
  });

  const refusals: { fault: Fault; exitCode: number }[] = [
    { fault: 'quota', exitCode: 5 },
    { fault: 'capacity', exitCode: 6 },
    { fault: 'forbidden', exitCode: 4 },
    { fault: 'not-logged-in', exitCode: 4 },
    { fault: 'pool-failed', exitCode: 1 },
  ];

  it.each(refusals)('ends with exit code $exitCode and a hint after the fault $fault', async ({ fault, exitCode }) => {
    const { open } = await startSandbox([fault]);
    const cloud = open();
    const run = async (): Promise<void> => {
      const cluster = await cloud.findManagedCluster({ name: 'one' });
      await cloud.awaitOperation(cluster, await cloud.createAgentPool(cluster, request), {});
    };
    const error = await run().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ exitCode, fact: expect.stringMatching(/\w/), hints: expect.arrayContaining([expect.stringMatching(/\w/)]) });
  });
});
