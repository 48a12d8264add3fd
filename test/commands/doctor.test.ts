import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import type { Requirement } from '../../src/domain/requirement.ts';
import { runCli } from '../support/cli.ts';
import { useSandbox } from '../support/sandbox.ts';

describe('a cluster in order', () => {
  const sandbox = useSandbox();

  it('passes with one line for each requirement', async () => {
    const { stdout, stderr, exitCode } = await sandbox.run(['doctor']);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.slice(0, -1).map((line) => /^✓ ([\w-]+) +\S/.exec(line)?.[1])).toEqual([
      'kubeconfig', 'kubernetes', 'permissions', 'azure-login', 'aks-cluster', 'node-auto-provisioning', 'gpu-quota', 'storage-class', 'gpu-nodes', 'device-plugin', 'gpu-provisioner', 'registry',
    ]);
    expect(lines.at(-1)).toBe('12 hold, 0 do not, 0 could not be asked.');
    expect(stdout).toMatch(/^✓ registry +127\.0\.0\.1:\d+\/kaito accepts a push$/m);
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  });

  it('is the same as JSON, and as a stream of it', async () => {
    const [json, ndjson] = await Promise.all([sandbox.run(['doctor', '-o', 'json']), sandbox.run(['doctor', '-o', 'ndjson'])]);
    const { items }: { items: Requirement[] } = JSON.parse(json.stdout);
    expect(items).toHaveLength(12);
    expect(items[0]).toEqual({ what: 'kubeconfig', verdict: 'passed', fact: expect.stringContaining('context sandbox of ') });
    expect(ndjson.stdout.trimEnd().split('\n').map((line) => JSON.parse(line))).toEqual(items);
  });

  it('needs GPU nodes of its own with --provisioner byo, and no Azure', async () => {
    const { stdout, exitCode } = await sandbox.run(['doctor', '--provisioner', 'byo'], { environment: { AZURE_CLIENT_SECRET: 'wrong' } });
    expect(stdout).not.toMatch(/azure|quota/);
    expect(stdout).toMatch(/^✗ gpu-nodes +none of 1 nodes is Ready with nvidia\.com\/gpu allocatable\n +hint: Add GPU nodes/m);
    expect(exitCode).toBe(exitCodes.preflightRefused);
  });

  it('gets no second device plugin', async () => {
    const { stderr, exitCode } = await sandbox.run(['doctor', '--install-device-plugin']);
    expect(stderr).toMatch(/There is a device plugin already: DaemonSet kube-system\/nvidia-device-plugin-daemonset/);
    expect(exitCode).toBe(0);
  });

  it('misses the device plugin when it is gone, and installs it when told to', async () => {
    const cluster = await sandbox.cluster();
    await cluster.delete('DaemonSet', 'nvidia-device-plugin-daemonset', { namespace: 'kube-system' });
    const missing = await sandbox.run(['doctor']);
    expect(missing.stdout).toMatch(/^✗ device-plugin .*\n +hint: kaito-ts doctor --install-device-plugin$/m);
    expect(missing.exitCode).toBe(exitCodes.preflightRefused);
    const installed = await sandbox.run(['doctor', '--install-device-plugin']);
    expect(installed.stdout).toMatch(/^✓ device-plugin +kube-system\/nvidia-device-plugin-daemonset/m);
    expect(installed.exitCode).toBe(0);
    const [plugin] = await cluster.list('DaemonSet', { namespace: 'kube-system' });
    expect(plugin).toMatchObject({ metadata: { labels: { 'app.kubernetes.io/managed-by': 'kaito-ts' } }, spec: { template: { spec: { containers: [{ image: 'mcr.microsoft.com/oss/v2/nvidia/k8s-device-plugin:v0.18.2-12' }] } } } });
  });
});

describe.each([
  ['quota' as const, /^✗ gpu-quota +no vCPU of any GPU family is granted in eastus .*\n +hint: .*https:\/\/learn\.microsoft\.com\/azure\/quotas/m],
  ['not-logged-in' as const, /^✗ azure-login .*AADSTS7000215[^]*^\? gpu-quota /m],
  ['push-refused' as const, /^✗ registry .*refuses a push.*\n +hint: .*registry-credentials/m],
  ['api-down' as const, /^✗ kubernetes .*\n[^]*^✓ azure-login [^]*^\? device-plugin +the Kubernetes API was not reached$/m],
])('a cluster with the trouble %s', (fault, text) => {
  const sandbox = useSandbox([fault]);

  it('is told where it is, and everything else is looked at all the same', async () => {
    const { stdout, stderr, exitCode } = await sandbox.run(['doctor']);
    expect(stdout).toMatch(text);
    expect(stdout.match(/^[✓✗?] /gm)).toHaveLength(12);
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: exitCodes.preflightRefused });
  });
});

describe('a machine with nothing', () => {
  it('is told what to do first', async () => {
    const { stdout, exitCode } = await runCli(['doctor']);
    expect(stdout).toMatch(/^✗ kubeconfig .*\n +hint: /m);
    expect(stdout).toMatch(/^✗ azure-login .*\n +hint: .*az login/m);
    expect(exitCode).toBe(exitCodes.preflightRefused);
  });
});
