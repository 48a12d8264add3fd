import { describe, expect, it } from 'vitest';
import { acceptedCreate, armPool, cluster, createQuickClock, poolPath, request, startAzure, status } from './support.ts';
import type { Reply } from './support.ts';

describe('createAgentPool', () => {
  it('asks for a GPU pool that must not be there yet, and returns as soon as Azure has accepted it', async () => {
    const azure = await startAzure(acceptedCreate([status('InProgress')]));
    const operation = await azure.open().createAgentPool(cluster, { ...request, autoscale: { minCount: 0, maxCount: 1 }, subnetId: '/subnets/a', zones: ['1'] });
    expect(azure.asked.map(({ method, path }) => `${method} ${path.split('?')[0]}`)).toEqual([`PUT ${poolPath}`]);
    expect(azure.asked[0]?.headers['if-none-match']).toBe('*');
    expect(JSON.parse(azure.asked[0]?.body ?? '')).toEqual({
      properties: {
        mode: 'User',
        type: 'VirtualMachineScaleSets',
        osType: 'Linux',
        osSKU: 'Ubuntu',
        vmSize: 'Standard_NC24ads_A100_v4',
        count: 1,
        enableAutoScaling: true,
        minCount: 0,
        maxCount: 1,
        osDiskSizeGB: 512,
        nodeLabels: { 'kaito-ts/workspace': 'phi' },
        nodeTaints: ['sku=gpu:NoSchedule'],
        tags: { 'kaito-ts-owner': 'abc' },
        upgradeSettings: { maxSurge: '0', maxUnavailable: '1' },
        vnetSubnetID: '/subnets/a',
        availabilityZones: ['1'],
      },
    });
    expect(operation).toMatchObject({ kind: 'create', agentPool: 'kphi' });
    expect(operation.state).not.toMatch(/bearer|eyJ/i);
  });

  it('asks for Azure Linux where that is wanted', async () => {
    const azure = await startAzure(acceptedCreate([status('InProgress')]));
    await azure.open().createAgentPool(cluster, { ...request, operatingSystem: 'AzureLinux' });
    expect(JSON.parse(azure.asked[0]?.body ?? '')).toMatchObject({ properties: { osSKU: 'AzureLinux' } });
  });

  it('asks for Spot machines that are deleted when Azure takes them back, at any price up to the ordinary one', async () => {
    const azure = await startAzure(acceptedCreate([status('InProgress')]));
    await azure.open().createAgentPool(cluster, { ...request, spot: true });
    const { properties } = JSON.parse(azure.asked[0]?.body ?? '');
    expect(properties).toMatchObject({ scaleSetPriority: 'Spot', scaleSetEvictionPolicy: 'Delete', spotMaxPrice: -1, enableAutoScaling: false });
    expect(properties).not.toHaveProperty('upgradeSettings');
    expect(properties).not.toHaveProperty('minCount');
  });

  it('refuses what Azure would refuse, all problems at once, without asking', async () => {
    const azure = await startAzure(() => ({ status: 500 }));
    const wrong = { ...request, name: 'Bad-Name', count: 2, autoscale: { minCount: 0, maxCount: 1 }, labels: { 'kubernetes.azure.com/x': '1' }, taints: ['gpu'] };
    const error = await azure.open().createAgentPool(cluster, wrong).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ exitCode: 2, message: expect.stringMatching(/name "Bad-Name".*count 2.*kubernetes\.azure\.com\/x.*"gpu"/) });
    expect(azure.asked).toEqual([]);
  });

  it('does not ask a stopped cluster, and says how to start it', async () => {
    const azure = await startAzure(() => ({ status: 500 }));
    await expect(azure.open().createAgentPool({ ...cluster, powerState: 'Stopped' }, request)).rejects.toMatchObject({
      exitCode: 10,
      hints: ['az aks start --resource-group demo --name one'],
    });
    expect(azure.asked).toEqual([]);
  });

  it('says what is in the way when a pool of that name is there', async () => {
    const azure = await startAzure(({ method }) =>
      method === 'PUT'
        ? { status: 412, body: { code: 'PreconditionFailed', message: 'The condition specified by the ETag is not satisfied.', details: null, subcode: '' } }
        : { status: 200, body: armPool({ tags: { owner: 'ana' }, count: 3 }) },
    );
    await expect(azure.open().createAgentPool(cluster, request)).rejects.toMatchObject({
      exitCode: 9,
      reason: 'PreconditionFailed',
      fact: 'kphi: Succeeded, 3 x Standard_NC24ads_A100_v4, tags owner=ana',
    });
  });

  it('takes its own pool for its own when the connection broke after Azure had accepted it', async () => {
    let puts = 0;
    const azure = await startAzure(({ method }): Reply => {
      if (method !== 'PUT') return { status: 200, body: armPool({ provisioningState: 'Succeeded' }) };
      puts += 1;
      return puts === 1 ? 'cut' : { status: 412, body: { error: { code: 'PreconditionFailed', message: 'It exists.' } } };
    });
    const cloud = azure.open();
    const waits: string[] = [];
    const operation = await cloud.createAgentPool(cluster, request, { onWait: (why) => waits.push(why) });
    expect(waits).toEqual([expect.stringMatching(/connection to 127\.0\.0\.1:\d+ broke: trying again in 1 s/)]);
    expect(await cloud.awaitOperation(cluster, operation, {})).toMatchObject({ name: 'kphi', provisioningState: 'Succeeded' });
  });

  it('does not take the pool of somebody else for its own, though the connection broke', async () => {
    let puts = 0;
    const azure = await startAzure(({ method }): Reply => {
      if (method !== 'PUT') return { status: 200, body: armPool({ tags: { 'kaito-ts-owner': 'other' } }) };
      puts += 1;
      return puts === 1 ? 'cut' : { status: 412, body: { error: { code: 'PreconditionFailed', message: 'It exists.' } } };
    });
    await expect(azure.open().createAgentPool(cluster, request)).rejects.toMatchObject({ exitCode: 9 });
  });

  it('tells that another operation is going on when no such pool is there', async () => {
    const text = 'Operation is not allowed: Another agentpool operation (nodepool1 - Creating) is in progress, please wait for it to finish before starting a new operation. See https://aka.ms/aks-pending-operation for more details';
    const azure = await startAzure(({ method }) =>
      method === 'PUT'
        ? { status: 409, body: { code: 'OperationNotAllowed', message: text, details: null, subcode: '' } }
        : { status: 404, body: { code: 'NotFound', message: 'Agent Pool not found' } },
    );
    await expect(azure.open().createAgentPool(cluster, request)).rejects.toMatchObject({ exitCode: 9, reason: 'OperationNotAllowed', fact: text });
  });

  it('keeps the nested reason of a refusal, which the SDK drops', async () => {
    const inner =
      'Operation could not be completed as it results in exceeding approved standardNCADSA100v4Family Cores quota. Additional details - Deployment Model: Resource Manager, Location: eastus, Current Limit: 0, Current Usage: 0, Additional Required: 24, (Minimum) New Limit Required: 24.';
    const azure = await startAzure(() => ({
      status: 400,
      body: { error: { code: 'InvalidTemplateDeployment', message: 'The template deployment failed with multiple errors.', details: [{ code: 'QuotaExceeded', message: inner }] } },
    }));
    await expect(azure.open().createAgentPool(cluster, request)).rejects.toMatchObject({
      exitCode: 5,
      reason: 'QuotaExceeded',
      message: expect.stringContaining('24 vCPUs of standardNCADSA100v4Family are needed and 0 are left (limit 0, used 0)'),
    });
  });

  it('waits as long as Azure asks for, and says so', async () => {
    let puts = 0;
    const accept = acceptedCreate([status('InProgress')]);
    const azure = await startAzure((asked, server) => {
      puts += 1;
      return puts <= 2 ? { status: 429, headers: { 'retry-after': '40' }, body: { code: 'Throttled', message: 'The PutAgentPoolHandler.PUT request limit has been exceeded.' } } : accept(asked, server);
    });
    const clock = createQuickClock();
    const waits: string[] = [];
    await azure.open({ clock }).createAgentPool(cluster, request, { onWait: (why) => waits.push(why) });
    expect(clock.slept).toEqual([40_000, 40_000]);
    expect(waits).toEqual(Array.from({ length: 2 }, () => 'Azure is asked too often: trying again in 40 s'));
  });

  it('does not sleep through a wait of an hour', async () => {
    const azure = await startAzure(() => ({ status: 429, headers: { 'retry-after': '3600' }, body: { error: { code: 'SubscriptionRequestsThrottled', message: 'Number of write requests exceeded the limit.' } } }));
    const clock = createQuickClock();
    await expect(azure.open({ clock }).createAgentPool(cluster, request)).rejects.toMatchObject({ exitCode: 1, reason: 'SubscriptionRequestsThrottled' });
    expect(clock.slept).toEqual([]);
  });

  it('says which right is missing, over what, and who should get it', async () => {
    const message = `The client 'ci' with object id '0f0f' does not have authorization to perform action 'Microsoft.ContainerService/managedClusters/agentPools/write' over scope '${poolPath}' or the scope is invalid. If access was recently granted, please refresh your credentials.`;
    const azure = await startAzure(() => ({ status: 403, body: { error: { code: 'AuthorizationFailed', message } } }));
    await expect(azure.open().createAgentPool(cluster, request)).rejects.toMatchObject({
      exitCode: 4,
      reason: 'AuthorizationFailed',
      message: expect.stringContaining('Microsoft.ContainerService/managedClusters/agentPools/write'),
      hints: expect.arrayContaining([expect.stringMatching(/^az role assignment create --role Contributor --assignee 0f0f --scope \/subscriptions\/[^ ]+\/managedClusters\/one$/)]),
    });
  });
});
