import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import { useRig } from './rig.ts';
import { statusOf } from './tunings.ts';

const serve = ['serve', 'rented', '--preset', 'phi-3-mini'];

describe.each([
  { trouble: 'no quota', options: { faults: ['quota'] as const }, exitCode: exitCodes.quota, message: /quota/, asked: false },
  { trouble: 'no machines', options: { faults: ['capacity'] as const }, exitCode: exitCodes.capacity, message: /Azure has no free Standard_NV36ads_A10_v5 in eastus\.\n {2}Allocation failed\./, asked: true },
  { trouble: 'nodes that never become ready', options: { faults: ['pool-failed'] as const }, exitCode: exitCodes.failed, message: /did not become nodes that are ready/, asked: true },
])('an Azure that has $trouble', ({ options, exitCode, message, asked }) => {
  const rig = useRig({ ...options });

  it('says so in its own words, and leaves neither pool nor node', async () => {
    const { stdout, stderr, exitCode: code } = await rig.run(serve);
    expect(stderr).toMatch(new RegExp(`^error: .*${message.source}`, 'm'));
    expect(stderr).toMatch(/^hint: /m);
    expect(stdout).toBe('');
    expect(code, stderr).toBe(exitCode);
    expect(rig().azure.requests().some(({ method }) => method === 'PUT')).toBe(asked);
    expect(rig().azure.nodeNames()).toEqual([]);
    if (asked) expect(await statusOf(rig, 'rented')).toMatchObject({ nodePool: { state: 'Removed' }, workerNodes: [] });
    const garbage = await rig.run(['gc', '-o', 'json']);
    expect(garbage.exitCode, garbage.stderr).toBe(0);
    expect(garbage.stdout).not.toMatch(/krente/);
  });
});

describe('an Azure whose machines take long to start', () => {
  const { promise: mayJoin, resolve: letJoin } = Promise.withResolvers<void>();
  const rig = useRig({ mayJoin });

  it('is waited for as long as was allowed, its pool is told of, and the same command goes on', async () => {
    const late = await rig.run([...serve, '--node-timeout', '4s']);
    expect(late.stderr).toMatch(/^error: Waited 4s for agent pool /m);
    expect(late.stderr).toMatch(/^warning: Agent pool \w+ \(1 x Standard_NV36ads_A10_v5\) is still there and costs about \$3\.20 an hour\.$/m);
    expect(late.stderr).toMatch(new RegExp(`^hint: kaito-ts delete rented -n ${rig().namespace}$`, 'm'));
    expect(late.exitCode).toBe(exitCodes.timeout);
    expect(await statusOf(rig, 'rented')).toMatchObject({ nodePool: { state: 'Creating', pricePerHourUsd: 3.2 } });
    letJoin();
    const again = await rig.run([...serve, '--timeout', '4m']);
    expect(again.exitCode, again.stderr).toBe(0);
    expect(again.stderr).not.toMatch(/error: /);
    const pools = rig().azure.requests().filter(({ method, path }) => method === 'PUT' && path.includes('/agentPools/'));
    expect(pools).toHaveLength(1);
    const deleted = await rig.run(['delete', 'rented']);
    expect(deleted.exitCode, deleted.stderr).toBe(0);
    expect(rig().azure.nodeNames()).toEqual([]);
  });
});
