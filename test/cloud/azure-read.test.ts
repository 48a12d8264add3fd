import { describe, expect, it } from 'vitest';
import { armPool, cluster, createQuickClock, poolPath, startAzure } from './support.ts';

const sku = (name: string, more: object = {}): object => ({
  resourceType: 'virtualMachines',
  name,
  family: 'StandardNCADSA100v4Family',
  locations: ['eastus'],
  locationInfo: [{ location: 'eastus', zones: ['3', '1', '2'] }],
  capabilities: [
    { name: 'vCPUs', value: '24' },
    { name: 'GPUs', value: '1' },
  ],
  restrictions: [],
  ...more,
});

describe('listSkus', () => {
  it('tells GPU machines with the zones that are open to the subscription and what restricts them', async () => {
    const azure = await startAzure(() => ({
      status: 200,
      body: {
        value: [
          sku('Standard_NC24ads_A100_v4', { restrictions: [{ type: 'Zone', values: ['eastus'], restrictionInfo: { locations: ['eastus'], zones: ['2'] }, reasonCode: 'NotAvailableForSubscription' }] }),
          sku('Standard_NC48ads_A100_v4', { restrictions: [{ type: 'Location', values: ['eastus'], restrictionInfo: { locations: ['eastus'] }, reasonCode: 'QuotaId' }] }),
          sku('Standard_D4s_v5', { capabilities: [{ name: 'vCPUs', value: '4' }] }),
          sku('Premium_LRS', { resourceType: 'disks' }),
        ],
      },
    }));
    expect(await azure.open().listSkus(cluster)).toEqual([
      { name: 'Standard_NC24ads_A100_v4', family: 'StandardNCADSA100v4Family', vCpuCount: 24, gpuCount: 1, zones: ['1', '3'] },
      { name: 'Standard_NC48ads_A100_v4', family: 'StandardNCADSA100v4Family', vCpuCount: 24, gpuCount: 1, zones: ['1', '2', '3'], restriction: 'QuotaId' },
    ]);
    expect(new URL(azure.asked[0]?.path ?? '', azure.url).searchParams.get('$filter')).toBe("location eq 'eastus'");
  });
});

describe('listUsages', () => {
  it('tells vCPUs by family, under the names that sizes use', async () => {
    const azure = await startAzure(() => ({ status: 200, body: { value: [usage('cores', 'Total Regional vCPUs', 10, 100), usage('standard NDAMSv4_A100Family', 'Standard NDAMSv4_A100Family vCPUs', 0, 96)] } }));
    expect(await azure.open().listUsages(cluster)).toEqual([
      { family: 'cores', displayName: 'Total Regional vCPUs', used: 10, limit: 100 },
      { family: 'standardNDAMSv4_A100Family', displayName: 'Standard NDAMSv4_A100Family vCPUs', used: 0, limit: 96 },
    ]);
  });
});

describe('reading agent pools', () => {
  it('tells a pool that is not there from a question that failed', async () => {
    const azure = await startAzure(({ path }) => (path.startsWith(poolPath) ? { status: 404, body: { code: 'NotFound', message: 'Agent Pool not found', details: null, subcode: '' } } : { status: 403, body: {} }));
    const cloud = azure.open();
    expect(await cloud.getAgentPool(cluster, 'kphi')).toBeUndefined();
    await expect(cloud.listAgentPools(cluster)).rejects.toMatchObject({ exitCode: 4 });
  });

  it('tells the autoscaler, Spot and why a pool failed', async () => {
    const provisioningError = { code: 'NodesNotReady', message: 'Not all nodes reached Ready state.' };
    const body = { value: [armPool({ enableAutoScaling: true, minCount: 0, maxCount: 2, scaleSetPriority: 'Spot', provisioningState: 'Failed', status: { provisioningError } }), armPool()] };
    const azure = await startAzure(() => ({ status: 200, body }));
    const [failed, plain] = await azure.open().listAgentPools(cluster);
    expect(failed).toMatchObject({ autoscale: { minCount: 0, maxCount: 2 }, spot: true, provisioningState: 'Failed', provisioningError });
    expect(plain).not.toHaveProperty('autoscale');
    expect(plain).not.toHaveProperty('provisioningError');
  });

  it('tries again three times after errors of the server, saying so, and then says what Azure said', async () => {
    const azure = await startAzure(() => ({ status: 503, body: { error: { code: 'ServiceUnavailable', message: 'Try later.' } } }));
    const clock = createQuickClock();
    const waits: string[] = [];
    await expect(azure.open({ clock }).listAgentPools(cluster, { onWait: (why) => waits.push(why) })).rejects.toMatchObject({ exitCode: 1, reason: 'ServiceUnavailable', fact: 'Try later.' });
    expect(clock.slept).toEqual([1000, 3000, 9000]);
    expect(waits[0]).toBe('Azure answered 503: trying again in 1 s');
  });

  it('names the host that refuses the connection, at once', async () => {
    const azure = await startAzure(() => ({ status: 500 }));
    const clock = createQuickClock();
    const cloud = azure.open({ clock, environment: { AZURE_RESOURCE_MANAGER_ENDPOINT: 'https://127.0.0.1:1' } });
    await expect(cloud.listAgentPools(cluster)).rejects.toMatchObject({ exitCode: 1, reason: 'ECONNREFUSED', message: '127.0.0.1:1 refused the connection, so listing the agent pools of one did not happen.' });
    expect(clock.slept).toEqual([]);
  });

  it('says that a certificate is not trusted, and which variable mends it', async () => {
    const trusted = await startAzure(() => ({ status: 500 }));
    await expect(trusted.open({ environment: { SSL_CERT_FILE: undefined } }).login()).rejects.toMatchObject({ exitCode: 1, message: expect.stringContaining('certificate that is not trusted'), hints: [expect.stringContaining('NODE_EXTRA_CA_CERTS')] });
  });

  it('names the variable of a certificate file that cannot be read', async () => {
    const azure = await startAzure(() => ({ status: 500 }));
    await expect(azure.open({ environment: { SSL_CERT_FILE: '/nonexistent.pem' } }).listAgentPools(cluster)).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining('SSL_CERT_FILE') });
  });

  it('makes one connection serve many calls', async () => {
    const azure = await startAzure(() => ({ status: 200, body: { value: [] } }));
    const cloud = azure.open();
    for (let count = 0; count < 5; count += 1) await cloud.listAgentPools(cluster);
    expect(azure.connections()).toBeLessThanOrEqual(2);
  });
});

const usage = (value: string, localizedValue: string, currentValue: number, limit: number): object => ({ unit: 'Count', currentValue, limit, name: { value, localizedValue } });
