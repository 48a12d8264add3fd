import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import { startComponent, stopComponent } from '../cluster/real/components.ts';
import { startNode, stopNode } from '../cluster/real/nodes.ts';
import { ownCluster } from '../cluster/real/the-cluster.ts';
import { waitFor } from '../cluster/real/waiting.ts';
import { addBehaviour } from '../cluster/registries/control.ts';
import { type GpuNode, useGpuNode } from './gpu-node.ts';
import { useRig } from './rig.ts';
import { aTuning, statusOf } from './tunings.ts';

type AtTheEnd = (end: () => void | Promise<void>) => void;

/** Another machine in the place of one that is gone. */
const startSuccessor = async ({ name }: GpuNode, atTheEnd: AtTheEnd): Promise<void> => {
  const successor = `${name}-2`;
  atTheEnd(() => stopNode(ownCluster(), successor));
  await startNode(ownCluster(), { name: successor, gpuCount: 1, labels: { owner: name, 'nvidia.com/gpu.memory': '24576' }, taints: [{ key: 'sku', value: 'gpu', effect: 'NoSchedule' }] });
};

const notAnswering = ({ name }: GpuNode): RegExp => new RegExp(`node ${name} is NotReady since .*: Kubelet stopped posting node status`);
const gone = ({ name }: GpuNode, pod: string): RegExp => new RegExp(`node ${name} is gone, and pod "${pod}-[\\w-]+" is lost with it`);

describe.concurrent('a tuning whose node is lost', { timeout: 400_000 }, () => {
  const silentNode = useGpuNode();
  const goneNode = useGpuNode();
  const rig = useRig();

  /** It stays at its fourth step until it is released. */
  const startTuning = async (node: GpuNode, atTheEnd: AtTheEnd) => {
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
    const told = notAnswering(node);
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
    const told = gone(node, name);
    await tuning.until('stderr', told);
    expect(await statusOf(rig, name)).toMatchObject({ why: expect.stringMatching(told), next: 'kubectl get nodes' });
    // The Job takes the pod for disrupted, not for failed, and makes another.
    await tuning.until('stderr', /pod "\S+" is unschedulable/);

    await release();
    await startSuccessor(node, onTestFinished);
    const { stdout, stderr, exitCode } = await tuning.ended;
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(/^adapter: .*@sha256:/m);
  });
});

describe.concurrent('a server whose node is lost', { timeout: 400_000 }, () => {
  const [loadingNode, silentNode, goneNode] = [useGpuNode(), useGpuNode(), useGpuNode()];
  const rig = useRig();

  const aServer = (node: GpuNode): { name: string; args: string[] } => {
    const name = `s-${randomBytes(4).toString('hex')}`;
    return { name, args: ['serve', name, '--preset', 'phi-3-mini', '--nodes', node.selector] };
  };
  const served = async (node: GpuNode): Promise<{ name: string; args: string[] }> => {
    const server = aServer(node);
    const { stderr, exitCode } = await rig.run(server.args);
    expect(exitCode, stderr).toBe(0);
    return server;
  };
  const untilState = (name: string, state: string) =>
    waitFor(`${name} to be ${state}`, 120_000, async () => {
      const status = await statusOf(rig, name);
      return status.state === state && status;
    });

  it('while it loads is awaited on the node that takes its place', async ({ onTestFinished }) => {
    const node = loadingNode();
    const { name, args } = aServer(node);
    const release = await addBehaviour(rig().registries, { podPrefix: name, behaviour: { at: 'loading', do: 'hang' } });
    onTestFinished(release);
    const serving = rig.start(args, {}, onTestFinished);
    await serving.until('stderr', /loading the weights/);
    await stopNode(rig().cluster, node.name);
    await serving.until('stderr', gone(node, name));
    expect(await statusOf(rig, name)).toMatchObject({ state: 'Pending', why: expect.stringMatching(gone(node, name)) });

    await release();
    await startSuccessor(node, onTestFinished);
    const { stdout, stderr, exitCode } = await serving.ended;
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(/^endpoint: /m);
  });

  it('says so while the kubelet does not answer, and serves when it does again', async () => {
    const node = silentNode();
    const { name, args } = await served(node);
    await stopComponent(rig().cluster, `kubelet:${node.name}`);
    expect(await untilState(name, 'NotReady')).toMatchObject({ why: expect.stringMatching(notAnswering(node)), next: `kubectl describe node ${node.name}` });
    const refused = await rig.run(args);
    expect(refused.stderr).toMatch(new RegExp(`^error: No Ready node with labels .*\\n {2}${node.name}: not Ready`, 'm'));
    expect(refused.exitCode).toBe(exitCodes.preflightRefused);

    await startComponent(rig().cluster, `kubelet:${node.name}`);
    const { stderr, exitCode } = await rig.run(args);
    expect(exitCode, stderr).toBe(0);
    await untilState(name, 'Ready');
  });

  it('says so when the node is gone, and the same command serves on the one that takes its place', async ({ onTestFinished }) => {
    const node = goneNode();
    const { name, args } = await served(node);
    await stopNode(rig().cluster, node.name);
    expect(await untilState(name, 'NotReady')).toMatchObject({ why: expect.stringMatching(gone(node, name)), next: 'kubectl get nodes' });
    await startSuccessor(node, onTestFinished);
    const { stdout, stderr, exitCode } = await rig.run(args);
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(/^endpoint: /m);
    expect(await statusOf(rig, name)).toMatchObject({ state: 'Ready', workerNodes: [`${node.name}-2`] });
    const { stdout: answer } = await rig.run(['chat', name, 'Hello']);
    expect(answer).toMatch(/the last: Hello/);
  });
});
