import { describe, expect, it } from 'vitest';
import type { Command, Context } from '../../src/cli/command.ts';
import { parseCommandLine } from '../../src/cli/program.ts';
import gc from '../../src/commands/gc.ts';
import { agentPoolTags } from '../../src/domain/agent-pool-tags.ts';
import { exitCodes } from '../../src/domain/errors.ts';
import type { Event } from '../../src/domain/event.ts';
import { agentPool, createFakeCloud, createFakeCluster } from '../support/fakes.ts';
import { createManualClock } from '../support/manual-clock.ts';
import { useSandbox } from '../support/sandbox.ts';
import { createFakeTerminal } from '../terminal/fake-terminal.ts';

const tuning = 'phi-3-mini-128k-instruct-qlora';
const server = 'phi-3-mini-128k-instruct';

interface Report {
  items: { pool: string; workspace: string; nodeCount: number; instanceType: string; why: string; pricePerHourUsd: number }[];
  kept: { workspace: string; why: string }[];
  withoutPool: { workspace: { name: string }; pool: string }[];
  deleted: string[];
}

/** The life of a pool that is forgotten: each test goes on from what the one before left. */
describe('agent pools that are left over', () => {
  const sandbox = useSandbox();
  const look = async (): Promise<{ report: Report; exitCode: number | undefined }> => {
    const { stdout, exitCode } = await sandbox.run(['gc', '-o', 'json']);
    return { report: JSON.parse(stdout), exitCode };
  };

  it('are none in a new cluster, and that is well', async () => {
    const { stdout, exitCode } = await sandbox.run(['gc']);
    expect({ stdout, exitCode }).toEqual({ stdout: 'No agent pool is left over.\n', exitCode: 0 });
  });

  it('are not those of a model that is served', async () => {
    expect((await sandbox.run(['serve', '--preset', 'phi-3-mini'])).exitCode).toBe(0);
    const { stdout, exitCode } = await sandbox.run(['gc', '--delete', '--yes']);
    expect({ stdout, exitCode }).toEqual({ stdout: 'No agent pool is left over. 1 of kaito-ts is in use.\n', exitCode: 0 });
    expect((await look()).report).toMatchObject({ items: [], kept: [{ workspace: server }] });
  });

  it('are those of a tuning that has ended, with what they cost', async () => {
    expect((await sandbox.run(['tune', '--preset', 'phi-3-mini', '--method', 'qlora', '--keep-nodes'])).exitCode).toBe(0);
    const { stdout, stderr, exitCode } = await sandbox.run(['gc']);
    expect(stdout).toMatch(/^POOL +WORKSPACE +NODES +INSTANCE TYPE +STATE +AGE +\$\/HOUR +WHY$/m);
    expect(stdout).toMatch(/^kphi3\w+ +default\/phi-3-mini-128k-instruct-qlora +1 +Standard_NV36ads_A10_v5 +Succeeded +\d+s +3\.20 +tuning phi-3-mini-128k-instruct-qlora has succeeded$/m);
    expect(stdout).not.toContain(`default/${server} `);
    expect(stderr).toMatch(/That saves about \$76\.80 a day/);
    expect(stderr).toMatch(/^hint: kaito-ts gc --delete$/m);
    expect(exitCode).toBe(exitCodes.failed);
  });

  it('are not deleted where nobody can be asked', async () => {
    const { stdout, stderr, exitCode } = await sandbox.run(['gc', '--delete']);
    expect(stderr).toMatch(/Nobody can be asked here/);
    expect(stderr).toMatch(/^hint: kaito-ts gc --delete --yes$/m);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: exitCodes.usage });
    expect((await look()).report.items).toHaveLength(1);
  });

  it('are those whose record was deleted by hand', async () => {
    const cluster = await sandbox.cluster();
    await cluster.delete('ConfigMap', `${tuning}-kaito`);
    const { report, exitCode } = await look();
    expect(report.items).toMatchObject([{ workspace: tuning, nodeCount: 1, why: `there is no workspace ${tuning} in namespace default` }]);
    expect(exitCode).toBe(exitCodes.failed);
  });

  it('are deleted with --delete --yes, and nothing else is', async () => {
    const { stdout, stderr, exitCode } = await sandbox.run(['gc', '--delete', '--yes']);
    expect(stderr).toMatch(/✓ \[1\/1\] Remove agent pool kphi3\w+ \(1 x Standard_NV36ads_A10_v5\)/);
    expect(stdout).toMatch(/^agent pool kphi3\w+ deleted$/m);
    expect(exitCode).toBe(0);
    expect(await look()).toMatchObject({ report: { items: [], kept: [{ workspace: server }], withoutPool: [] }, exitCode: 0 });
    expect((await sandbox.run(['chat', 'Hello'])).exitCode).toBe(0);
  });
});

describe('a login that may not read the cluster', () => {
  const sandbox = useSandbox(['not-logged-in']);

  it('is an error, not an empty list', async () => {
    const { stdout, stderr, exitCode } = await sandbox.run(['gc']);
    expect(stderr).toMatch(/AADSTS7000215/);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: exitCodes.access });
  });
});

describe('with somebody at the terminal', () => {
  const run = async (answer: boolean) => {
    const commands = new Map<string, Command>([['gc', gc]]);
    const parsed = await parseCommandLine(['gc', '--delete'], { version: '0', commands, columns: 80, write: () => {}, configuration: async () => ({ find: () => undefined }) });
    if (parsed.kind !== 'invocation') throw new Error('The command line was answered by itself.');
    const questions: string[] = [];
    const cloud = createFakeCloud([agentPool({ tags: agentPoolTags({ name: 'tuned', namespace: 'default' }) }), agentPool({ name: 'theirs' })]);
    cloud.succeed();
    const terminal: Context['terminal'] = {
      ...createFakeTerminal(),
      async confirm(question) {
        questions.push(question);
        return answer;
      },
    };
    const { command, input, globals } = parsed.invocation;
    const unneeded = () => Promise.reject(new Error('Nothing of the kind is needed.'));
    const context: Context = { terminal, clock: createManualClock(), signal: new AbortController().signal, environment: {}, globals, cluster: async () => createFakeCluster(), cloud: async () => cloud, hub: unneeded, presets: unneeded, templates: unneeded, program: { executable: 'node', arguments: [] } };
    const events: Event[] = [];
    for await (const event of command.run(input, context)) events.push(event);
    return { questions, pools: [...cloud.pools.keys()], exit: events.find(({ type }) => type === 'exit') };
  };

  it('asks with the names and the price, and deletes when the answer is yes', async () => {
    expect(await run(true)).toEqual({ questions: ['Delete agent pool kpool with all nodes? That saves about $76.80 a day at list prices.'], pools: ['theirs'], exit: undefined });
  });

  it('deletes nothing when it is no, and does not pretend that all is well', async () => {
    expect(await run(false)).toMatchObject({ pools: ['kpool', 'theirs'], exit: { exitCode: exitCodes.failed } });
  });
});
