import { restorePoller } from '@azure/arm-containerservice';
import { isRestError } from '@azure/core-rest-pipeline';
import { describe, expect, it } from 'vitest';
import { createSandboxClock } from '../../../src/sandbox/clock.ts';
import { cluster, clusterName, createManualClock, gpuPool, group, sandboxArm, subscriptionId } from './sandbox-arm.ts';

const minuteMs = 60_000;
const pools = `/subscriptions/${subscriptionId}/resourceGroups/${group}/providers/Microsoft.ContainerService/managedClusters/${clusterName}/agentPools`;
const version = '?api-version=2026-06-01';

/** What went wrong; fails when nothing did. */
const failureOf = async (work: PromiseLike<unknown>): Promise<Error & { code?: string; statusCode?: number }> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('It should have been refused.');
};

describe('creating an agent pool', () => {
  it('answers 201, can be polled, and ends with the pool as AKS completes it', async () => {
    const { create, created, arm } = await sandboxArm();
    const states: (string | undefined)[] = [];
    const poller = create('gpu', gpuPool, { ifNoneMatch: '*' });
    poller.onProgress(({ status }) => states.push(status));
    const pool = await poller.pollUntilDone();

    expect(pool).toMatchObject({
      name: 'gpu',
      type: 'Microsoft.ContainerService/managedClusters/agentPools',
      count: 1,
      vmSize: 'Standard_NC24ads_A100_v4',
      osType: 'Linux',
      osSKU: 'Ubuntu',
      typePropertiesType: 'VirtualMachineScaleSets',
      provisioningState: 'Succeeded',
      powerState: { code: 'Running' },
      currentOrchestratorVersion: '1.33.5',
      eTag: expect.any(String),
    });
    expect(states.at(-1)).toBe('succeeded');
    expect(created.map(({ name, properties }) => [name, properties.count, properties.nodeLabels])).toEqual([['gpu', 1, { 'kaito.sh/workspace': 'phi' }]]);
    expect(arm.requests().map(({ method, status }) => `${method} ${status}`)).toEqual(['PUT 201', 'GET 200', 'GET 200']);
  });

  it('takes five minutes of the sandbox, and machines start on the way', async () => {
    const clock = createManualClock();
    const { ask, get, created } = await sandboxArm({ clock });
    await ask('PUT', `${pools}/gpu${version}`, { properties: { count: 2, vmSize: 'Standard_NC24ads_A100_v4' } });
    await clock.pass(3.5 * minuteMs);
    expect(created).toHaveLength(0);
    await clock.pass(minuteMs);
    expect(created).toHaveLength(1);
    expect(await get('gpu')).toMatchObject({ provisioningState: 'Creating' });
    await clock.pass(minuteMs);
    expect(await get('gpu')).toMatchObject({ provisioningState: 'Succeeded' });
  });

  it('waits for the nodes, however long they take', async () => {
    const clock = createManualClock();
    const nodes = Promise.withResolvers<void>();
    const { ask, get } = await sandboxArm({ clock, onPool: { created: () => nodes.promise, deleted: async () => undefined } });
    await ask('PUT', `${pools}/gpu${version}`, { properties: { count: 1, vmSize: 'Standard_NC24ads_A100_v4' } });
    await clock.pass(60 * minuteMs);
    expect(await get('gpu')).toMatchObject({ provisioningState: 'Creating' });
    nodes.resolve();
    await clock.pass(0);
    expect(await get('gpu')).toMatchObject({ provisioningState: 'Succeeded' });
  });

  it('fails with NodesNotReady when the nodes do not come', async () => {
    const { create, get } = await sandboxArm({ onPool: { created: () => Promise.reject(new Error('The kubelet did not start.')), deleted: async () => undefined } });
    expect((await failureOf(create('gpu'))).message).toContain('NodesNotReady. Not all nodes reached Ready state. Expected: 1, Actual: 0');
    expect(await get('gpu')).toMatchObject({
      provisioningState: 'Failed',
      status: { provisioningError: { code: 'NodesNotReady', details: [{ message: 'The kubelet did not start.' }] } },
    });
  });

  it('is looked at every second, whatever interval the client would like', async () => {
    const { client, arm } = await sandboxArm({ clock: createSandboxClock(250) });
    await client.agentPools.createOrUpdate(group, clusterName, 'gpu', gpuPool, { updateIntervalInMs: 120_000 });
    expect(arm.requests().filter(({ path }) => path.includes('/operations/')).length).toBeGreaterThan(1);
  });

  it('is taken up again by another client from the serialised poller, without a second PUT', async () => {
    const { create, newClient, arm } = await sandboxArm();
    const poller = create('gpu');
    await poller.submitted();
    const state = await poller.serialize();

    const client = newClient();
    const pool = await restorePoller(client, state, client.agentPools.createOrUpdate, { updateIntervalInMs: 10 }).pollUntilDone();
    expect(pool).toMatchObject({ name: 'gpu', provisioningState: 'Succeeded' });
    expect(arm.requests().filter(({ method }) => method === 'PUT')).toHaveLength(1);
  });

  it('says InProgress with Retry-After while it runs, and gives the links of the operation', async () => {
    const { ask, arm } = await sandboxArm({ clock: createManualClock() });
    const accepted = await ask('PUT', `${pools}/gpu${version}`, { properties: { count: 1, vmSize: 'standard_nc24ads_a100_v4' } });
    expect(accepted).toMatchObject({ status: 201, body: { properties: { provisioningState: 'Creating' } }, headers: { 'retry-after': '1', 'x-ms-request-id': expect.any(String) } });
    const link = String(accepted.headers['azure-asyncoperation']);
    expect(link).toMatch(new RegExp(`^${arm.url}/subscriptions/${subscriptionId}/providers/Microsoft.ContainerService/locations/eastus/operations/[0-9a-f-]{36}\\?api-version=`));
    const status = await ask('GET', link.slice(arm.url.length));
    expect(status).toMatchObject({ status: 200, headers: { 'retry-after': '1' }, body: { status: 'InProgress', name: /operations\/([^?]+)/.exec(link)?.[1], startTime: expect.any(String) } });
    expect(status.body).not.toHaveProperty('endTime');
  });

  it('marks Spot nodes by itself', async () => {
    const { create } = await sandboxArm();
    expect(await create('gpu', { ...gpuPool, scaleSetPriority: 'Spot' })).toMatchObject({
      scaleSetEvictionPolicy: 'Delete',
      spotMaxPrice: -1,
      nodeLabels: { 'kaito.sh/workspace': 'phi', 'kubernetes.azure.com/scalesetpriority': 'spot' },
      nodeTaints: ['sku=gpu:NoSchedule', 'kubernetes.azure.com/scalesetpriority=spot:NoSchedule'],
    });
  });

  it('is refused on a stopped cluster', async () => {
    const { create } = await sandboxArm({ clusters: [cluster({ powerState: 'Stopped' })] });
    expect(await failureOf(create('gpu'))).toMatchObject({ code: 'OperationNotAllowed', statusCode: 400, message: expect.stringContaining('Power State(Stopped)') });
  });
});

