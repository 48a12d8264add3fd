import { randomBytes } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import { fillDiskOf } from '../cluster/real/nodes.ts';
import { patienceMs, waitFor } from '../cluster/real/waiting.ts';
import { addBehaviour } from '../cluster/registries/control.ts';
import { useGpuNode } from './gpu-node.ts';
import { useRig } from './rig.ts';
import { aTuning, statusOf } from './tunings.ts';

const evicted = /pod "[\w-]+" evicted due to node disk pressure: (The node was low on resource: ephemeral-storage|Pod was rejected: The node had condition: \[DiskPressure\])/;

/** When a kubelet evicts, and when it lets the next pod in, is up to its own loops: not yet steady enough to hold up a pipeline. */
const isAsked = process.env['KAITO_TEST_EVICTION'] !== undefined;

describe.skipIf(!isAsked)('a node whose disk is full (only with KAITO_TEST_EVICTION=1)', () => {
  const node = useGpuNode({ diskMebibytes: 96, evictionHard: { 'nodefs.available': '50%' } });
  const rig = useRig();

  const readNode = () => rig().api.core.readNode({ name: node().name });
  const hasPressure = async (): Promise<boolean> => ((await readNode()).status?.conditions ?? []).some(({ type, status }) => type === 'DiskPressure' && status === 'True');
  const isTainted = async (): Promise<boolean> => ((await readNode()).spec?.taints ?? []).some(({ key }) => key === 'node.kubernetes.io/disk-pressure');

  /** Returns what makes room again. */
  const fillDisk = async (): Promise<() => Promise<void>> => {
    const empty = await fillDiskOf(rig().cluster, node().name, 64);
    const makeRoom = async (): Promise<void> => {
      await empty();
      await waitFor('room on the disk', patienceMs, async () => !(await hasPressure()) && !(await isTainted()));
    };
    onTestFinished(makeRoom);
    await waitFor('pressure on the disk', patienceMs, hasPressure);
    return makeRoom;
  };
  const evictedPods = async (name: string): Promise<string[]> => {
    const { items } = await rig().api.core.listNamespacedPod({ namespace: rig().namespace, labelSelector: `kaito.sh/workspace=${name}` });
    return items.filter(({ status }) => status?.phase === 'Failed' && status.reason === 'Evicted').map(({ metadata }) => metadata?.name ?? '');
  };
  const waitUntilEvicted = (name: string): Promise<boolean> => waitFor(`the eviction of ${name}`, patienceMs, async () => (await evictedPods(name)).length > 0);

  it('ends a server, and the same command serves again when there is room', async () => {
    const name = `s-${randomBytes(4).toString('hex')}`;
    onTestFinished(async () => void (await rig.run(['delete', name, '--timeout', '2m'])));
    const args = ['serve', name, '--preset', 'phi-3-mini', '--nodes', node().selector];
    const served = await rig.run([...args, '--timeout', '4m']);
    expect(served.exitCode, served.stderr).toBe(0);
    const makeRoom = await fillDisk();
    await waitUntilEvicted(name);
    expect(await statusOf(rig, name)).toMatchObject({ state: 'NotReady', why: expect.stringMatching(evicted), next: `kubectl describe node ${node().name}` });
    const late = await rig.run([...args, '--timeout', '3s']);
    expect(late.stderr).toMatch(/^error: The model server was not ready in 3s\.$/m);
    expect(late.stderr).toMatch(evicted);
    expect(late.exitCode).toBe(exitCodes.timeout);

    await makeRoom();
    const again = await rig.run([...args, '--timeout', '2m']);
    expect(again.exitCode, again.stderr).toBe(0);
    expect(await statusOf(rig, name)).toMatchObject({ state: 'Ready' });
    // They are left to the cluster, which clears them away when there are many.
    expect(await evictedPods(name)).not.toEqual([]);
  });

  it('ends the pod of a tuning, which begins anew by itself when there is room', async () => {
    const { name, args } = await aTuning(rig, node());
    const release = await addBehaviour(rig().registries, { podPrefix: name, behaviour: { at: 'step:2', do: 'hang' } });
    onTestFinished(release);
    const tuning = rig.start(args);
    await tuning.until('stderr', /step 1 of/);
    const makeRoom = await fillDisk();
    await tuning.until('stderr', evicted);
    await tuning.until('stderr', /is unschedulable: .*untolerated taint/);
    expect((await statusOf(rig, name)).why).toMatch(evicted);
    await release();
    await makeRoom();
    const { stdout, stderr, exitCode } = await tuning.ended;
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(/^adapter: .*@sha256:/m);
    expect(await statusOf(rig, name)).toMatchObject({ state: 'Succeeded' });
  });
});
