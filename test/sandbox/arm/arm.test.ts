import { randomUUID } from 'node:crypto';
import type { ComputeManagementClient } from '@azure/arm-compute';
import { ContainerServiceClient } from '@azure/arm-containerservice';
import { ClientSecretCredential } from '@azure/identity';
import { describe, expect, it } from 'vitest';
import { startEntra } from '../../../src/sandbox/entra/entra.ts';
import { createFaults } from '../../../src/sandbox/faults.ts';
import { createCertificateAuthority } from '../../../src/sandbox/tls.ts';
import { startArm } from '../../../src/sandbox/arm/arm.ts';
import { createSandboxClock } from '../../../src/sandbox/clock.ts';
import { caller, cluster, clusterName, gpuPool, group, sandboxArm, subscriptionId, tenantId } from './sandbox-arm.ts';

const subscription = `/subscriptions/${subscriptionId}`;
const provider = 'providers/Microsoft.ContainerService';
const version = '?api-version=2026-06-01';

const names = async (list: AsyncIterable<{ name?: string }>): Promise<(string | undefined)[]> => (await Array.fromAsync(list)).map(({ name }) => name);

const usage = async (compute: ComputeManagementClient, family: string) =>
  (await Array.fromAsync(compute.usage.list('eastus'))).find(({ name }) => name?.value?.toLowerCase() === family.toLowerCase());

describe('a login', () => {
  it.each([
    ['is missing', '', 'AuthenticationFailed'],
    ['is not ours', 'Bearer abc', 'InvalidAuthenticationToken'],
    ['is not a token', 'Basic abc', 'AuthenticationFailed'],
  ])('that %s is refused with 401 and where to log in', async (_, authorization, code) => {
    const { ask } = await sandboxArm();
    expect(await ask('GET', `${subscription}/${provider}/managedClusters${version}`, undefined, { authorization })).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': expect.stringContaining(`Bearer authorization_uri="https://login.microsoftonline.com/${tenantId}"`) },
      body: { error: { code } },
    });
  });

  it.each([
    ['for another resource', { aud: 'https://vault.azure.net', tid: tenantId }, 'InvalidAuthenticationTokenAudience'],
    ['of another tenant', { aud: 'https://management.azure.com/', tid: randomUUID() }, 'InvalidAuthenticationTokenTenant'],
  ])('%s is refused with 401', async (_, claims, code) => {
    const { client } = await sandboxArm({ verifyToken: () => ({ ...caller, ...claims }) });
    await expect(client.managedClusters.get(group, clusterName)).rejects.toMatchObject({ statusCode: 401, code });
  });

  it('at the sandbox’s own identity endpoint opens the door', async () => {
    const authority = createCertificateAuthority();
    const [ownTenant, clientId] = [randomUUID(), randomUUID()];
    const faults = createFaults([]);
    const shared = { tls: authority.issue(), tenantId: ownTenant, faults };
    const entra = await startEntra({ ...shared, clients: [{ id: clientId, secret: 's' }], now: () => new Date() });
    const arm = await startArm({
      ...shared,
      subscriptionId,
      clock: createSandboxClock(1000),
      clusters: [cluster()],
      verifyToken: (token) => entra.verify(token),
      onPool: { created: async () => undefined, deleted: async () => undefined },
    });
    try {
      const options = { tlsOptions: { ca: authority.certificatePem } };
      const credential = new ClientSecretCredential(ownTenant, clientId, 's', { ...options, authorityHost: entra.url, disableInstanceDiscovery: true });
      const client = new ContainerServiceClient(credential, subscriptionId, { ...options, endpoint: arm.url });
      expect(await client.managedClusters.get(group, clusterName)).toMatchObject({ name: clusterName });
    } finally {
      await arm.close();
      await entra.close();
    }
  });
});