describe('eTags', () => {
  it('refuse with 412 what was asked for under another condition', async () => {
    const { create, get, remove } = await sandboxArm();
    expect(await failureOf(create('gpu', gpuPool, { ifMatch: 'anything' }))).toMatchObject({ statusCode: 412, code: 'PreconditionFailed' });
    await create('gpu', gpuPool, { ifNoneMatch: '*' });
    expect(await failureOf(create('gpu', gpuPool, { ifNoneMatch: '*' }))).toMatchObject({ statusCode: 412, code: 'PreconditionFailed' });
    const { eTag = '' } = await get('gpu');
    expect(await failureOf(create('gpu', gpuPool, { ifMatch: 'stale' }))).toMatchObject({ statusCode: 412 });
    await create('gpu', { ...gpuPool, tags: { a: 'b' } }, { ifMatch: eTag });
    expect((await get('gpu')).eTag).not.toBe(eTag);
    expect(await failureOf(remove('gpu', { ifMatch: eTag }))).toMatchObject({ statusCode: 412 });
    await remove('gpu', { ifMatch: '*' });
  });

  it('are refused with 400 when they make no sense', async () => {
    const { create } = await sandboxArm();
    expect(await failureOf(create('gpu', gpuPool, { ifNoneMatch: 'abc' }))).toMatchObject({ statusCode: 400 });
    expect(await failureOf(create('gpu', gpuPool, { ifMatch: '*', ifNoneMatch: '*' }))).toMatchObject({ statusCode: 400 });
  });
});

