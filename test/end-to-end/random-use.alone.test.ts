import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import { addBehaviour, putFile } from '../cluster/registries/control.ts';
import { trainingRows } from './data.ts';
import { createRandom, type Random } from './random.ts';
import { useRig } from './rig.ts';

/** KAITO_TEST_RANDOM_SECONDS and KAITO_TEST_RANDOM_SEED repeat a longer run, or one that failed. */
const seconds = Number(process.env['KAITO_TEST_RANDOM_SECONDS'] ?? 45);
const seed = Number(process.env['KAITO_TEST_RANDOM_SEED'] ?? 20_261_124);
const users = 2;

/** Long enough for the quickest tuning to come to its end now and then. */
const longestRunMs = 20_000;

/** To say what goes on without it, and end. */
const farewellMs = 60_000;

const signals = ['SIGKILL', 'SIGKILL', 'SIGINT', 'SIGTERM'] as const;

describe('two people who use it at random and kill it at random points', () => {
  const rig = useRig({ speed: 400 });

  it(`never have a pool that nobody knows of, see no bug of ours, and are left with nothing after delete and gc (seed ${seed}, ${seconds} s)`, { timeout: (seconds + 600) * 1000 }, async () => {
    const dataset = await putFile(rig().registries, `${rig().namespace}.jsonl`, trainingRows(10));
    const undo = await addBehaviour(rig().registries, { role: 'trainer', behaviour: { stepMs: 300 } });
    const until = Date.now() + seconds * 1000;
    const seen: string[] = [];
    try {
      await Promise.all(Array.from({ length: users }, (_, user) => useAtRandom(createRandom(seed + user), { dataset, until, seen })));
    } finally {
      await undo();
    }
    await cleanUp();
    expect(await rig().azure.agentPools(), seen.join('\n')).toEqual([expect.objectContaining({ name: 'system' })]);
    expect(rig().azure.nodeNames()).toEqual([]);
    const { items: pods } = await rig().api.core.listNamespacedPod({ namespace: rig().namespace });
    expect(pods.map(({ metadata }) => metadata?.name)).toEqual([]);
    const ended = seen.filter((line) => line.endsWith(' ended with 0')).length;
    expect(ended, `nothing came to its end, so nothing was tried:\n${seen.join('\n')}`).toBeGreaterThan(0);
  });

  const useAtRandom = async (random: Random, { dataset, until, seen }: { dataset: string; until: number; seen: string[] }): Promise<void> => {
    while (Date.now() < until) {
      const args = random.pick(commands(dataset))();
      const patienceMs = Math.round(random.below(longestRunMs));
      const signal = random.pick(signals);
      const running = rig.start(args);
      const timer = new AbortController();
      const result = await Promise.race([running.ended, pause(patienceMs, undefined, { signal: timer.signal }).catch(() => undefined)]);
      timer.abort();
      if (result) {
        seen.push(`${args.join(' ')}: ended with ${result.exitCode}`);
        expect(result.exitCode, `${args.join(' ')}\n${result.stderr}`).not.toBe(exitCodes.bug);
      } else {
        running.signal(signal);
        const killedAt = Date.now();
        const { exitCode, stderr } = await running.ended;
        seen.push(`${args.join(' ')}: ${signal} after ${patienceMs} ms, ended with ${exitCode ?? signal}`);
        expect(Date.now() - killedAt, `${args.join(' ')} after ${signal} at ${patienceMs} ms (seed ${seed}):\n${stderr}`).toBeLessThan(farewellMs);
        expect(exitCode, `${args.join(' ')}\n${stderr}`).not.toBe(exitCodes.bug);
      }
      await expectEveryPoolToBeSeen(seen);
    }
  };

  const commands = (dataset: string): (() => string[])[] => [
    ...['lora', 'qlora'].map((method) => () => ['tune', `tuned-${method}`, '--preset', 'phi-3-mini', '--method', method, '--input-url', dataset]),
    ...['lora', 'qlora'].map((method) => () => ['delete', `tuned-${method}`]),
    () => ['serve', 'served', '--preset', 'phi-3-mini'],
    () => ['serve', 'served', '--preset', 'phi-3-mini', '--adapter', 'tuned-lora'],
    () => ['chat', 'served', 'Hello?'],
    () => ['delete', 'served'],
    () => ['status'],
    () => ['logs', 'tuned-lora', '-f'],
    () => ['gc', '--delete', '--yes'],
  ];

  /** By the record of its workspace; where two people have raced and one was killed, at least by `gc`. */
  const expectEveryPoolToBeSeen = async (seen: readonly string[]): Promise<void> => {
    const unseen = (await rig().azure.agentPools()).filter(({ name, provisioningState }) => name !== 'system' && provisioningState !== 'Deleting');
    if (unseen.length === 0) return;
    const { items } = await rig().api.core.listNamespacedConfigMap({ namespace: rig().namespace });
    const recorded = JSON.stringify(items.map(({ data }) => data));
    const unrecorded = unseen.filter(({ name }) => !recorded.includes(name));
    if (unrecorded.length === 0) return;
    const { stdout } = await rig.run(['gc', '-o', 'json']);
    // It may have gone meanwhile: the other one goes on.
    const left = new Set((await rig().azure.agentPools()).filter(({ provisioningState }) => provisioningState !== 'Deleting').map(({ name }) => name));
    expect(unrecorded.filter(({ name }) => left.has(name) && !stdout.includes(name)), [stdout, ...seen].join('\n')).toEqual([]);
  };

  /** As somebody who wants an end of it. */
  const cleanUp = async (): Promise<void> => {
    const { stdout } = await rig.run(['status', '-o', 'json']);
    const { items }: { items: { name: string }[] } = JSON.parse(stdout);
    for (const { name } of items) {
      const { exitCode, stderr } = await rig.run(['delete', name]);
      expect(exitCode, stderr).toBe(exitCodes.done);
    }
    const { exitCode, stderr } = await rig.run(['gc', '--delete', '--yes']);
    expect(exitCode, stderr).toBe(exitCodes.done);
  };
});
