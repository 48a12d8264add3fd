import { spawnSync } from 'node:child_process';
import { request } from 'node:http';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { useSandbox } from '../support/sandbox.ts';

const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;

/** kubectl is a client that this project did not write: what it shows of the sandbox is what a user of a cluster would see. */
describe.skipIf(!hasKubectl)('kubectl against the sandbox (needs kubectl)', () => {
  const sandbox = useSandbox();
  const kubectl = async (...args: string[]): Promise<string> => {
    const { stdout } = await execa('kubectl', args, { env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...sandbox.environment() }, extendEnv: false, timeout: 150_000 });
    return stdout;
  };

  it('shows what serving has made', async () => {
    expect((await sandbox.run(['serve', '--preset', 'phi-3-mini'])).exitCode).toBe(0);
    expect(await kubectl('get', 'pods')).toMatch(/^NAME +READY +STATUS +RESTARTS +AGE\nphi-3-mini-128k-instruct-\S+ +1\/1 +Running +0 /);
    expect(await kubectl('get', 'nodes', '-L', 'kaito.sh/workspace')).toMatch(/aks-k\w+-\d+-vmss000000 +Ready .*phi-3-mini-128k-instruct/);
    expect(await kubectl('get', 'deployment,service', '-l', 'kaito.sh/workspace=phi-3-mini-128k-instruct', '-o', 'name')).toBe('deployment.apps/phi-3-mini-128k-instruct\nservice/phi-3-mini-128k-instruct');
  });

  it('describes the pod with its events', async () => {
    const text = await kubectl('describe', 'pods', '-l', 'kaito.sh/workspace=phi-3-mini-128k-instruct');
    expect(text).toMatch(/Image: +mcr\.microsoft\.com\/aks\/kaito\/kaito-base:0\.5\.0/);
    expect(text).toMatch(/nvidia\.com\/gpu: +1/);
    // In any order: kubectl sorts by whole seconds, and not stably. A warning of the time before there was a node may stand among them.
    for (const reason of ['Scheduled', 'Pulling', 'Pulled', 'Started']) expect(text).toMatch(new RegExp(`Normal +${reason} `));
  });

  it('waits for a condition, and follows a log to the end of its tail', async () => {
    expect(await kubectl('wait', '--for=condition=Available', 'deployment/phi-3-mini-128k-instruct', '--timeout=20s')).toMatch(/condition met/);
    expect(await kubectl('logs', 'deployment/phi-3-mini-128k-instruct', '--tail=200')).toMatch(/Starting vLLM server on http:\/\/0\.0\.0\.0:5000/);
  });

  it('forwards a port to the model server', async () => {
    const forward = execa('kubectl', ['port-forward', 'service/phi-3-mini-128k-instruct', ':80'], { env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...sandbox.environment() }, extendEnv: false, reject: false });
    const port = await new Promise<string>((resolve) => {
      forward.stdout.on('data', (text: Buffer) => {
        const found = /127\.0\.0\.1:(\d+)/.exec(text.toString())?.[1];
        if (found !== undefined) resolve(found);
      });
    });
    const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
    request(`http://127.0.0.1:${port}/health`, (response) => resolve(response.resume().statusCode)).on('error', reject).end();
    expect(await promise).toBe(200);
    forward.kill();
    await forward;
  });

  it('follows the log of a tuning while it trains', async () => {
    // The nodes stay, or a slow kubectl would find the pod gone with them.
    const tuning = sandbox.run(['tune', '--preset', 'phi-3-mini', '--method', 'qlora', '--keep-nodes']);
    await expect.poll(async () => await kubectl('get', 'pods', '-l', 'batch.kubernetes.io/job-name', '-o', 'name'), { timeout: 120_000 }).not.toBe('');
    await expect.poll(async () => await kubectl('logs', '-f', 'job/phi-3-mini-128k-instruct-qlora', '-c', 'tuner').catch(() => ''), { timeout: 120_000 }).toMatch(/'train_loss': '/);
    expect((await tuning).exitCode).toBe(0);
    expect(await kubectl('get', 'jobs')).toMatch(/phi-3-mini-128k-instruct-qlora +Complete +1\/1/);
  });
});