describe('changing an agent pool', () => {
  it('takes back what was read, answers 200, and keeps what was fixed at creation', async () => {
    const { create, get, arm, created } = await sandboxArm();
    await create('gpu', { ...gpuPool, scaleSetPriority: 'Spot', availabilityZones: ['1'] });
    const changed = await create('gpu', { ...(await get('gpu')), count: 3 });
    expect(changed).toMatchObject({ count: 3, scaleSetPriority: 'Spot', availabilityZones: ['1'], provisioningState: 'Succeeded' });
    expect(arm.requests().filter(({ method }) => method === 'PUT').map(({ status }) => status)).toEqual([201, 200]);
    expect(created.map(({ properties }) => properties.count)).toEqual([1, 3]);
    expect(await create('gpu', { count: 3 })).toMatchObject({ vmSize: 'Standard_NC24ads_A100_v4', availabilityZones: ['1'], osDiskSizeGB: 300 });
  });

  it.each([
    ['vmSize', { vmSize: 'Standard_NC48ads_A100_v4' }],
    ['osDiskSizeGB', { osDiskSizeGB: 128 }],
    ['availabilityZones', { availabilityZones: ['2'] }],
    ['scaleSetPriority', { scaleSetPriority: 'Spot' }],
    ['maxPods', { maxPods: 30 }],
    ['gpuProfile', { gpuProfile: { driver: 'None' } }],
  ])('refuses another %s', async (name, change) => {
    const { create } = await sandboxArm();
    await create('gpu');
    expect(await failureOf(create('gpu', { ...gpuPool, ...change }))).toMatchObject({ statusCode: 400, code: 'PropertyChangeNotAllowed', message: `Changing property 'properties.${name}' is not allowed.` });
  });

  it('refuses to take the taint of Spot nodes away', async () => {
    const { create } = await sandboxArm();
    const spot = { ...gpuPool, scaleSetPriority: 'Spot' };
    await create('gpu', spot);
    expect(await failureOf(create('gpu', spot))).toMatchObject({ code: 'PropertyChangeNotAllowed', message: expect.stringContaining('properties.nodeTaints') });
  });

  it('stops the machines and starts them again', async () => {
    const { create, created, deleted, compute } = await sandboxArm();
    await create('gpu');
    expect(await create('gpu', { ...gpuPool, powerState: { code: 'Stopped' } })).toMatchObject({ powerState: { code: 'Stopped' }, provisioningState: 'Succeeded' });
    expect([created.length, deleted.length]).toEqual([1, 1]);
    const used = await Array.fromAsync(compute.usage.list('eastus'));
    expect(used.find(({ name }) => name?.value === 'cores')?.currentValue).toBe(8);
    await create('gpu');
    expect([created.length, deleted.length]).toEqual([2, 1]);
  });
});

