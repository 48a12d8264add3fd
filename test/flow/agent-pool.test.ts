import { describe, expect, it } from 'vitest';
import type { AgentPoolRequest } from '../../src/domain/azure.ts';
import { CapacityError, ConflictError, FailedError, QuotaError } from '../../src/domain/errors.ts';
import type { CreateAgentPoolStep, DeleteAgentPoolStep } from '../../src/domain/plan.ts';
import { createAgentPool, deleteAgentPool } from '../../src/flow/agent-pool.ts';
import { agentPool, createFakeCloud } from '../support/fakes.ts';
import { follow } from '../support/following.ts';
import { settled } from '../support/manual-clock.ts';
import { createStage, node, nodePool, planOf, record, shortly } from './support.ts';

const tags = { 'managed-by': 'kaito-ts', 'kaito-workspace': 'tuned', 'kaito-namespace': 'default' };
const request: AgentPoolRequest = { name: 'kpool', instanceType: 'Standard_NV36ads_A10_v5', count: 1, osDiskGiB: 256, labels: {}, taints: [], tags, spot: false };
const create: CreateAgentPoolStep = { kind: 'create-agent-pool', title: 'Add agent pool kpool', pool: request, timeoutMs: 600_000 };
const remove: DeleteAgentPoolStep = { kind: 'delete-agent-pool', title: 'Remove agent pool kpool', name: 'kpool', timeoutMs: 600_000 };
const ours = (provisioningState = 'Succeeded') => agentPool({ tags, provisioningState });

const stageWith = (pool: Parameters<typeof nodePool>[0] = {}, cloud = createFakeCloud()) => createStage(record({ nodePool: nodePool(pool) }), cloud);

