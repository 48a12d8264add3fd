import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import { addFault } from '../cluster/registries/control.ts';
import type { Fault } from '../cluster/registries/front/faults.ts';
import { useGpuNode } from './gpu-node.ts';
import { useRig } from './rig.ts';
import { aTuning, statusOf, untilNoPodRuns } from './tunings.ts';

describe.concurrent('an adapter that cannot be pushed', () => {
  const node = useGpuNode({ gpuCount: 4 });
  const rig = useRig();

  /** Of the push itself: what is asked before the nodes come begins an upload, and no more. */
  const breakPush = (name: string, fault: Omit<Fault, 'host' | 'request'>): Promise<() => Promise<void>> =>
    addFault(rig().registries, { host: rig().registries.privateHost, request: `^(PATCH|PUT) /v2/${rig().namespace}/${name}/`, ...fault });

  const textOf = async (name: string): Promise<string> => (await rig.run(['logs', name, '-c', 'push'])).stdout;

  it.for([
    { fault: { status: 403, code: 'DENIED', message: 'requested access to the resource is denied' }, fact: /denied: requested access to the resource is denied/ },
    { fault: { status: 401, code: 'UNAUTHORIZED', message: 'authentication required' }, fact: /unauthorized: authentication required/ },
  ])('says what the registry says when it answers $fault.status, holds the GPU for one more try and no longer, and pushes when it is asked again', async ({ fault, fact }, { onTestFinished }) => {
    const { name, args } = await aTuning(rig, node());
    const mend = await breakPush(name, fault);
    onTestFinished(mend);
    const failed = await rig.run(args);
    expect(failed.stderr).toMatch(/^error: Training succeeded, and the adapter could not be pushed\.$/m);
    expect(failed.stderr).toMatch(fact);
    expect(failed.stderr).toMatch(/^hint: The registry refused: /m);
    expect(failed.exitCode).toBe(exitCodes.workloadFailed);
    await untilNoPodRuns(rig, name);
    expect(await statusOf(rig, name)).toMatchObject({ state: 'Failed', why: expect.stringMatching(/^PushFailed: /) });
    expect((await textOf(name)).match(/^The push failed; trying again in \d+ seconds\.$/gm)).toEqual(['The push failed; trying again in 5 seconds.']);
    await mend();
    const again = await rig.run(args);
    expect(again.exitCode, again.stderr).toBe(0);
  });

  it.for<{ what: string; fault: Omit<Fault, 'host' | 'request'> }>([
    { what: 'is busy for a while', fault: { status: 429, code: 'TOOMANYREQUESTS', message: 'too many requests', times: 2 } },
    { what: 'goes away in the middle', fault: { cutAfterBytes: 100, times: 2 } },
    { what: 'is out of order for a while', fault: { status: 503, code: 'UNAVAILABLE', message: 'out of order', times: 2 } },
  ])('is pushed all the same when the registry $what', async ({ fault }, { onTestFinished }) => {
    const { name, args } = await aTuning(rig, node());
    onTestFinished(await breakPush(name, fault));
    const { stdout, stderr, exitCode } = await rig.run(args);
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(new RegExp(`^adapter: .*/${name}:latest@sha256:[0-9a-f]{64}$`, 'm'));
  });

  it('is told of before anything is written when the credentials may only pull', async () => {
    const { registries, namespace, api } = rig();
    const { reader } = registries.users;
    const secret = { auths: { [registries.privateHost]: { username: reader.name, password: reader.password } } };
    await api.core.createNamespacedSecret({ namespace, body: { metadata: { name: 'reader' }, type: 'kubernetes.io/dockerconfigjson', stringData: { '.dockerconfigjson': JSON.stringify(secret) } } });
    const { name, args } = await aTuning(rig, node(), { more: ['--output-image-secret', 'reader'] });
    const { stderr, exitCode } = await rig.run(args);
    expect(stderr).toMatch(/^error: The registry refuses a push to /m);
    expect(stderr).toMatch(/401: authentication required/);
    expect(stderr).toMatch(/^hint: Check the credentials in Secret reader/m);
    expect(exitCode).toBe(exitCodes.preflightRefused);
    expect((await api.core.listNamespacedConfigMap({ namespace, labelSelector: `kaito.sh/workspace=${name}` })).items).toEqual([]);
  });
});