describe('while an operation runs', () => {
  it('another one on the same pool is refused with 409, and one on another pool is not', async () => {
    const { create, remove } = await sandboxArm({ clock: createManualClock() });
    await create('gpu').submitted();
    for (const work of [create('gpu').submitted(), remove('gpu').submitted()]) {
      expect(await failureOf(work)).toMatchObject({
        statusCode: 409,
        code: 'OperationNotAllowed',
        message: expect.stringContaining('Another agentpool operation (gpu - Creating) is in progress'),
      });
    }
    await create('other').submitted();
  });

  it('it can be aborted, and the pool can be deleted afterwards', async () => {
    const clock = createManualClock();
    const { create, client, get, remove } = await sandboxArm({ clock });
    const poller = create('gpu');
    await poller.submitted();
    const cancelled = failureOf(poller.pollUntilDone());

    const abort = client.agentPools.abortLatestOperation(group, clusterName, 'gpu', { updateIntervalInMs: 10 });
    await abort.submitted();
    expect(await get('gpu')).toMatchObject({ provisioningState: 'Canceling' });
    await clock.pass(minuteMs);
    await abort.pollUntilDone();
    expect((await cancelled).message).toBe('Operation was canceled');
    expect(await get('gpu')).toMatchObject({ provisioningState: 'Canceled' });

    const deletion = remove('gpu');
    await deletion.submitted();
    await clock.pass(5 * minuteMs);
    await deletion.pollUntilDone();
    expect(await failureOf(get('gpu'))).toMatchObject({ statusCode: 404 });
  });

  it('there is something to abort, and else a 409 says that there is not', async () => {
    const { create, client } = await sandboxArm();
    await create('gpu');
    expect(await failureOf(client.agentPools.abortLatestOperation(group, clusterName, 'gpu'))).toMatchObject({ statusCode: 409 });
  });
});

describe('deleting an agent pool', () => {
  it('answers 202, is Deleting for some minutes, and then there is nothing', async () => {
    const clock = createManualClock();
    const { ask, get, deleted, arm } = await sandboxArm({ clock });
    await ask('PUT', `${pools}/gpu${version}`, { properties: { count: 1, vmSize: 'Standard_NC24ads_A100_v4' } });
    await clock.pass(6 * minuteMs);
    const accepted = await ask('DELETE', `${pools}/gpu${version}`);
    expect(accepted).toMatchObject({ status: 202, headers: { 'azure-asyncoperation': expect.stringContaining('/operations/'), location: expect.stringContaining('/operationresults/') } });
    expect(accepted.body).toBeUndefined();
    await clock.pass(2 * minuteMs);
    expect(await get('gpu')).toMatchObject({ provisioningState: 'Deleting' });
    const result = String(accepted.headers['location']).slice(arm.url.length);
    expect((await ask('GET', result)).status).toBe(202);
    await clock.pass(2 * minuteMs);
    expect(deleted.map(({ name }) => name)).toEqual(['gpu']);
    expect((await ask('GET', result)).status).toBe(204);
    expect(await failureOf(get('gpu'))).toMatchObject({ statusCode: 404, code: 'NotFound', message: expect.stringContaining('Agent Pool not found') });
  });

  it('answers 204 when there is none, and is done at once', async () => {
    const { remove, arm } = await sandboxArm();
    await remove('gpu', { ifMatch: 'anything' });
    expect(arm.requests().map(({ method, status }) => `${method} ${status}`)).toEqual(['DELETE 204']);
  });

  it('spares the last system pool', async () => {
    const { remove } = await sandboxArm();
    expect(await failureOf(remove('system'))).toMatchObject({ code: 'OperationNotAllowed' });
  });
});

