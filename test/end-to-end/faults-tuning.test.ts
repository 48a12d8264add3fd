import { PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import { addBehaviour, putFile } from '../cluster/registries/control.ts';
import { trainingRows } from './data.ts';
import { useGpuNode } from './gpu-node.ts';
import { useRig } from './rig.ts';
import { changedTemplate } from './templates.ts';
import { aTuning, statusOf, untilNoPodRuns } from './tunings.ts';

describe.concurrent('a tuning whose pod goes wrong', () => {
  const node = useGpuNode({ gpuCount: 4 });
  const rig = useRig();

  it.for([
    { what: 'answers 404', url: () => `https://${rig().registries.filesHost}/absent.jsonl`, fact: /absent\.jsonl cannot be downloaded: .* answers 404\.$/m },
    { what: 'has no host', url: () => 'https://nobody.kaito-ts.example/train.jsonl', fact: /curl: \(6\) Could not resolve host: nobody\.kaito-ts\.example$/m },
    { what: 'has no server', url: () => `http://${rig().registries.gateway}:9/train.jsonl`, fact: /curl: \(7\) Failed to connect to .* port 9/ },
  ])('names the address of a dataset that $what', async ({ url, fact }) => {
    const { name, args } = await aTuning(rig, node(), { url: url() });
    const { stdout, stderr, exitCode } = await rig.run(args);
    expect(stderr).toMatch(/^error: The dataset could not be fetched\.$/m);
    expect(stderr).toMatch(fact);
    expect(stderr).toMatch(/^hint: Check the address with: curl /m);
    expect(stdout).toBe('');
    expect(exitCode).toBe(exitCodes.workloadFailed);
    await untilNoPodRuns(rig, name);
  });

  it('says what the trainer says of a dataset that is cut off, and trains with it when it is whole', async () => {
    const { name, args } = await aTuning(rig, node());
    const file = args.at(-1)?.replace(/^.*\//, '') ?? '';
    await putFile(rig().registries, file, '{"messages": [{"role": "us');
    const failed = await rig.run(args);
    expect(failed.stderr).toMatch(/^error: Training failed\.\n {2}ValueError: Unable to load dataset \/mnt\/data\/.*\.jsonl with file type 'json'$/m);
    expect(failed.stderr).toMatch(/^hint: The dataset must be one csv, json, jsonl, parquet or arrow file\.$/m);
    expect(failed.exitCode).toBe(exitCodes.workloadFailed);
    expect(await statusOf(rig, name)).toMatchObject({ state: 'Failed', why: expect.stringContaining('Unable to load dataset'), next: `kaito-ts logs ${name}` });

    await putFile(rig().registries, file, trainingRows(10));
    const again = await rig.run(args);
    expect(again.exitCode, again.stderr).toBe(0);
    expect(again.stdout).toMatch(/^adapter: .*@sha256:/m);
    expect(await statusOf(rig, name)).toMatchObject({ state: 'Succeeded' });
  });

  it('says that the kernel killed the trainer for its memory', async ({ onTestFinished }) => {
    const { namespace, api } = rig();
    // The limit is the container's: whatever it takes, the machine has enough.
    await api.core.createNamespacedLimitRange({ namespace, body: { metadata: { name: 'small' }, spec: { limits: [{ type: 'Container', _default: { memory: '192Mi' }, defaultRequest: { memory: '16Mi' } }] } } });
    onTestFinished(async () => void (await api.core.deleteNamespacedLimitRange({ namespace, name: 'small' })));
    const { name, args } = await aTuning(rig, node());
    onTestFinished(await addBehaviour(rig().registries, { podPrefix: name, behaviour: { at: 'step:2', do: 'oom' } }));
    const { stderr, exitCode } = await rig.run(args);
    expect(stderr).toMatch(/container "tuner" was OOMKilled \(exit code 137\)/);
    expect(stderr).toMatch(/^hint: The machine ran out of memory, not the GPU: use a larger instance type/m);
    expect(exitCode).toBe(exitCodes.workloadFailed);
    expect(await statusOf(rig, name)).toMatchObject({ state: 'Failed', why: expect.stringMatching(/^ContainerOOMKilled: /) });
  });

  it.for([
    { what: 'does not exist', image: () => 'mcr.microsoft.com/aks/kaito/absent:1', fact: /mcr\.microsoft\.com\/aks\/kaito\/absent:1: not found/, hint: /^hint: The registry has no such image: check the name and the tag/m },
    { what: 'the nodes may not pull', image: () => `${rig().registries.privateHost}/e2e-adapter:0.0.1`, fact: /401 Unauthorized/, hint: /^hint: The registry refused: check the pull secret/m },
  ])('does not wait for an image that $what, and leaves no pod to ask for it', async ({ image, fact, hint }, { onTestFinished }) => {
    const { name, args } = await aTuning(rig, node(), { more: ['--templates', await changedTemplate('tuning/job.yaml', (text) => text.replace('image: ${images.base}', `image: ${image()}`), onTestFinished)] });
    const { stderr, exitCode } = await rig.run(args);
    expect(stderr).toMatch(/^error: Tuning failed\.\n {2}container "tuner" image pull failed \(/m);
    expect(stderr).toMatch(fact);
    expect(stderr).toMatch(hint);
    expect(exitCode).toBe(exitCodes.workloadFailed);
    await untilNoPodRuns(rig, name);
  });

  it('is not given up when its node turns a pod away, and goes on with the next', async ({ onTestFinished }) => {
    // No scheduler looks whether the pod fits: only the kubelet does.
    const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'tunings', operator: 'In', values: ['welcome'] }] }] } } };
    const misplace = (text: string): string => text.replace('      restartPolicy: Never\n', `$&      nodeName: ${node().name}\n      affinity: ${JSON.stringify(affinity)}\n`);
    const { args } = await aTuning(rig, node(), { more: ['--time-limit', '10m', '--templates', await changedTemplate('tuning/job.yaml', misplace, onTestFinished)] });
    const tuning = rig.start(args, {}, onTestFinished);
    await tuning.until('stderr', /failed on node \S+ \(NodeAffinity\): Pod was rejected: /);
    await rig().api.core.patchNode({ name: node().name, body: { metadata: { labels: { tunings: 'welcome' } } } }, setHeaderOptions('Content-Type', PatchStrategy.MergePatch));
    const { stdout, stderr, exitCode } = await tuning.ended;
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(/^adapter: .*@sha256:/m);
  });

  it('says that its time limit ended a training that hangs', async ({ onTestFinished }) => {
    const { name, args } = await aTuning(rig, node(), { more: ['--time-limit', '6s'] });
    onTestFinished(await addBehaviour(rig().registries, { podPrefix: name, behaviour: { at: 'step:2', do: 'hang' } }));
    const { stderr, exitCode } = await rig.run(args);
    expect(stderr).toMatch(/^error: Tuning reached its time limit and was stopped\.$/m);
    expect(stderr).toMatch(/^hint: Allow more with --time-limit/m);
    expect(exitCode).toBe(exitCodes.workloadFailed);
    await untilNoPodRuns(rig, name);
  });
});
