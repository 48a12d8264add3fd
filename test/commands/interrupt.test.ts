import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import { binary } from '../support/cli.ts';
import { useSandbox } from '../support/sandbox.ts';

const tune = ['tune', '--preset', 'phi-3-mini', '--method', 'qlora'];
const name = 'phi-3-mini-128k-instruct-qlora';

/** Starts a command and signals it as soon as its narration says so. */
const signalAt = async (environment: Record<string, string>, args: readonly string[], moment: RegExp, signal: 'SIGINT' | 'SIGTERM'): Promise<{ stderr: string; exitCode: number | undefined }> => {
  const running = execa(process.execPath, [binary, ...args], { env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...environment }, extendEnv: false, reject: false, timeout: 150_000, buffer: { stderr: true } });
  let told = '';
  let isSignalled = false;
  running.stderr.on('data', (text: Buffer) => {
    told += text.toString();
    if (isSignalled || !moment.test(told)) return;
    isSignalled = true;
    running.kill(signal);
  });
  const { stderr, exitCode } = await running;
  return { stderr, exitCode };
};

describe.each([
  ['while Azure adds the agent pool', /Azure's operation is/],
  ['while the pod trains', /the tuning Job: training/],
  ['while the agent pool is removed', /agent pool \w+ to go: /],
])('interrupted %s', (_, moment) => {
  const sandbox = useSandbox([], 200);

  it('says what goes on, and a second run brings it to its end', async () => {
    const interrupted = await signalAt(sandbox.environment(), tune, moment, 'SIGINT');
    expect(interrupted.stderr).toMatch(/^error: Interrupted\./m);
    expect(interrupted.stderr).toMatch(/this goes on without kaito-ts/);
    expect(interrupted.stderr).toMatch(/kaito-ts delete phi-3-mini-128k-instruct-qlora -n default/);
    expect(interrupted.exitCode).toBe(exitCodes.interrupted);

    const resumed = await sandbox.run(tune);
    expect(resumed.stderr).not.toMatch(/^error: /m);
    expect(resumed.stdout).toMatch(/^adapter: .*@sha256:/m);
    expect(resumed.exitCode).toBe(0);

    const { stdout } = await sandbox.run(['status', name, '-o', 'json']);
    expect(JSON.parse(stdout).items[0]).toMatchObject({ state: 'Succeeded', nodePool: { state: 'Removed' }, workerNodes: [] });
  });
});

describe('ended by SIGTERM', () => {
  const sandbox = useSandbox([], 200);

  it('exits as a program that was terminated, and delete leaves nothing behind', async () => {
    const { exitCode } = await signalAt(sandbox.environment(), tune, /the tuning Job: training/, 'SIGTERM');
    expect(exitCode).toBe(exitCodes.terminated);
    const { stderr, exitCode: deleted } = await sandbox.run(['delete', name]);
    expect(stderr).toMatch(/Remove agent pool/);
    expect(deleted).toBe(0);
    expect(JSON.parse((await sandbox.run(['status', '-A', '-o', 'json'])).stdout)).toEqual({ items: [] });
  });
});
