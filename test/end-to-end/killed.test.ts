import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { addBehaviour, addFault, putFile } from '../cluster/registries/control.ts';
import { trainingRows } from './data.ts';
import { useRig } from './rig.ts';

interface Moment {
  when: string;
  /** What the command has narrated by then. */
  said: RegExp;
  /** Holds the cluster at that moment; the result lets it go on. */
  hold?: (name: string) => Promise<() => Promise<void>>;
}

/**
 * A tuning whose client is killed without a chance to clean up, and the same command again: it must end well, with one pool
 * and one Job in all, and leave nothing. Each moment has a workspace of its own, and they share an Azure.
 */
describe.concurrent('a tuning whose client is killed', () => {
  const rig = useRig({ joinDelayMs: 1500, leaveDelayMs: 3000 });

  const behave = (name: string, at: string) => addBehaviour(rig().registries, { podPrefix: name, behaviour: { at, do: 'hang' } });
  const moments: Moment[] = [
    { when: 'after the owner record', said: /✓ \[1\/\d\] Write the owner record/ },
    { when: 'while the pool is asked for', said: /\[2\/\d\] Add agent pool/ },
    { when: 'while the pool comes', said: /Azure's operation is InProgress/ },
    { when: 'while the node is awaited', said: /\[3\/\d\] Wait for/ },
    { when: 'after the Job was submitted', said: /✓ \[5\/\d\] Create Job/ },
    { when: 'while the weights are loaded', said: /the tuning Job: training/, hold: (name) => behave(name, 'loading') },
    { when: 'during training', said: /step 1 of 3/, hold: (name) => behave(name, 'step:3') },
    { when: 'during the push', said: /the tuning Job: pushing the adapter/, hold: (name) => addFault(rig().registries, { host: rig().registries.privateHost, request: `^PUT /v2/${rig().namespace}/${name}/manifests/`, status: 503 }) },
    { when: 'when the pool is about to be removed', said: /\[7\/\d\] Remove agent pool/ },
    { when: 'while the pool is removed', said: /agent pool \w+ to go: Azure's operation is/ },
  ];

  it.for(moments.map((moment, index) => ({ ...moment, name: `killed-${index}` })))('$when ends well when it is run again, with nothing double and nothing left', async ({ name, said, hold }, { onTestFinished: atTheEnd }) => {
    const { namespace, api, azure, registries } = rig();
    const unique = `${name}-${randomBytes(4).toString('hex')}`;
    const tune = ['tune', unique, '--preset', 'phi-3-mini', '--input-url', await putFile(registries, `${unique}.jsonl`, trainingRows(10))];
    const release = await hold?.(unique);
    if (release) atTheEnd(release);

    const first = rig.start(tune, {}, atTheEnd);
    await first.until('stderr', said);
    first.signal('SIGKILL');
    await first.ended;
    await release?.();

    const { stdout, stderr, exitCode } = await rig.run(tune);
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(/^adapter: \S+@sha256:[0-9a-f]{64}$/m);

    const { items: jobs } = await api.batch.listNamespacedJob({ namespace, labelSelector: `kaito.sh/workspace=${unique}` });
    expect(jobs.map(({ status }) => status?.succeeded)).toEqual([1]);
    const record = JSON.parse((await rig.run(['status', unique, '-o', 'json'])).stdout).items[0];
    expect(record).toMatchObject({ state: 'Succeeded', nodePool: { state: 'Removed' } });
    const made = azure.requests().filter(({ method, path, status }) => method === 'PUT' && path.includes(`/agentPools/${record.nodePool.name}`) && status < 300);
    expect(made).toHaveLength(1);
    expect(azure.nodeNames().filter((node) => node.includes(record.nodePool.name))).toEqual([]);
  });
});
