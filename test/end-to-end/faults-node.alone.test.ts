import { describe, expect, it } from 'vitest';
import { startComponent, stopComponent } from '../cluster/real/components.ts';
import { startNode, stopNode } from '../cluster/real/nodes.ts';
import { addBehaviour } from '../cluster/registries/control.ts';
import { type GpuNode, useGpuNode } from './gpu-node.ts';
import { useRig } from './rig.ts';
import { aTuning, statusOf } from './tunings.ts';

describe.concurrent('a tuning whose node is lost', () => {
  const silentNode = useGpuNode();
  const goneNode = useGpuNode();
  const rig = useRig();

  /** It stays at its fourth step until it is released. */
  const startTuning = async (node: GpuNode, atTheEnd: (end: () => void | Promise<void>) => void) => {
    const { name, args } = await aTuning(rig, node, { rows: 40, more: ['--time-limit', '5m'] });
    const release = await addBehaviour(rig().registries, { podPrefix: name, behaviour: { at: 'step:4', do: 'hang' } });
    atTheEnd(release);
    const tuning = rig.start(args, {}, atTheEnd);
    await tuning.until('stderr', /step 1 of/);
    return { name, tuning, release };
  };

  it('says that the kubelet does not answer, and ends well when it does again', async ({ onTestFinished }) => {
    const node = silentNode();
    const { name, tuning, release } = await startTuning(node, onTestFinished);
    await stopComponent(rig().cluster, `kubelet:${node.name}`);
    const told = new RegExp(`node ${node.name} is NotReady since .*: Kubelet stopped posting node status`);
    await tuning.until('stderr', told);
    expect(await statusOf(rig, name)).toMatchObject({ why: expect.stringMatching(told), next: `kubectl describe node ${node.name}` });

    await startComponent(rig().cluster, `kubelet:${node.name}`);
    await release();
    const { stdout, stderr, exitCode } = await tuning.ended;
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(/^adapter: .*@sha256:/m);
  });

  it('says that the node is gone, and trains anew on the one that takes its place', async ({ onTestFinished }) => {
    const node = goneNode();
    const { cluster } = rig();
    const { name, tuning, release } = await startTuning(node, onTestFinished);
    await stopNode(cluster, node.name);
    const told = new RegExp(`node ${node.name} is gone, and pod "${name}-\\w+" is lost with it`);
    await tuning.until('stderr', told);
    expect(await statusOf(rig, name)).toMatchObject({ why: expect.stringMatching(told), next: 'kubectl get nodes' });
    // The Job takes the pod for disrupted, not for failed, and makes another.
    await tuning.until('stderr', /pod "\S+" is unschedulable/);

    await release();
    const successor = `${node.name}-2`;
    onTestFinished(() => stopNode(cluster, successor));
    await startNode(cluster, { name: successor, gpuCount: 1, labels: { owner: node.name, 'nvidia.com/gpu.memory': '24576' }, taints: [{ key: 'sku', value: 'gpu', effect: 'NoSchedule' }] });
    const { stdout, stderr, exitCode } = await tuning.ended;
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(/^adapter: .*@sha256:/m);
  });
});