describe('what is not there', () => {
  it.each([
    ['another subscription', `/subscriptions/${caller.oid}/${provider}/managedClusters`, 404, 'SubscriptionNotFound'],
    ['a subscription that is no id', `/subscriptions/mine/${provider}/managedClusters`, 400, 'InvalidSubscriptionId'],
    ['another resource group', `${subscription}/resourceGroups/other/${provider}/managedClusters/${clusterName}`, 404, 'ResourceGroupNotFound'],
    ['another cluster', `${subscription}/resourceGroups/${group}/${provider}/managedClusters/other/agentPools`, 404, 'ResourceNotFound'],
    ['another resource type', `${subscription}/resourceGroups/${group}/${provider}/managedClusters/${clusterName}/machines/a`, 404, 'InvalidResourceType'],
    ['another provider', `${subscription}/resourceGroups/${group}/providers/Microsoft.Storage/storageAccounts`, 404, 'InvalidResourceNamespace'],
    ['no resource at all', '/favicon.ico', 404, 'NotFound'],
    ['an operation that never was', `${subscription}/${provider}/locations/eastus/operations/${caller.oid}`, 404, 'NotFound'],
  ])('%s is told in ARM’s words, wrapped', async (_, path, status, code) => {
    const { ask } = await sandboxArm();
    expect(await ask('GET', `${path}${version}`)).toMatchObject({ status, body: { error: { code, message: expect.any(String) } } });
  });

  it('a verb that a path does not know is told with those it knows', async () => {
    const { ask } = await sandboxArm();
    const path = `${subscription}/resourceGroups/${group}/${provider}/managedClusters/${clusterName}/agentPools/system${version}`;
    expect(await ask('PATCH', path, {})).toMatchObject({ status: 405, headers: { allow: 'GET, PUT, DELETE' } });
  });

  it('paths do not care about case', async () => {
    const { ask } = await sandboxArm();
    const path = `${subscription}/RESOURCEGROUPS/RG-AI/Providers/microsoft.containerservice/managedclusters/KAITO/agentpools${version}`;
    expect((await ask('GET', path)).status).toBe(200);
  });
});

describe('an api-version', () => {
  it('must be there and be known', async () => {
    const { ask } = await sandboxArm();
    const path = `${subscription}/resourceGroups/${group}/${provider}/managedClusters/${clusterName}/agentPools`;
    expect(await ask('GET', path)).toMatchObject({ status: 400, body: { error: { code: 'MissingApiVersionParameter' } } });
    expect(await ask('GET', `${path}?api-version=2016-01-01`)).toMatchObject({
      status: 400,
      body: { error: { code: 'NoRegisteredProviderFound', message: expect.stringContaining("API version '2016-01-01' for type 'managedClusters/agentPools'. The supported api-versions are '2026-06-01,") } },
    });
    expect(await ask('GET', `${subscription}?api-version=x`)).toMatchObject({ status: 400, body: { error: { code: 'InvalidApiVersionParameter' } } });
  });
});

describe('clusters', () => {
  it('are found one by one, in their group and in the subscription', async () => {
    const { client } = await sandboxArm({ clusters: [cluster(), cluster({ name: 'stopped', resourceGroup: 'rg-b', powerState: 'Stopped', nodeProvisioning: 'Auto' })] });
    expect(await client.managedClusters.get(group, clusterName)).toMatchObject({
      location: 'eastus',
      fqdn: 'kaito-1234.hcp.eastus.azmk8s.io',
      kubernetesVersion: '1.33.5',
      nodeResourceGroup: 'MC_rg-ai_kaito_eastus',
      powerState: { code: 'Running' },
      nodeProvisioningProfile: { mode: 'Manual' },
      agentPoolProfiles: [{ name: 'system', vmSize: 'Standard_D4s_v5', count: 2, mode: 'System' }],
    });
    expect(await names(client.managedClusters.list())).toEqual([clusterName, 'stopped']);
    expect(await names(client.managedClusters.listByResourceGroup('rg-b'))).toEqual(['stopped']);
    expect(await client.managedClusters.get('rg-b', 'stopped')).toMatchObject({ powerState: { code: 'Stopped' }, nodeProvisioningProfile: { mode: 'Auto' } });
  });
});

describe('subscriptions and providers', () => {
  it('tell what they are', async () => {
    const { ask } = await sandboxArm();
    expect((await ask('GET', '/subscriptions?api-version=2022-12-01')).body).toMatchObject({ value: [{ subscriptionId, tenantId, state: 'Enabled' }] });
    expect((await ask('GET', `${subscription}?api-version=2022-12-01`)).body).toMatchObject({ id: subscription, displayName: 'Sandbox' });
    expect((await ask('GET', `${subscription}/${provider}?api-version=2021-04-01`)).body).toMatchObject({ namespace: 'Microsoft.ContainerService', registrationState: 'Registered' });
  });
});

