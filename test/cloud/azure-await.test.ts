import { describe, expect, it } from 'vitest';
import { acceptedCreate, armPool, cluster, createQuickClock, operationPath, poolPath, request, startAzure, status, wallClock } from './support.ts';
import type { Asked, Reply } from './support.ts';

const summary = (asked: readonly Asked[]): string[] => asked.map(({ method, path }) => `${method} ${path.startsWith(operationPath) ? 'operation' : path.startsWith(poolPath) ? 'pool' : path}`);

const quotaText =
  'Operation could not be completed as it results in exceeding approved Total Regional Cores quota. Additional details - Deployment Model: Resource Manager, Location: eastus, Current Limit: 20, Current Usage: 10, Additional Required: 24, (Minimum) New Limit Required: 34.';
const capacityText = "Allocation failed. We do not have sufficient capacity for the requested VM size in this zone. Read more about improving likelihood of allocation success at https://aka.ms/allocation-guidance.";

describe('awaitOperation', () => {
  it('polls until the pool is there, telling the state each time, at the pace of ten seconds', async () => {
    const azure = await startAzure(acceptedCreate([status('InProgress'), status('InProgress'), status('Succeeded')]));
    const clock = createQuickClock();
    const cloud = azure.open({ clock });
    const operation = await cloud.createAgentPool(cluster, request);
    const polls: string[] = [];
    const pool = await cloud.awaitOperation(cluster, operation, { onPoll: (state) => polls.push(state) });
    expect(pool).toEqual({
      id: poolPath,
      name: 'kphi',
      instanceType: 'Standard_NC24ads_A100_v4',
      count: 1,
      provisioningState: 'Succeeded',
      powerState: 'Running',
      labels: { 'kaito-ts/workspace': 'phi' },
      taints: ['sku=gpu:NoSchedule'],
      tags: { 'kaito-ts-owner': 'abc' },
      spot: false,
      eTag: 'e-1',
    });
    expect(polls).toEqual(['InProgress', 'InProgress']);
    expect(clock.slept).toEqual([10_000, 10_000]);
    expect(summary(azure.asked)).toEqual(['PUT pool', 'GET operation', 'GET operation', 'GET operation', 'GET pool']);
  });

  it('asks no sooner and no later than Azure says', async () => {
    const azure = await startAzure(acceptedCreate([{ ...okStatus('InProgress'), headers: { 'retry-after': '25' } }, { ...okStatus('InProgress'), headers: { 'retry-after-ms': '40' } }, status('Succeeded')]));
    const clock = createQuickClock();
    const cloud = azure.open({ clock });
    await cloud.awaitOperation(cluster, await cloud.createAgentPool(cluster, request), {});
    expect(clock.slept).toEqual([25_000, 40]);
  });

  it('goes on in another process from nothing but the state, without asking for the pool again', async () => {
    const azure = await startAzure(acceptedCreate([status('InProgress'), status('InProgress'), status('Succeeded')]));
    const saved = JSON.stringify(await azure.open().createAgentPool(cluster, request));
    const pool = await azure.open().awaitOperation(cluster, JSON.parse(saved), {});
    expect(pool?.name).toBe('kphi');
    expect(azure.asked.filter(({ method }) => method === 'PUT')).toHaveLength(1);
  });

  it('goes on with a deletion in another process, without deleting again', async () => {
    let polls = 0;
    const azure = await startAzure((asked, server): Reply => {
      if (asked.method === 'DELETE') return { status: 202, headers: { 'azure-asyncoperation': `${server.url}${operationPath}?api-version=2016-03-30`, location: `${server.url}${operationPath}/results` } };
      polls += 1;
      return polls < 3 ? status('InProgress') : status('Succeeded');
    });
    const operation = await azure.open().deleteAgentPool(cluster, 'kphi');
    if (!operation) throw new Error('The deletion was not started.');
    expect(await azure.open().awaitOperation(cluster, JSON.parse(JSON.stringify(operation)), {})).toBeUndefined();
    expect(summary(azure.asked)).toEqual(['DELETE pool', 'GET operation', 'GET operation', 'GET operation']);
  });

  it.each([
    { what: 'says 204', reply: { status: 204 } },
    { what: 'says 404', reply: { status: 404, body: { code: 'NotFound', message: 'Agent Pool not found', details: null, subcode: '' } } },
  ])('has nothing to await when Azure $what to a deletion', async ({ reply }) => {
    const azure = await startAzure(() => reply);
    expect(await azure.open().deleteAgentPool(cluster, 'kphi')).toBeUndefined();
  });

  it('takes the reason of a failed operation from its nested details', async () => {
    const failed = status('Failed', { code: 'ReconcileVMSSAgentPoolFailed', message: 'We are unable to serve this request.', details: [{ code: 'OperationNotAllowed', message: quotaText }] });
    const azure = await startAzure(acceptedCreate([status('InProgress'), failed], { status: 200, body: armPool({ provisioningState: 'Failed' }) }));
    const cloud = azure.open();
    const operation = await cloud.createAgentPool(cluster, request);
    await expect(cloud.awaitOperation(cluster, operation, {})).rejects.toMatchObject({
      exitCode: 5,
      reason: 'OperationNotAllowed',
      message: 'The subscription has no quota left for Standard_NC24ads_A100_v4 in eastus: 24 vCPUs of Total Regional Cores are needed and 10 are left (limit 20, used 10).',
      fact: quotaText,
      hints: expect.arrayContaining([
        'Ask for a limit of at least 34 of Total Regional Cores in eastus: https://learn.microsoft.com/azure/quotas/view-quotas',
        'Name other sizes, tried in this order: --instance-type Standard_NC24ads_A100_v4,Standard_NC40ads_H100_v5,Standard_NCC40ads_H100_v5',
      ]),
    });
  });

  it("takes the reason from the pool's provisioningError when the operation says none", async () => {
    const provisioningError = { code: 'CreateVMSSAgentPoolFailed', message: 'Internal', details: [{ code: 'ZonalAllocationFailed', message: capacityText }] };
    const azure = await startAzure(acceptedCreate([status('Failed')], { status: 200, body: armPool({ provisioningState: 'Failed', status: { provisioningError } }) }));
    const cloud = azure.open();
    const operation = await cloud.createAgentPool(cluster, request);
    await expect(cloud.awaitOperation(cluster, operation, {})).rejects.toMatchObject({ exitCode: 6, reason: 'ZonalAllocationFailed', fact: capacityText });
  });

  it('is content with a pool that AKS brought to a good end after it had called the operation failed', async () => {
    const azure = await startAzure(acceptedCreate([status('Failed', { code: 'InternalOperationError', message: 'Operation timeout, please retry.' })]));
    const cloud = azure.open();
    expect(await cloud.awaitOperation(cluster, await cloud.createAgentPool(cluster, request), {})).toMatchObject({ provisioningState: 'Succeeded' });
  });

  it('goes on looking at the pool while AKS goes on trying after an error inside Azure', async () => {
    let looks = 0;
    const accept = acceptedCreate([status('Failed', { code: 'ReconcileVMSSAgentPoolFailed', message: 'Internal server error. AKS will continuously retry the requested operation.' })]);
    const azure = await startAzure((asked, server) => {
      if (asked.method !== 'GET' || !asked.path.startsWith(poolPath)) return accept(asked, server);
      looks += 1;
      return { status: 200, body: armPool({ provisioningState: looks < 3 ? 'Creating' : 'Succeeded' }) };
    });
    const cloud = azure.open();
    const polls: string[] = [];
    await cloud.awaitOperation(cluster, await cloud.createAgentPool(cluster, request), { onPoll: (state) => polls.push(state) });
    expect(polls).toEqual(['Azure goes on trying', 'Creating']);
  });

  it('tells a cancelled operation from a failed one', async () => {
    const azure = await startAzure(acceptedCreate([status('Canceled')], { status: 200, body: armPool({ provisioningState: 'Canceled' }) }));
    const cloud = azure.open();
    await expect(cloud.awaitOperation(cluster, await cloud.createAgentPool(cluster, request), {})).rejects.toMatchObject({ exitCode: 1, reason: 'OperationCanceled' });
  });

  const troubles: { what: string; reply: Reply }[] = [
    { what: 'errors of the server', reply: { status: 500, body: { error: { code: 'InternalServerError', message: 'Oops' } } } },
    { what: 'an expired token', reply: { status: 401, body: { error: { code: 'ExpiredAuthenticationToken', message: 'The access token expiry UTC time is earlier than now.' } } } },
    { what: 'broken connections', reply: 'cut' },
    { what: 'throttling', reply: { status: 429, headers: { 'retry-after': '7' }, body: { error: { code: 'TooManyRequestsReceived', message: 'Slow down.' } } } },
  ];

  it.each(troubles)('does not take $what for a failure of the operation', async ({ reply }) => {
    const azure = await startAzure(acceptedCreate([status('InProgress'), reply, reply, reply, reply, reply, status('InProgress'), status('Succeeded')]));
    const cloud = azure.open();
    const polls: string[] = [];
    const pool = await cloud.awaitOperation(cluster, await cloud.createAgentPool(cluster, request), { onPoll: (state) => polls.push(state) });
    expect(pool?.provisioningState).toBe('Succeeded');
    expect(polls).toHaveLength(7);
    expect(polls[1]).toMatch(/^\w+: looking again in \d+ s$/);
  });

  it('gets a new token after Azure refused the old one', async () => {
    const azure = await startAzure(acceptedCreate([{ status: 401, body: { error: { code: 'ExpiredAuthenticationToken', message: 'Expired.' } } }, status('Succeeded')]));
    const cloud = azure.open();
    const operation = await cloud.createAgentPool(cluster, request);
    const tokensBefore = azure.logins.filter(({ method }) => method === 'POST').length;
    expect(await cloud.awaitOperation(cluster, operation, {})).toMatchObject({ name: 'kphi' });
    expect(azure.logins.filter(({ method }) => method === 'POST').length).toBe(tokensBefore + 1);
  });

  it('follows the pool itself when the address of the operation is gone', async () => {
    let looks = 0;
    const accept = acceptedCreate([{ status: 404, body: { error: { code: 'NotFound', message: 'The operation was not found.' } } }]);
    const azure = await startAzure((asked, server) => {
      if (asked.method !== 'GET' || !asked.path.startsWith(poolPath)) return accept(asked, server);
      looks += 1;
      return { status: 200, body: armPool({ provisioningState: looks < 3 ? 'Creating' : 'Succeeded' }) };
    });
    const cloud = azure.open();
    const polls: string[] = [];
    expect(await cloud.awaitOperation(cluster, await cloud.createAgentPool(cluster, request), { onPoll: (state) => polls.push(state) })).toMatchObject({ provisioningState: 'Succeeded' });
    expect(polls).toEqual(['the operation cannot be read, looking at the agent pool instead', 'Creating', 'Creating']);
  });

  it('gives up asking after a quarter of an hour, and says that the pool may be there all the same', async () => {
    const azure = await startAzure(acceptedCreate([status('InProgress'), { status: 503 }]));
    const clock = createQuickClock();
    const cloud = azure.open({ clock });
    const operation = await cloud.createAgentPool(cluster, request);
    const startedAtMs = clock.now();
    await expect(cloud.awaitOperation(cluster, operation, {})).rejects.toMatchObject({ name: 'UnseenError', exitCode: 1, message: expect.stringContaining('it may be there all the same, and then it costs money'), hints: expect.arrayContaining([expect.stringContaining('takes up the operation')]) });
    expect(clock.now() - startedAtMs).toBeGreaterThan(15 * 60_000);
    expect(clock.now() - startedAtMs).toBeLessThan(17 * 60_000);
  });

  it('says so when the pool was deleted by somebody while it was created', async () => {
    const azure = await startAzure(acceptedCreate([{ status: 404, body: {} }], { status: 404, body: { code: 'NotFound', message: 'Agent Pool not found' } }));
    const cloud = azure.open();
    await expect(cloud.awaitOperation(cluster, await cloud.createAgentPool(cluster, request), {})).rejects.toMatchObject({ reason: 'AgentPoolGone' });
  });

  it('stops at once when it is told to, in the middle of a pause and in the middle of a question', async () => {
    for (const last of [status('InProgress'), 'hang'] as const) {
      const azure = await startAzure(acceptedCreate([status('InProgress'), last]));
      const cloud = azure.open({ clock: last === 'hang' ? createQuickClock() : wallClock });
      const operation = await cloud.createAgentPool(cluster, request);
      const controller = new AbortController();
      const waiting = cloud.awaitOperation(cluster, operation, { signal: controller.signal });
      await expect.poll(() => azure.asked.length).toBeGreaterThan(last === 'hang' ? 2 : 1);
      // Looks are ten seconds apart.
      const abortedAtMs = performance.now();
      const reason = new Error('Enough.');
      controller.abort(reason);
      await expect(waiting).rejects.toBe(reason);
      expect(performance.now() - abortedAtMs).toBeLessThan(8_000);
    }
  });

  it.each([
    ['no state at all', ''],
    ['broken JSON', '{'],
    ['the state of something else', JSON.stringify({ state: { status: 'running', config: { initialRequestUrl: '/subscriptions/s/resourceGroups/g', requestMethod: 'PUT' } } })],
    ['half a state', JSON.stringify({ state: { status: 'running', config: { operationLocation: operationPath } } })],
  ])('follows the pool when the record holds %s', async (_what, state) => {
    const azure = await startAzure(acceptedCreate([status('InProgress')]));
    expect(await azure.open().awaitOperation(cluster, { kind: 'create', agentPool: 'kphi', state }, {})).toMatchObject({ provisioningState: 'Succeeded' });
    expect(summary(azure.asked)).toEqual(['GET pool']);
  });

  it('never sends the token where a changed record points, and follows the pool instead', async () => {
    const elsewhere = await startAzure(() => status('Succeeded'));
    const azure = await startAzure(acceptedCreate([status('InProgress')]));
    const cloud = azure.open();
    const operation = await cloud.createAgentPool(cluster, request);
    const changed = { ...operation, state: operation.state.replace(new RegExp(`${azure.url}(${operationPath})`), `${elsewhere.url}$1`) };
    expect(changed.state).not.toBe(operation.state);
    expect(await cloud.awaitOperation(cluster, changed, {})).toMatchObject({ provisioningState: 'Succeeded' });
    expect(elsewhere.asked).toEqual([]);
  });
});

const okStatus = (word: string): { status: number; body: object } => ({ status: 200, body: { name: '42', status: word } });
