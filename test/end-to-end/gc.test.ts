import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import { runPod } from '../cluster/real/pods.ts';
import { patienceMs, waitFor } from '../cluster/real/waiting.ts';
import { useRig } from './rig.ts';

/** A namespace that is deleted takes the owner record with it, and the pool stays: each test goes on from what the one before left. */
describe('an agent pool whose namespace was deleted', () => {
  const rig = useRig();
  const doomed = `e2e-doomed-${randomBytes(4).toString('hex')}`;
  const pools = async (): Promise<string[]> => (await rig().azure.agentPools()).filter(({ tags }) => JSON.stringify(tags).includes(doomed)).map(({ name }) => name);

  it('is not left over as long as its server is there', async () => {
    const { api } = rig();
    await api.core.createNamespace({ body: { metadata: { name: doomed } } });
    const served = await rig.run(['serve', '--preset', 'phi-3-mini', '-n', doomed]);
    expect(served.exitCode, served.stderr).toBe(0);
    const { stdout, exitCode } = await rig.run(['gc']);
    expect(stdout).toBe('No agent pool is left over. 1 of kaito-ts is in use.\n');
    expect(exitCode).toBe(0);
  });

  it('is found, with what it costs', async () => {
    const { api } = rig();
    await api.core.deleteNamespace({ name: doomed });
    await waitFor('the end of the namespace', patienceMs, async () => !(await api.core.listNamespace()).items.some(({ metadata }) => metadata?.name === doomed));
    expect(await pools()).toHaveLength(1);
    const { stdout, stderr, exitCode } = await rig.run(['gc']);
    expect(stdout).toMatch(new RegExp(`^${(await pools())[0]} +${doomed}/phi-3-mini-128k-instruct +1 +Standard_\\w+ +Succeeded +`, 'm'));
    expect(stderr).toMatch(/That saves about \$\d+\.\d\d a day/);
    expect(exitCode).toBe(exitCodes.failed);
  });

  it('is left alone while somebody\'s pod runs there', async () => {
    const [node = ''] = rig().azure.nodeNames();
    await runPod(rig().cluster, { name: 'somebodys', namespace: rig().namespace, node });
    const { stdout, exitCode } = await rig.run(['gc', '--delete', '--yes', '-o', 'json']);
    expect(JSON.parse(stdout)).toMatchObject({ items: [], kept: [{ namespace: doomed, why: expect.stringContaining('somebodys') }] });
    expect(exitCode).toBe(0);
    expect(await pools()).toHaveLength(1);
  });

  it('goes with its nodes when that is asked for', async () => {
    await waitFor('the end of the pod', patienceMs, async () => (await rig().api.core.listNamespacedPod({ namespace: rig().namespace })).items.length === 0);
    const { stderr, exitCode } = await rig.run(['gc', '--delete', '--yes']);
    expect(exitCode, stderr).toBe(0);
    expect(await pools()).toEqual([]);
    expect(rig().azure.nodeNames()).toEqual([]);
    expect((await rig.run(['gc'])).stdout).toBe('No agent pool is left over.\n');
  });
});