describe('createAgentPool', () => {
  it('records the operation before it waits, and strikes it out when it has ended', async () => {
    const stage = stageWith();
    const creating = follow(createAgentPool(create, stage.session()));
    await settled();
    expect(stage.stored()?.nodePool?.operation).toEqual({ kind: 'create', state: 'create-operation' });
    stage.cloud.succeed();
    await expect(creating.result).resolves.toBe('created');
    expect(stage.stored()?.nodePool).toEqual(nodePool());
    expect(stage.cluster.openWatchCount()).toBe(0);
  });

  it('tells what Azure says and how many nodes have come', async () => {
    const { cloud, cluster, session, clock } = stageWith();
    const creating = follow(createAgentPool(create, session()));
    await clock.advance(1_000);
    cloud.poll('InProgress');
    await settled();
    cluster.put(node('node-a', { isReady: false, labels: { agentpool: 'kpool' }, message: 'container runtime network not ready' }));
    await settled();
    expect(shortly(creating.items)).toEqual([
      'waiting: Azure\'s operation is Creating; 0 of 1 nodes joined',
      'waiting: Azure\'s operation is InProgress; 0 of 1 nodes joined',
      'waiting: Azure\'s operation is InProgress; 0 of 1 nodes Ready (node-a: container runtime network not ready)',
    ]);
  });

  it('takes up the operation that an earlier run recorded, without a second request', async () => {
    const operation = { kind: 'create' as const, state: 'saved-operation' };
    const { cloud, session } = stageWith({ operation }, createFakeCloud([ours('Creating')]));
    cloud.succeed();
    await expect(follow(createAgentPool({ ...create, resume: operation }, session())).result).resolves.toBe('taken up from an earlier run');
    expect(cloud.calls).toEqual(['await create kpool (saved-operation)']);
  });

  it('awaits a deletion that an earlier run began before it asks for the pool again', async () => {
    const operation = { kind: 'delete' as const, state: 'saved-deletion' };
    const { cloud, session } = stageWith({ operation }, createFakeCloud([ours('Deleting')]));
    cloud.succeed();
    await follow(createAgentPool({ ...create, resume: operation }, session())).result;
    expect(cloud.calls).toEqual(['await delete kpool (saved-deletion)', 'create kpool', 'await create kpool (create-operation)']);
  });

  it('uses a pool of ours that is there already', async () => {
    const { cloud, session } = stageWith({}, createFakeCloud([ours()]));
    await expect(follow(createAgentPool(create, session())).result).resolves.toBe('was there already');
    expect(cloud.calls).toEqual(['create kpool']);
  });

  it('follows a pool of ours that is still being made, though its operation was never recorded', async () => {
    const { cloud, session, stored } = stageWith({}, createFakeCloud([ours('Creating')]));
    const creating = follow(createAgentPool(create, session()));
    await settled();
    expect(stored()?.nodePool?.operation).toEqual({ kind: 'create', state: 'agent-pool' });
    cloud.succeed();
    await creating.result;
    expect(cloud.calls).toEqual(['create kpool', 'await create kpool (agent-pool)']);
  });

  it('makes a pool of ours anew when it was just going away', async () => {
    const { cloud, session } = stageWith({}, createFakeCloud([ours('Deleting')]));
    cloud.succeed();
    await follow(createAgentPool(create, session())).result;
    expect(cloud.calls).toEqual(['create kpool', 'await delete kpool (agent-pool)', 'create kpool', 'await create kpool (create-operation)']);
  });

  it('touches no pool of somebody else', async () => {
    const { cloud, session } = stageWith({}, createFakeCloud([agentPool({ tags: { team: 'search' } })]));
    await expect(follow(createAgentPool(create, session())).result).rejects.toMatchObject({ name: 'ConflictError', reason: 'AgentPoolNotOurs', fact: 'Its tags are {"team":"search"}.' });
    expect(cloud.calls).toEqual(['create kpool']);
    expect(cloud.pools.size).toBe(1);
  });

  it('asks for nothing more when Azure refuses the request', async () => {
    const { cloud, session } = stageWith();
    cloud.refuse('create', new QuotaError('No quota.'));
    await expect(follow(createAgentPool(create, session())).result).rejects.toThrow('No quota.');
    expect(cloud.calls).toEqual(['create kpool']);
  });

  it('warns of what may be on its way when the answer to the request was lost', async () => {
    const { cloud, session } = stageWith();
    cloud.refuse('create', new FailedError('The connection broke.'));
    const creating = follow(createAgentPool(create, session()));
    await expect(creating.result).rejects.toThrow('The connection broke.');
    expect(creating.items).toEqual([{ type: 'warning', message: 'It is not known whether Azure took the request for agent pool kpool.', hints: ['The same command again finds out.', 'kaito-ts delete tuned   # removes it if it is there'] }]);
  });

  it('removes a pool that Azure could not complete, and then fails with Azure\'s reason', async () => {
    const { cloud, session, stored } = stageWith();
    const creating = follow(createAgentPool(create, session()));
    await settled();
    cloud.fail(new CapacityError('No machines.'));
    await settled();
    cloud.succeed();
    await expect(creating.result).rejects.toThrow();
    expect(cloud.calls).toEqual(['create kpool', 'await create kpool (create-operation)', 'delete kpool', 'await delete kpool (delete-operation)']);
    expect(shortly(creating.items)).toContain('note: Removing agent pool kpool, which Azure could not complete.');
    expect(stored()?.nodePool?.operation).toMatchObject({ kind: 'delete' });
  });

  it('leaves a pool alone when the Kubernetes API goes away, and keeps its operation for the next run', async () => {
    const { cloud, cluster, session, stored } = stageWith();
    const creating = follow(createAgentPool(create, session()));
    await settled();
    cluster.break('Node', new FailedError('The API server does not answer.'));
    await expect(creating.result).rejects.toThrow('The API server does not answer.');
    expect(cloud.calls).toEqual(['create kpool', 'await create kpool (create-operation)']);
    expect(stored()?.nodePool?.operation).toEqual({ kind: 'create', state: 'create-operation' });
    expect(stored()?.nodePool?.releasedAt).toBeUndefined();
  });

  it('leaves a pool alone whose operation could not be recorded, and follows it with the next run', async () => {
    const { cloud, cluster, session, stored } = stageWith();
    cluster.refuse('ConfigMap', new FailedError('The API server does not answer.'));
    await expect(follow(createAgentPool(create, session())).result).rejects.toThrow('The API server does not answer.');
    expect(cloud.calls).toEqual(['create kpool']);
    expect(stored()?.nodePool?.releasedAt).toBeUndefined();
    cloud.succeed();
    await expect(follow(createAgentPool(create, session())).result).resolves.toBe('created');
    expect(cloud.calls).toEqual(['create kpool', 'create kpool', 'await create kpool (agent-pool)']);
  });

  it('removes a pool whose workspace was deleted meanwhile', async () => {
    const { cloud, cluster, session } = stageWith();
    const creating = follow(createAgentPool(create, session()));
    await settled();
    cluster.remove('ConfigMap', 'tuned-kaito');
    cloud.succeed();
    await expect(creating.result).rejects.toMatchObject({ reason: 'RecordDeleted' });
    expect(shortly(creating.items)).toContain('note: Removing agent pool kpool, whose workspace was deleted meanwhile.');
    expect(cloud.pools.size).toBe(0);
  });

  it('leaves a pool alone that only takes longer, and keeps its operation for the next run', async () => {
    const { cloud, clock, session, stored } = stageWith();
    const creating = follow(createAgentPool(create, session()));
    await clock.advance(600_000);
    await expect(creating.result).rejects.toMatchObject({ name: 'TimeoutError', message: 'Waited 10m for agent pool kpool, in vain.', hints: ['Azure goes on: the same command again waits on.', 'kaito-ts delete tuned'] });
    expect(cloud.calls).not.toContain('delete kpool');
    expect(stored()?.nodePool?.operation).toMatchObject({ kind: 'create' });
  });

  it('does not say that Azure goes on where the plan removes the pool afterwards', async () => {
    const { clock, session } = stageWith();
    const creating = follow(createAgentPool(create, session(planOf([create, remove]))));
    await clock.advance(600_000);
    await expect(creating.result).rejects.toMatchObject({ hints: ['Allow more with --node-timeout.'] });
  });

  it('leaves everything as it is when interrupted', async () => {
    const { cloud, interrupt, session, stored } = stageWith();
    const creating = follow(createAgentPool(create, session()));
    await settled();
    interrupt();
    await expect(creating.result).rejects.toMatchObject({ name: 'InterruptedError' });
    expect(cloud.calls).toEqual(['create kpool', 'await create kpool (create-operation)']);
    expect(stored()?.nodePool?.operation).toMatchObject({ kind: 'create' });
  });
});

