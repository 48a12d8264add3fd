import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import { addBehaviour } from '../cluster/registries/control.ts';
import { useRig } from './rig.ts';

interface Moment {
  when: string;
  /** What the command has narrated by then. */
  said: RegExp;
}

describe.concurrent('a serve whose client goes away', () => {
  const rig = useRig({ joinDelayMs: 1000 });
  const moments: Moment[] = [
    { when: 'after the owner record', said: /✓ \[1\/\d\] Write the owner record/ },
    { when: 'while the pool comes', said: /Azure's operation is InProgress/ },
    { when: 'between its objects', said: /✓ \[\d\/\d\] Create Deployment/ },
    { when: 'while the server loads', said: /loading the weights/ },
  ];

  it.for(moments.map((moment, index) => ({ ...moment, name: `gone-${index}` })))('killed $when, is answered by the same command again, with nothing double', async ({ name, said }, { onTestFinished }) => {
    const { namespace, api, azure, registries } = rig();
    const unique = `${name}-${namespace}`;
    const serve = ['serve', unique, '--preset', 'phi-3-mini'];
    onTestFinished(await addBehaviour(registries, { podPrefix: unique, behaviour: { loadMs: 3000 } }));

    const first = rig.start(serve, {}, onTestFinished);
    await first.until('stderr', said);
    first.signal('SIGKILL');
    await first.ended;

    const { stdout, stderr, exitCode } = await rig.run(serve);
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(/^endpoint: /m);
    expect(await madePools(unique)).toHaveLength(1);
    const { items: pods } = await api.core.listNamespacedPod({ namespace, labelSelector: `kaito.sh/workspace=${unique}` });
    expect(pods.map(({ status }) => status?.phase)).toEqual(['Running']);

    const deletion = await rig.run(['delete', unique]);
    expect(deletion.exitCode, deletion.stderr).toBe(0);
    expect((await azure.agentPools()).filter(({ tags }) => JSON.stringify(tags).includes(unique))).toEqual([]);
  });

  it.for([['SIGINT', exitCodes.interrupted] as const, ['SIGTERM', exitCodes.terminated] as const])('that gets %s says what goes on and costs money, and how to end it', async ([signal, expected], { onTestFinished }) => {
    const name = `told-${signal.toLowerCase()}`;
    const running = rig.start(['serve', name, '--preset', 'phi-3-mini'], {}, onTestFinished);
    await running.until('stderr', /Azure's operation is InProgress/);
    running.signal(signal);
    const { stdout, stderr, exitCode } = await running.ended;
    expect(exitCode).toBe(expected);
    expect(stdout).toBe('');
    expect(stderr).toMatch(signal === 'SIGINT' ? /^error: Interrupted\.$/m : /^error: Terminated\.$/m);
    expect(stderr).toMatch(/this goes on without kaito-ts\..*costs about \$\d+\.\d\d an hour until it is removed\./);
    expect(stderr).toContain(`hint: kaito-ts delete ${name} -n ${rig().namespace}   # undo`);

    const { exitCode: deleted, stderr: told } = await rig.run(['delete', name]);
    expect(deleted, told).toBe(0);
    expect((await rig.run(['status', name])).exitCode).toBe(exitCodes.notFound);
  });

  /** PUTs of the workspace's pool that Azure took. */
  const madePools = async (name: string) => {
    const { items } = JSON.parse((await rig.run(['status', name, '-o', 'json'])).stdout) as { items: { nodePool: { name: string } }[] };
    return rig().azure.requests().filter(({ method, path, status }) => method === 'PUT' && status < 300 && path.includes(`/agentPools/${items[0]?.nodePool.name}?`));
  };
});
