import { KubeConfig, KubernetesObjectApi, PatchStrategy } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import { ownNamespace, theCluster } from '../cluster/real/the-cluster.ts';
import { runCli, type CliResult } from '../support/cli.ts';

/** What can be tried on any cluster, also one that others use: reading, and rehearsing writes in a namespace of its own. */
const run = async (...args: string[]): Promise<CliResult> => await runCli(args, { environment: { KUBECONFIG: theCluster().kubeconfigFile, KUBERNETES_EXEC_INFO: '', HOME: process.env['HOME'] ?? '/nonexistent' } });

describe('on any cluster', () => {
  it('finds nothing in a new namespace', async () => {
    const namespace = await ownNamespace();
    expect(await run('status', '-n', namespace)).toEqual({ stdout: `No workspaces found in namespace ${namespace}.\n`, stderr: '', exitCode: exitCodes.done });
    const deleted = await run('delete', 'nobody', '-n', namespace);
    expect(deleted.stderr).toMatch(`There is no workspace nobody in namespace ${namespace}`);
    expect(deleted.exitCode).toBe(exitCodes.notFound);
    expect((await run('chat', 'Hello?', '-n', namespace)).exitCode).toBe(exitCodes.notFound);
  });

  it('asks the cluster for its version and for what may be done there', async () => {
    const { stdout } = await run('doctor', '-n', await ownNamespace(), '-o', 'json');
    const { items }: { items: { what: string; verdict: string }[] } = JSON.parse(stdout);
    for (const what of ['kubernetes', 'permissions']) expect(items).toContainEqual(expect.objectContaining({ what, verdict: 'passed' }));
  });

  it('refuses to use nodes that are not there, having written nothing', async () => {
    const namespace = await ownNamespace();
    const { stderr, exitCode } = await run('serve', '--preset', 'phi-3-mini', '--nodes', 'kaito-ts.test/nobody=has-this', '-n', namespace);
    expect(stderr).toMatch(/kaito-ts\.test\/nobody=has-this/);
    expect(exitCode).toBe(exitCodes.preflightRefused);
    expect((await run('status', '-n', namespace)).stdout).toMatch(/^No workspaces found/);
  });

  it.each([
    ['served', ['--preset', 'phi-3-mini']],
    ['served by several nodes', ['--preset', 'llama-3.3-70b-instruct', '--model-access-secret', 'hf-token', '--instance-type', 'Standard_NC24ads_A100_v4']],
    ['tuned', ['--preset', 'phi-3-mini', '--method', 'qlora']],
  ])('renders objects that its API server takes to the last field: what is %s', async (_, flags) => {
    const namespace = await ownNamespace();
    const { stdout, stderr, exitCode } = await run('render', ...flags, '-n', namespace, '-o', 'json');
    expect(exitCode, stderr).toBe(exitCodes.done);
    const { items }: { items: { kind: string; apiVersion: string; metadata: { name: string; namespace: string } }[] } = JSON.parse(stdout);
    expect(items.length).toBeGreaterThan(1);
    const config = new KubeConfig();
    config.loadFromFile(theCluster().kubeconfigFile);
    const api = KubernetesObjectApi.makeApiClient(config);
    for (const object of items) {
      const rehearsed = await api.patch(object, undefined, 'All', 'kaito-ts-test', undefined, PatchStrategy.ServerSideApply);
      expect(rehearsed, `${object.kind}/${object.metadata.name}`).toMatchObject({ metadata: { uid: expect.any(String) } });
    }
  });
});
