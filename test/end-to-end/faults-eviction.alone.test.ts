import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fillDiskOf } from '../cluster/real/nodes.ts';
import { patienceMs, waitFor } from '../cluster/real/waiting.ts';
import { addBehaviour } from '../cluster/registries/control.ts';
import { type GpuNode, useGpuNode } from './gpu-node.ts';
import { useRig } from './rig.ts';
import { aTuning, statusOf } from './tunings.ts';

/** The first pod is evicted. Its successors are turned away until the scheduler knows of the node's condition: some, or none. */
const evicted = /pod "[\w-]+" evicted due to node disk pressure: (The node was low on resource: ephemeral-storage|Pod was rejected: The node had condition: \[DiskPressure\])/;

describe.concurrent('a node whose disk is full', () => {
  const smallDisk = { diskMebibytes: 96, evictionHard: { 'nodefs.available': '50%' } };
  const serverNode = useGpuNode(smallDisk);
  const tuningNode = useGpuNode(smallDisk);
  const rig = useRig();

  const isUnderPressure = async ({ name }: GpuNode): Promise<boolean> => {
    const { status, spec } = await rig().api.core.readNode({ name });
    return (status?.conditions ?? []).some((condition) => condition.type === 'DiskPressure' && condition.status === 'True') || (spec?.taints ?? []).some(({ key }) => key === 'node.kubernetes.io/disk-pressure');
  };
  /** Returns what makes room again. */
  const fillDisk = async (node: GpuNode, atTheEnd: (end: () => Promise<void>) => void): Promise<() => Promise<void>> => {
    const empty = await fillDiskOf(rig().cluster, node.name, 64);
    const makeRoom = async (): Promise<void> => {
      await empty();
      await waitFor(`room on the disk of ${node.name}`, patienceMs, async () => !(await isUnderPressure(node)));
    };
    atTheEnd(makeRoom);
    return makeRoom;
  };

  it('ends a server, which the same command waits for until there is room', async ({ onTestFinished }) => {
    const node = serverNode();
    const name = `s-${randomBytes(4).toString('hex')}`;
    onTestFinished(async () => void (await rig.run(['delete', name, '--timeout', '2m'])));
    const args = ['serve', name, '--preset', 'phi-3-mini', '--nodes', node.selector];
    const served = await rig.run(args);
    expect(served.exitCode, served.stderr).toBe(0);
    const makeRoom = await fillDisk(node, onTestFinished);
    const status = await waitFor('the eviction', patienceMs, async () => {
      const now = await statusOf(rig, name);
      return evicted.test(now.why ?? '') && now;
    });
    expect(status).toMatchObject({ state: 'NotReady', next: `kubectl describe node ${node.name}` });

    const again = rig.start(args, {}, onTestFinished);
    await again.until('stderr', evicted);
    await makeRoom();
    const { stderr, exitCode } = await again.ended;
    expect(exitCode, stderr).toBe(0);
    const { stdout } = await rig.run(['chat', name, 'Hello']);
    expect(stdout).not.toBe('');
  });

  it('ends the pod of a tuning, which begins anew by itself when there is room', async ({ onTestFinished }) => {
    const node = tuningNode();
    const { name, args } = await aTuning(rig, node, { more: ['--time-limit', '10m'] });
    const release = await addBehaviour(rig().registries, { podPrefix: name, behaviour: { at: 'step:2', do: 'hang' } });
    onTestFinished(release);
    const tuning = rig.start(args, {}, onTestFinished);
    await tuning.until('stderr', /step 1 of/);
    const makeRoom = await fillDisk(node, onTestFinished);
    await tuning.until('stderr', new RegExp(`^warning: The training in pod "${name}-\\w+" is lost \\(NodeDiskPressure\\), and begins anew`, 'm'));
    await tuning.until('stderr', /is unschedulable: .*untolerated taint/);
    expect(await statusOf(rig, name)).toMatchObject({ why: expect.stringMatching(evicted), next: `kubectl describe node ${node.name}` });

    await release();
    await makeRoom();
    const { stdout, stderr, exitCode } = await tuning.ended;
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(/^adapter: .*@sha256:/m);
    expect(await statusOf(rig, name)).toMatchObject({ state: 'Succeeded' });
  });
});
