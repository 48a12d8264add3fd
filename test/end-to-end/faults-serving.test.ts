import { randomBytes } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import { waitFor } from '../cluster/real/waiting.ts';
import { addBehaviour } from '../cluster/registries/control.ts';
import { useGpuNode } from './gpu-node.ts';
import { useRig } from './rig.ts';
import { statusOf } from './tunings.ts';

describe('a server that cannot run', () => {
  const node = useGpuNode();
  const rig = useRig();

  const aServer = (...more: string[]): { name: string; args: string[] } => {
    const name = `s-${randomBytes(4).toString('hex')}`;
    onTestFinished(async () => void (await rig.run(['delete', name, '--timeout', '2m'])));
    return { name, args: ['serve', name, '--preset', 'phi-3-mini', '--nodes', node().selector, '--timeout', '4m', ...more] };
  };

  it('is not waited for when it crashes again and again, and serves when the same command comes after it was mended', async () => {
    const { name, args } = aServer();
    const mend = await addBehaviour(rig().registries, { podPrefix: name, behaviour: { at: 'start', do: 'exit', exitCode: 1, text: 'ValueError: No available memory for the cache blocks.\n' } });
    onTestFinished(mend);
    const { stdout, stderr, exitCode } = await rig.run(args);
    expect(stderr).toMatch(/container "s-\w+" is in CrashLoopBackOff; last termination: ValueError: No available memory for the cache blocks\./);
    expect(stderr).toMatch(new RegExp(`^hint: kaito-ts logs ${name} .*--previous`, 'm'));
    expect(stdout).toBe('');
    expect(exitCode).toBe(exitCodes.workloadFailed);
    expect((await statusOf(rig, name)).why).toMatch(/is in CrashLoopBackOff; last termination: ValueError: No available memory/);
    const release = await addBehaviour(rig().registries, { podPrefix: name, behaviour: { at: 'start', do: 'hang' } });
    onTestFinished(release);
    await mend();
    const again = rig.start(args);
    // A server that loads is not judged by its crashes of before.
    const runsAgain = /runs again after \d+ restarts; last termination: ValueError: No available memory/;
    await waitFor('the start after the back-off', 120_000, async () => runsAgain.test((await statusOf(rig, name)).why ?? ''));
    const asked = rig.start(['chat', name, 'Hello']);
    await asked.until('stderr', runsAgain);
    await release();
    const served = await again.ended;
    expect(served.exitCode, served.stderr).toBe(0);
    const answered = await asked.ended;
    expect(answered.exitCode, answered.stderr).toBe(0);
  });

  it('is not waited for when the kernel kills it for its memory', async () => {
    const { namespace, api } = rig();
    await api.core.createNamespacedLimitRange({ namespace, body: { metadata: { name: 'small' }, spec: { limits: [{ type: 'Container', _default: { memory: '192Mi' }, defaultRequest: { memory: '16Mi' } }] } } });
    onTestFinished(async () => void (await api.core.deleteNamespacedLimitRange({ namespace, name: 'small' })));
    const { name, args } = aServer();
    onTestFinished(await addBehaviour(rig().registries, { podPrefix: name, behaviour: { at: 'start', do: 'oom' } }));
    const { stderr, exitCode } = await rig.run(args);
    expect(stderr).toMatch(/container "s-\w+" was OOMKilled \(exit code 137\)/);
    expect(exitCode).toBe(exitCodes.workloadFailed);
  });

  it('is waited for while another holds the GPU, as long as was allowed', async () => {
    const { namespace, api } = rig();
    const holder = { name: 'holder', image: 'registry.k8s.io/pause:absent', resources: { limits: { 'nvidia.com/gpu': '1' } } };
    await api.core.createNamespacedPod({ namespace, body: { metadata: { name: 'holder' }, spec: { nodeName: node().name, containers: [holder], tolerations: [{ operator: 'Exists' }], terminationGracePeriodSeconds: 0 } } });
    onTestFinished(async () => void (await api.core.deleteNamespacedPod({ namespace, name: 'holder', gracePeriodSeconds: 0 })));
    const { name, args } = aServer('--timeout', '15s');
    const { stderr, exitCode } = await rig.run(args);
    expect(stderr).toMatch(/^error: The model server was not ready in 15s\.\n {2}pod "s-[\w-]+" is unschedulable: .*Insufficient nvidia\.com\/gpu/m);
    expect(exitCode).toBe(exitCodes.timeout);
    expect((await statusOf(rig, name)).why).toMatch(/is unschedulable: .*Insufficient nvidia\.com\/gpu/);
  });
});
