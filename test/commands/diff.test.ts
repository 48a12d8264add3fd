import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import { runCli } from '../support/cli.ts';
import { useSandbox } from '../support/sandbox.ts';

describe('diff', () => {
  const sandbox = useSandbox();
  const serve = ['--preset', 'phi-3-mini'];

  it('shows all that a first run would make, and makes nothing', async () => {
    const { stdout, stderr, exitCode } = await sandbox.run(['diff', ...serve]);
    expect(stdout.match(/^--- .*\n\+\+\+ .*$/gm)).toEqual(['ConfigMap/phi-3-mini-128k-instruct-kaito', 'Service/phi-3-mini-128k-instruct', 'Deployment/phi-3-mini-128k-instruct'].map((name) => `--- /dev/null\n+++ wanted/default/${name}`));
    expect(stderr).toMatch(/Add agent pool k\w+ \(1 x Standard_/);
    expect(exitCode).toBe(1);
    const cluster = await sandbox.cluster();
    expect([...(await cluster.list('Deployment')), ...(await cluster.list('Service')).filter(({ metadata }) => metadata.name !== 'kubernetes')]).toEqual([]);
  });

  it('shows nothing when nothing differs', async () => {
    expect((await sandbox.run(['serve', ...serve])).exitCode).toBe(0);
    const { stdout, exitCode } = await sandbox.run(['diff', ...serve]);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 0 });
    expect(JSON.parse((await sandbox.run(['diff', ...serve, '-o', 'json'])).stdout)).toEqual({ items: [] });
  });

  it('shows the lines that a flag would change', async () => {
    await (await sandbox.cluster()).apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'default' }, data: { 'inference_config.yaml': 'vllm: {}\n' } });
    const { stdout, exitCode } = await sandbox.run(['diff', ...serve, '--config', 'settings']);
    expect(stdout).toMatch(/^\+ +- --kaito-config-file=\/mnt\/config\/inference_config\.yaml$/m);
    expect(stdout).not.toMatch(/managedFields|resourceVersion|creationTimestamp|^[-+ ]status:|kaito-ts\/content/m);
    expect(exitCode).toBe(1);
    const lines = (await sandbox.run(['diff', ...serve, '--config', 'settings', '-o', 'ndjson'])).stdout.trimEnd().split('\n').map((line): unknown => JSON.parse(line));
    expect(lines).toMatchObject([{ kind: 'ConfigMap', change: 'change' }, { kind: 'Service' }, { kind: 'Deployment', name: 'phi-3-mini-128k-instruct', diff: expect.stringContaining('@@') }]);
  });

  it('knows by its record what a name alone means', async () => {
    const tuning = ['my-tuning', '--preset', 'phi-3-mini', '--method', 'qlora'];
    expect((await sandbox.run(['diff', 'phi-3-mini-128k-instruct'])).exitCode).toBe(0);
    expect((await sandbox.run(['diff', ...tuning])).stdout).toMatch(/^\+\+\+ wanted\/default\/Job\/my-tuning$/m);
    expect((await sandbox.run(['tune', ...tuning])).exitCode).toBe(0);
    expect((await sandbox.run(['diff', 'my-tuning'])).exitCode).toBe(0);
    expect((await sandbox.run(['diff', ...tuning, '--rank', '16'])).exitCode).toBe(exitCodes.conflict);
  });

  it('compares a Workspace file', async () => {
    const { stdout: input } = await runCli(['render', ...serve, '--as', 'workspace']);
    expect((await sandbox.run(['diff', '-f', '-'], { input })).exitCode).toBe(0);
    expect((await sandbox.run(['diff', '-f', '-'], { input: input.replace('metadata:', 'metadata:\n  annotations: {kaito.sh/enablelb: "True"}') })).stdout).toMatch(/^\+ +type: LoadBalancer$/m);
  });

  it.each([
    [['diff', '--preset', 'nonsense'], exitCodes.notFound],
    [['diff', '--preset', 'phi-3-mini', '--kubeconfig', '/nonexistent'], undefined],
  ])('%j ends above 1, for 1 says that something differs', async (args, expected) => {
    const { exitCode } = await sandbox.run(args);
    expect(exitCode).toBeGreaterThan(1);
    if (expected !== undefined) expect(exitCode).toBe(expected);
  });
});