describe('quota', () => {
  it('is counted from the pools: Spot machines apart, and nothing once they are gone', async () => {
    const { compute, create, remove } = await sandboxArm();
    expect(await usage(compute, 'cores')).toMatchObject({ currentValue: 8, unit: 'Count', name: { localizedValue: 'Total Regional vCPUs' } });
    await create('gpu', { ...gpuPool, count: 2 });
    await create('spot', { ...gpuPool, scaleSetPriority: 'Spot' });
    expect(await usage(compute, 'cores')).toMatchObject({ currentValue: 56 });
    expect(await usage(compute, 'StandardNCADSA100v4Family')).toMatchObject({ currentValue: 48, name: { localizedValue: 'Standard NCADSA100v4 Family vCPUs' } });
    expect(await usage(compute, 'lowPriorityCores')).toMatchObject({ currentValue: 24 });
    await remove('gpu');
    expect(await usage(compute, 'StandardNCADSA100v4Family')).toMatchObject({ currentValue: 0 });
  });

  it('bounds a family and the region, counting only what is added', async () => {
    const { create } = await sandboxArm({ quota: { standardncadsa100v4family: 48, cores: 60 } });
    await create('gpu');
    await create('gpu', { ...gpuPool, count: 2 });
    await expect(create('gpu', { ...gpuPool, count: 3 }).submitted()).rejects.toMatchObject({
      code: 'ErrCode_InsufficientVCPUQuota',
      message: expect.stringContaining('Insufficient regional vcpu quota left for location eastus. left regional vcpu quota 4, requested quota 24.'),
    });
    await expect(create('more').submitted()).rejects.toMatchObject({ code: 'ErrCode_InsufficientVCPUQuota' });
  });

  it('is 0 for all GPU families and for Spot under the fault quota', async () => {
    const { compute } = await sandboxArm({ faults: ['quota'] });
    for (const family of ['StandardNVADSA10v5Family', 'standardNDSH100v5Family', 'lowPriorityCores']) expect(await usage(compute, family)).toMatchObject({ limit: 0 });
    for (const family of ['cores', 'standardDSv5Family']) expect((await usage(compute, family))?.limit).toBeGreaterThan(0);
  });
});

describe('sizes', () => {
  it('are listed with family, vCPUs, GPUs, zones and what restricts them', async () => {
    const { compute } = await sandboxArm();
    const skus = await Array.fromAsync(compute.resourceSkus.list({ filter: "location eq 'eastus'" }));
    const find = (name: string) => skus.find((sku) => sku.name === name && sku.resourceType === 'virtualMachines');
    expect(find('Standard_NC24ads_A100_v4')).toMatchObject({ family: 'StandardNCADSA100v4Family', locationInfo: [{ location: 'eastus', zones: ['1', '2', '3'] }], restrictions: [] });
    expect(Object.fromEntries((find('Standard_ND96isr_H100_v5')?.capabilities ?? []).map(({ name, value }) => [name, value]))).toMatchObject({ vCPUs: '96', GPUs: '8', MemoryGB: '1900' });
    expect(find('Standard_ND96isr_H200_v5')?.restrictions).toMatchObject([{ type: 'Zone', restrictionInfo: { zones: ['3'] }, reasonCode: 'NotAvailableForSubscription' }]);
    expect(find('Standard_NG32ads_V620_v1')?.restrictions).toMatchObject([{ type: 'Location', values: ['eastus'], reasonCode: 'NotAvailableForSubscription' }]);
    expect(skus.some(({ resourceType }) => resourceType === 'disks')).toBe(true);
  });

  it('are none elsewhere, and can be filtered by nothing but the location', async () => {
    const { compute } = await sandboxArm();
    expect(await Array.fromAsync(compute.resourceSkus.list({ filter: "location eq 'westus'" }))).toEqual([]);
    await expect(Array.fromAsync(compute.resourceSkus.list({ filter: "name eq 'a'" }))).rejects.toMatchObject({ statusCode: 400, code: 'InvalidFilter' });
  });
});

describe('closing', () => {
  it('ends what still runs, even when nobody listens', async () => {
    const { arm, create } = await sandboxArm({ onPool: { created: () => new Promise(() => undefined), deleted: async () => undefined } });
    const waiting = create('gpu');
    await waiting.submitted();
    await arm.close();
    await expect(waiting.pollUntilDone()).rejects.toThrow();
  });
});
