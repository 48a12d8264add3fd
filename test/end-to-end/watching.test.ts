import { describe, expect, it } from 'vitest';
import { addBehaviour, putFile } from '../cluster/registries/control.ts';
import { trainingRows } from './data.ts';
import { useGpuNode } from './gpu-node.ts';
import { useRig } from './rig.ts';

/** States in the order in which `status -w` showed them, each once in a row. */
const statesIn = (shown: string): string[] => [...shown.matchAll(/"state":\s*"(\w+)"/g)].map(([, state = '']) => state).filter((state, index, all) => state !== all[index - 1]);

describe.concurrent('whoever watches', () => {
  const [node, servers] = [useGpuNode({ gpuCount: 2 }), useGpuNode()];
  const rig = useRig();
  const status = async (name: string) => JSON.parse((await rig.run(['status', name, '-o', 'json'])).stdout).items[0];

  it('a tuning sees each state and each line of its log, once, and the end of both', async ({ onTestFinished }) => {
    const name = `seen-${rig().namespace}`;
    const release = await addBehaviour(rig().registries, { podPrefix: name, behaviour: { at: 'step:3', do: 'hang' } });
    onTestFinished(release);
    const tune = rig.start(['tune', name, '--preset', 'phi-3-mini', '--nodes', node().selector, '--input-url', await putFile(rig().registries, `${name}.jsonl`, trainingRows(10))], {}, onTestFinished);
    await tune.until('stderr', /✓ .*Write the owner record/);
    const watching = rig.start(['status', name, '-w', '-o', 'ndjson'], {}, onTestFinished);
    await tune.until('stderr', /step 1 of 3/);

    expect(await status(name)).toMatchObject({ state: 'Running', why: expect.stringMatching(/./), conditions: expect.arrayContaining([expect.objectContaining({ type: 'JobStarted', status: 'True' })]) });
    const logs = rig.start(['logs', name, '-f'], {}, onTestFinished);
    await logs.until('stdout', /'loss'/);
    await release();

    const { stdout, exitCode } = await logs.ended;
    expect(exitCode).toBe(0);
    expect(stdout.match(/^\{'loss'/gm)).toHaveLength(3);
    expect(stdout).toMatch(/'train_loss'/);
    expect((await tune.ended).exitCode).toBe(0);
    await watching.until('stdout', /"state":\s*"Succeeded"/);
    watching.signal('SIGINT');
    // Before the first look it may run already.
    expect(statesIn((await watching.ended).stdout).filter((state) => state !== 'Pending')).toEqual(['Running', 'Succeeded']);
  });

  it('a tuning that fails sees why, with the end of its log', async () => {
    const name = `failing-${rig().namespace}`;
    const { exitCode, stderr } = await rig.run(['tune', name, '--preset', 'phi-3-mini', '--nodes', node().selector, '--input-url', await putFile(rig().registries, `${name}.jsonl`, '{"text": "no chat"}\n'.repeat(10))]);
    expect(stderr).toMatch(/^error: Training failed\.$/m);
    expect(exitCode).toBe(8);
    expect(await status(name)).toMatchObject({ state: 'Failed', conditions: expect.arrayContaining([expect.objectContaining({ type: 'WorkspaceSucceeded', status: 'False' })]) });
    expect((await rig.run(['logs', name])).stdout).toMatch(/KeyError: None/);
  });

  it('a server sees it come, go with its pod, and come back', async ({ onTestFinished }) => {
    const name = `served-${rig().namespace}`;
    // It loads for as long as nobody has seen that it does.
    const load = () => addBehaviour(rig().registries, { podPrefix: name, behaviour: { at: 'loading', do: 'hang' } });
    let loaded = await load();
    onTestFinished(() => loaded());
    const serve = rig.start(['serve', name, '--preset', 'phi-3-mini', '--nodes', servers().selector], {}, onTestFinished);
    await serve.until('stderr', /✓ .*Write the owner record/);
    const watching = rig.start(['status', name, '-w', '-o', 'ndjson'], {}, onTestFinished);
    await watching.until('stdout', /"state":\s*"Pending"/);
    await loaded();
    await serve.ended;
    await watching.until('stdout', /"state":\s*"Ready"/);
    loaded = await load();
    await rig().api.core.deleteCollectionNamespacedPod({ namespace: rig().namespace, labelSelector: `kaito.sh/workspace=${name}` });
    await watching.until('stdout', /"state":\s*"NotReady"/);
    await loaded();
    await watching.until('stdout', /"state":\s*"NotReady"[^]*"state":\s*"Ready"/);
    watching.signal('SIGINT');
    expect(statesIn((await watching.ended).stdout)).toEqual(['Pending', 'Ready', 'NotReady', 'Ready']);
  });
});
