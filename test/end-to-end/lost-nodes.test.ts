import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import { stopNode } from '../cluster/real/nodes.ts';
import { patienceMs, waitFor } from '../cluster/real/waiting.ts';
import { useRig } from './rig.ts';

/** A machine that is gone without a word, as Azure takes back a Spot one. */
describe('a server whose node has vanished', () => {
  const rig = useRig();
  const name = 'phi-3-mini-128k-instruct';

  it('is shown as not ready, and says what it lacks', async () => {
    const { stderr, exitCode } = await rig.run(['serve', '--preset', 'phi-3-mini']);
    expect(exitCode, stderr).toBe(0);
    const [node = ''] = rig().azure.nodeNames();
    await stopNode(rig().cluster, node);
    const status = await waitFor('status to see it', patienceMs, async () => {
      const { items } = JSON.parse((await rig.run(['status', '-o', 'json'])).stdout) as { items: { state: string; why: string; workerNodes: string[] }[] };
      return items[0]?.state !== 'Ready' && items[0];
    });
    expect(status).toMatchObject({ state: 'NotReady', workerNodes: [], why: expect.stringMatching(/node/i) });
  });

  it('goes with its pool, though no kubelet is there to end the pod', async () => {
    const { stderr, exitCode } = await rig.run(['delete', name]);
    expect(exitCode, stderr).toBe(0);
    expect((await rig().azure.agentPools()).map(({ name: pool }) => pool)).toEqual(['system']);
    const { items } = await rig().api.core.listNamespacedPod({ namespace: rig().namespace });
    expect(items.map(({ metadata }) => metadata?.name)).toEqual([]);
    expect((await rig.run(['status', name])).exitCode).toBe(exitCodes.notFound);
  });
});
