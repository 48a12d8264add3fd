import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import { addBehaviour } from '../cluster/registries/control.ts';
import { compactEtcd, restartControllers, startComponent, stopComponent } from '../cluster/real/components.ts';
import { ownCluster } from '../cluster/real/the-cluster.ts';
import { waitFor } from '../cluster/real/waiting.ts';
import { createAccount, kubeconfigFor, type Permission, requestToken } from './access.ts';
import { useGpuNode } from './gpu-node.ts';
import { openLine } from './line-to-the-server.ts';
import { useRig } from './rig.ts';
import { aTuning } from './tunings.ts';

const permissions: Permission[] = ['* *.*', 'list nodes', 'watch nodes', 'get namespaces', 'list storageclasses.storage.k8s.io'];

const restart = async (...flags: string[]): Promise<void> => {
  await stopComponent(ownCluster(), 'kube-apiserver', { graceMs: 0 });
  await startComponent(ownCluster(), 'kube-apiserver', flags);
  await restartControllers(ownCluster());
};

/** Usually an API server answers from its own memory. Without that it asks etcd, and tells what etcd has forgotten. */
describe('an etcd that forgets what somebody has not seen yet', { timeout: 400_000 }, () => {
  const [tuningNode, serverNode] = [useGpuNode(), useGpuNode()];
  const rig = useRig();
  beforeAll(() => restart('--watch-cache=false'));
  afterAll(() => restart());

  it('stops neither tune nor serve, which miss nothing of what happened meanwhile', async ({ onTestFinished }) => {
    const { cluster, registries, namespace, api } = rig();
    const account = await createAccount(rig(), 'far-away', permissions);
    const kubeconfig = await kubeconfigFor(rig(), account, { token: await requestToken(rig(), account) });
    const start = async (args: readonly string[]) => {
      const line = await openLine(cluster, kubeconfig);
      onTestFinished(line.close);
      return { line, ...rig.start(args, { KUBECONFIG: line.kubeconfig }, onTestFinished) };
    };
    const hold = async (podPrefix: string, at: string) => {
      const release = await addBehaviour(registries, { podPrefix, behaviour: { at, do: 'hang' } });
      onTestFinished(release);
      return release;
    };
    const tuning = await aTuning(rig, tuningNode());
    const server = `s-${randomBytes(4).toString('hex')}`;
    const releases = [await hold(tuning.name, 'step:2'), await hold(server, 'loading')];
    const [tune, serve] = await Promise.all([start(tuning.args), start(['serve', server, '--preset', 'phi-3-mini', '--nodes', serverNode().selector])]);
    await Promise.all([tune.until('stderr', /step 1 of/), serve.until('stderr', /loading the weights/)]);
    const status = await start(['status', '-w', '-o', 'ndjson']);
    await status.until('stdout', /"Running"/);

    const lines = [tune.line, serve.line, status.line];
    for (const line of lines) line.cut();
    await Promise.all(releases.map((release) => release()));
    await waitFor('the end of the tuning', 120_000, async () => (await api.batch.readNamespacedJob({ namespace, name: tuning.name })).status?.succeeded === 1);
    await waitFor('the server', 120_000, async () => (await api.apps.readNamespacedDeployment({ namespace, name: server })).status?.readyReplicas === 1);
    await compactEtcd(cluster);
    for (const line of lines) line.mend();

    const [tuned, served] = await Promise.all([tune.ended, serve.ended]);
    expect(tuned.exitCode, tuned.stderr).toBe(0);
    expect(tuned.stdout).toMatch(/^adapter: .*@sha256:/m);
    expect(served.exitCode, served.stderr).toBe(0);
    expect(served.stdout).toMatch(/^endpoint: /m);
    // It is told so over either line: with less, nothing was tried.
    expect(tune.line.expiredCount()).toBeGreaterThan(0);
    expect(serve.line.expiredCount()).toBeGreaterThan(0);
    await status.until('stdout', /"Succeeded"/);
    await status.until('stdout', /"Ready"/);
    status.signal('SIGINT');
    expect((await status.ended).exitCode).toBe(exitCodes.interrupted);
  });
});