describe('faults', () => {
  it('quota: AKS refuses the machines before anything is started, in a flat error', async () => {
    const { create, ask } = await sandboxArm({ faults: ['quota'] });
    const failure = await failureOf(create('gpu'));
    expect(failure).toMatchObject({ code: 'ErrCode_InsufficientVCPUQuota', statusCode: 400 });
    expect(failure.message).toContain('Insufficient vcpu quota requested 24, remaining 0 for family StandardNCADSA100v4Family for region eastus.');
    const raw = await ask('PUT', `${pools}/gpu${version}`, { properties: { count: 1, vmSize: 'Standard_NC24ads_A100_v4' } });
    expect(raw.body).toEqual({ code: 'ErrCode_InsufficientVCPUQuota', details: null, message: failure.message, subcode: '' });
  });

  it('quota: Compute refuses Spot machines later, and the operation ends with its figures', async () => {
    const { create, get } = await sandboxArm({ faults: ['quota'] });
    const failure = await failureOf(create('gpu', { ...gpuPool, count: 2, scaleSetPriority: 'Spot' }));
    expect(isRestError(failure)).toBe(false);
    expect(failure.message).toMatch(/QuotaExceeded.*LowPriorityCores quota.*Current Limit: 0, Current Usage: 0, Additional Required: 48, \(Minimum\) New Limit Required: 48/);
    expect(await get('gpu')).toMatchObject({ status: { provisioningError: { code: 'QuotaExceeded', details: [{ code: 'OperationNotAllowed' }] } } });
  });

  it.each([
    ['AllocationFailed', gpuPool],
    ['ZonalAllocationFailed', { ...gpuPool, availabilityZones: ['1'] }],
    ['SkuNotAvailable', { ...gpuPool, scaleSetPriority: 'Spot' }],
  ])('capacity: the operation ends with %s, and the quota is free again', async (code, pool) => {
    const { create, get, created, compute } = await sandboxArm({ faults: ['capacity'] });
    expect((await failureOf(create('gpu', pool))).message).toContain(`The long-running operation has failed. ${code}.`);
    expect(await get('gpu')).toMatchObject({ provisioningState: 'Failed', status: { provisioningError: { code } } });
    expect(created).toHaveLength(0);
    const used = await Array.fromAsync(compute.usage.list('eastus'));
    expect(used.find(({ name }) => name?.value === 'standardNCADSA100v4Family')?.currentValue).toBe(0);
  });

  it('pool-failed: the machines are paid for and no node becomes Ready', async () => {
    const { create, get } = await sandboxArm({ faults: ['pool-failed'] });
    expect((await failureOf(create('gpu', { ...gpuPool, count: 2 }))).message).toContain('Expected: 2, Actual: 0');
    expect(await get('gpu')).toMatchObject({ provisioningState: 'Failed', status: { provisioningError: { code: 'NodesNotReady' } } });
  });

  it('slow-nodes: an hour later the pool is still being created', async () => {
    const clock = createManualClock();
    const { ask, get, created } = await sandboxArm({ clock, faults: ['slow-nodes'] });
    await ask('PUT', `${pools}/gpu${version}`, { properties: { count: 1, vmSize: 'Standard_NC24ads_A100_v4' } });
    await clock.pass(60 * minuteMs);
    expect(created).toHaveLength(0);
    expect(await get('gpu')).toMatchObject({ provisioningState: 'Creating' });
    await clock.pass(3 * 60 * minuteMs);
    expect(await get('gpu')).toMatchObject({ provisioningState: 'Succeeded' });
  });

  it('forbidden: reading is allowed, and writing is refused with the action and the scope', async () => {
    const { create, remove, client, compute } = await sandboxArm({ faults: ['forbidden'] });
    expect(await Array.fromAsync(client.agentPools.list(group, clusterName))).toHaveLength(1);
    expect(await Array.fromAsync(compute.usage.list('eastus'))).not.toHaveLength(0);
    for (const [action, work] of [['write', create('gpu')], ['delete', remove('gpu')]] as const) {
      expect(await failureOf(work)).toMatchObject({
        statusCode: 403,
        code: 'AuthorizationFailed',
        message: expect.stringContaining(`perform action 'Microsoft.ContainerService/managedClusters/agentPools/${action}' over scope '${pools}/gpu'`),
      });
    }
  });
});
