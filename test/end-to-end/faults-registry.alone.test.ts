import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import { addFault, setListening } from '../cluster/registries/control.ts';
import type { RunningCli } from '../support/running-cli.ts';
import { pullAdapterImage } from './adapter-image.ts';
import { type GpuNode, useGpuNode } from './gpu-node.ts';
import { useRig } from './rig.ts';
import { changedTemplate } from './templates.ts';
import { aTuning, statusOf, untilNoPodRuns } from './tunings.ts';

/** All registries at once, as when the network to them is down. Each command is held at a moment of its own until then. */
describe('registries that go away', { timeout: 400_000 }, () => {
  const [tuningNode, serverNode] = [useGpuNode({ gpuCount: 2 }), useGpuNode()];
  /** They have not pulled any image. */
  const [coldNode, otherColdNode] = [useGpuNode(), useGpuNode()];
  const rig = useRig();
  const server = `s-${randomBytes(4).toString('hex')}`;
  const refused = /connect: connection refused/;

  const schedule = async ({ name }: GpuNode, isAllowed: boolean): Promise<void> => {
    await rig().api.core.patchNode({ name, body: [{ op: 'add', path: '/spec/unschedulable', value: !isAllowed }] });
  };
  const serve = (name: string, node: GpuNode, ...more: string[]) => ['serve', name, '--preset', 'phi-3-mini', '--nodes', node.selector, ...more];
  const serveAdapter = () => serve(server, serverNode(), '--adapter', `style=${rig().registries.privateHost}/e2e-adapter:0.0.1`, '--adapter-secret', 'registry-credentials');

  beforeAll(async () => {
    const { stderr, exitCode } = await rig.run(serveAdapter());
    expect(exitCode, stderr).toBe(0);
  });

  it('lose no adapter, are named to whoever waits for them, and everything goes on when they are back', async ({ onTestFinished }) => {
    const { registries, namespace, api } = rig();
    const onAgain = () => setListening(registries, true);
    onTestFinished(onAgain);
    const withPauses = async (pauses: string): Promise<string[]> => ['--templates', await changedTemplate('scripts/push-adapter.sh', (text) => text.replace('for pause in 5 15 30 60 0', `for pause in ${pauses}`), onTestFinished)];
    /** In the middle of its push, which would take long. */
    const pushing = async (pauses: string) => {
      const tuning = await aTuning(rig, tuningNode(), { more: await withPauses(pauses) });
      const request = `^PATCH /v2/${namespace}/${tuning.name}/`;
      const faster = await addFault(registries, { host: registries.privateHost, request, delayMs: 600_000 });
      onTestFinished(faster);
      const running = rig.start(tuning.args, {}, onTestFinished);
      await running.until('stderr', /pushing the adapter/);
      return { ...tuning, running, faster };
    };
    /** Accepted, and its pod waits for a node that has no image yet. */
    const waiting = async (args: string[], node: GpuNode): Promise<RunningCli> => {
      await schedule(node, false);
      const running = rig.start(args, {}, onTestFinished);
      await running.until('stderr', /is unschedulable/);
      return running;
    };
    const [patient, impatient, coldTuning, coldServer] = await Promise.all([
      pushing(`${'3 '.repeat(100)}0`),
      pushing('1 0'),
      aTuning(rig, coldNode()).then(({ args }) => waiting(args, coldNode())),
      waiting(serve(`${server}-cold`, otherColdNode()), otherColdNode()),
    ]);

    await setListening(registries, false);
    await Promise.all([patient.faster(), impatient.faster(), schedule(coldNode(), true), schedule(otherColdNode(), true)]);
    await api.core.deleteCollectionNamespacedPod({ namespace, labelSelector: `kaito.sh/workspace=${server}` });

    // Short, for kubelets try again ever more seldom.
    const againServer = rig.start(serveAdapter(), {}, onTestFinished);
    const cannotPull = new RegExp(`container "[\\w-]+" image pull failed \\((ErrImagePull|ImagePullBackOff)\\): .*${refused.source}`);
    const [failed] = await Promise.all([
      impatient.running.ended,
      againServer.until('stderr', new RegExp(`container "adapter-style" .*${refused.source}`)),
      coldTuning.until('stderr', cannotPull),
      coldServer.until('stderr', cannotPull),
    ]);
    await onAgain();

    expect(failed.stderr).toMatch(new RegExp(`^error: Training succeeded, and the adapter could not be pushed\\.\\n {2}.*${impatient.name}.*cannot be pushed: .*${refused.source}`, 'm'));
    expect(failed.stdout).toBe('');
    expect(failed.exitCode).toBe(exitCodes.workloadFailed);
    await untilNoPodRuns(rig, impatient.name);
    expect(await statusOf(rig, impatient.name)).toMatchObject({ state: 'Failed', why: expect.stringMatching(/^PushFailed: .*connection refused/) });

    expect((await rig.run(['logs', patient.name, '-c', 'push'])).stdout).toMatch(/The push failed; trying again in 3 seconds\./);
    const pushed = await patient.running.ended;
    expect(pushed.exitCode, pushed.stderr).toBe(0);
    const [, image = ''] = /^adapter: (\S+?)(?::latest)?@sha256:[0-9a-f]{64}$/m.exec(pushed.stdout) ?? [];
    const [, digest] = /@(sha256:[0-9a-f]{64})$/m.exec(pushed.stdout) ?? [];
    expect((await pullAdapterImage(registries, `${image}@${digest}`)).adapterConfig).toMatchObject({ peft_type: 'LORA' });

    const [tuned, served, servedAgain, secondTry] = await Promise.all([coldTuning.ended, coldServer.ended, againServer.ended, rig.run(impatient.args)]);
    expect(tuned.exitCode, tuned.stderr).toBe(0);
    expect(served.exitCode, served.stderr).toBe(0);
    expect(secondTry.exitCode, secondTry.stderr).toBe(0);
    // A container that failed twice is not waited for, though the kubelet goes on trying.
    const lastly = servedAgain.exitCode === exitCodes.workloadFailed ? await rig.run(serveAdapter()) : servedAgain;
    expect(lastly.exitCode, lastly.stderr).toBe(0);
  });
});