describe('deleteAgentPool', () => {
  it('records the deletion before it waits, and when the pool was given back', async () => {
    const stage = stageWith({}, createFakeCloud([ours()]));
    const deleting = follow(deleteAgentPool(remove, stage.session()));
    await settled();
    expect(stage.stored()?.nodePool?.operation).toEqual({ kind: 'delete', state: 'delete-operation' });
    stage.cloud.succeed();
    await expect(deleting.result).resolves.toBe('removed');
    expect(stage.stored()?.nodePool).toEqual(nodePool({ releasedAt: new Date(stage.clock.now()).toISOString() }));
  });

  it('records a pool as given back that somebody else removed', async () => {
    const { session, stored, cloud } = stageWith();
    await expect(follow(deleteAgentPool(remove, session())).result).resolves.toBe('was gone already');
    expect(stored()?.nodePool?.releasedAt).toBeDefined();
    expect(cloud.calls).toEqual([]);
  });

  it('takes up a deletion that an earlier run began', async () => {
    const operation = { kind: 'delete' as const, state: 'saved-deletion' };
    const { cloud, session, stored } = stageWith({ operation }, createFakeCloud([ours('Deleting')]));
    cloud.succeed();
    await follow(deleteAgentPool({ ...remove, resume: operation }, session())).result;
    expect(cloud.calls).toEqual(['await delete kpool (saved-deletion)']);
    expect(stored()?.nodePool?.releasedAt).toBeDefined();
  });

  it('deletes a pool that was made since an earlier deletion', async () => {
    const operation = { kind: 'delete' as const, state: 'saved-deletion' };
    const { cloud, session } = stageWith({}, createFakeCloud([ours()]));
    cloud.succeed();
    await follow(deleteAgentPool({ ...remove, resume: operation }, session())).result;
    expect(cloud.calls).toEqual(['delete kpool', 'await delete kpool (delete-operation)']);
    expect(cloud.pools.size).toBe(0);
  });

  it('follows a deletion that nobody recorded', async () => {
    const { cloud, session } = stageWith({}, createFakeCloud([ours('Deleting')]));
    cloud.succeed();
    await follow(deleteAgentPool(remove, session())).result;
    expect(cloud.calls).toEqual(['await delete kpool (agent-pool)']);
  });

  it('asks again as long as Azure is busy with the pool, and tells so once', async () => {
    const { cloud, clock, session } = stageWith({}, createFakeCloud([ours('Creating')]));
    cloud.succeed();
    const busy = new ConflictError('Another operation is in progress.');
    cloud.refuse('delete', busy);
    const deleting = follow(deleteAgentPool(remove, session()));
    await settled();
    cloud.refuse('delete', busy);
    await clock.advance(1_000);
    await clock.advance(2_000);
    await expect(deleting.result).resolves.toBe('removed');
    expect(shortly(deleting.items)).toEqual(['waiting: Azure is busy with it: Creating']);
  });

  it('deletes no pool of somebody else', async () => {
    const { cloud, session } = stageWith({}, createFakeCloud([agentPool({ tags: { team: 'search' } })]));
    await expect(follow(deleteAgentPool(remove, session())).result).rejects.toMatchObject({ reason: 'AgentPoolNotOurs' });
    expect(cloud.calls).toEqual([]);
  });
});
