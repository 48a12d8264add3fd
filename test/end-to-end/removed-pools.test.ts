import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import { waitFor } from '../cluster/real/waiting.ts';
import { useRig } from './rig.ts';
import { statusOf } from './tunings.ts';

/** Somebody cleans up in Azure's portal, or with another tool. */
describe.concurrent('an agent pool that somebody else removes', { timeout: 400_000 }, () => {
  // Slow enough to be met on its way.
  const rig = useRig({ speed: 60 });

  const rent = async (name: string): Promise<{ name: string; serve: string[]; pool: string }> => {
    const unique = `${name}-${randomBytes(4).toString('hex')}`;
    const serve = ['serve', unique, '--preset', 'phi-3-mini'];
    const { stderr, exitCode } = await rig.run(serve);
    expect(exitCode, stderr).toBe(0);
    const { nodePool } = await statusOf(rig, unique);
    return { name: unique, serve, pool: String(nodePool?.['name']) };
  };
  const stateOf = async (pool: string) => (await rig().azure.agentPools()).find(({ name }) => name === pool)?.provisioningState;
  const untilGone = (pool: string) => waitFor(`the end of agent pool ${pool}`, 120_000, async () => (await stateOf(pool)) === undefined);
  const asked = (method: string, pool: string) => rig().azure.requests().filter((request) => request.method === method && request.status < 300 && request.path.includes(`/agentPools/${pool}?`));
  const expectNothingLeft = async (name: string): Promise<void> => {
    const { namespace, api } = rig();
    expect((await rig.run(['status', name])).exitCode).toBe(exitCodes.notFound);
    const labelSelector = `kaito.sh/workspace=${name}`;
    expect((await api.core.listNamespacedPod({ namespace, labelSelector })).items).toEqual([]);
    expect((await api.core.listNamespacedConfigMap({ namespace, labelSelector })).items).toEqual([]);
    expect((await api.apps.listNamespacedDeployment({ namespace, labelSelector })).items).toEqual([]);
  };

  it('is missed by status, and delete clears away what is left of the workspace', async () => {
    const { name, pool } = await rent('gone');
    await rig().azure.removeAgentPool(pool);
    await untilGone(pool);
    const status = await waitFor('status to see it', 60_000, async () => {
      const seen = await statusOf(rig, name);
      return seen.state === 'NotReady' && seen;
    });
    expect(status).toMatchObject({ workerNodes: [], why: expect.stringMatching(/node/i) });
    const { stderr, exitCode } = await rig.run(['delete', name]);
    expect(exitCode, stderr).toBe(0);
    expect(stderr).toMatch(new RegExp(`Remove agent pool ${pool} .*was gone already`));
    // By whoever else it was.
    expect(asked('DELETE', pool)).toHaveLength(1);
    await expectNothingLeft(name);
  });

  it('is awaited by delete while Azure is at it', async () => {
    const { name, pool } = await rent('going');
    await rig().azure.removeAgentPool(pool);
    const { stderr, exitCode } = await rig.run(['delete', name]);
    expect(exitCode, stderr).toBe(0);
    expect(await stateOf(pool)).toBeUndefined();
    expect(asked('DELETE', pool)).toHaveLength(1);
    await expectNothingLeft(name);
  });

  it('is rented anew by the same command', async () => {
    const { name, serve, pool } = await rent('again');
    await rig().azure.removeAgentPool(pool);
    await untilGone(pool);
    const { stdout, stderr, exitCode } = await rig.run(serve);
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(/^endpoint: /m);
    expect(await statusOf(rig, name)).toMatchObject({ state: 'Ready', nodePool: { name: pool, state: 'Present' } });
    expect(asked('PUT', pool)).toHaveLength(2);
  });
});
