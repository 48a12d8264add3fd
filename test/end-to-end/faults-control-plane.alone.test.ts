import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import { addBehaviour } from '../cluster/registries/control.ts';
import { compactEtcd, restartControllers, startComponent, stopComponent } from '../cluster/real/components.ts';
import { createAccount, kubeconfigFor, type Permission, requestToken } from './access.ts';
import { useGpuNode } from './gpu-node.ts';
import { useRig } from './rig.ts';
import { aTuning } from './tunings.ts';

const permissions = ['list nodes', 'watch nodes', ...['get', 'list', 'watch', 'create', 'patch'].map((verb) => `${verb} configmaps`), 'list pods', 'watch pods', 'get pods/log', 'list events', 'watch events', 'get secrets', 'list persistentvolumeclaims', 'list deployments.apps', 'list statefulsets.apps', ...['get', 'list', 'watch', 'create', 'patch', 'delete'].map((verb) => `${verb} jobs.batch`)] as Permission[];

describe('a control plane that goes away in the middle of a tuning', () => {
  const node = useGpuNode();
  const rig = useRig();
  afterAll(() => restartControllers(rig().cluster));

  const hangAt = async (name: string, step: number): Promise<() => Promise<void>> => {
    const release = await addBehaviour(rig().registries, { podPrefix: name, behaviour: { at: `step:${step}`, do: 'hang' } });
    onTestFinished(release);
    return release;
  };

  it('does not end what watches objects, and what follows a log says that it broke off', async () => {
    // Not as administrator: an API server that has just started knows no roles yet, and refuses everybody else.
    await createAccount(rig(), 'watcher', permissions);
    const KUBECONFIG = await kubeconfigFor(rig(), 'watcher', { token: await requestToken(rig(), 'watcher') });
    const { name, args } = await aTuning(rig, node(), { rows: 40 });
    const release = await hangAt(name, 4);
    const tuning = rig.start(args, { KUBECONFIG });
    await tuning.until('stderr', /step 1 of/);
    const status = rig.start(['status', name, '-w'], { KUBECONFIG });
    await status.until('stdout', new RegExp(name));
    const logs = rig.start(['logs', name, '-f'], { KUBECONFIG });
    await logs.until('stdout', /'loss'/);

    await stopComponent(rig().cluster, 'kube-apiserver', { graceMs: 0 });
    await startComponent(rig().cluster, 'kube-apiserver');
    await compactEtcd(rig().cluster);
    await release();

    const tuned = await tuning.ended;
    expect(tuned.exitCode, tuned.stderr).toBe(0);
    expect(tuned.stdout).toMatch(/^adapter: .*@sha256:/m);
    await status.until('stdout', /Succeeded/);
    status.signal('SIGINT');
    expect((await status.ended).exitCode).toBe(exitCodes.interrupted);
    const logged = await logs.ended;
    // A log has no version to go on from: it is told that it broke off, and comes whole when it is asked for again.
    expect(logged.stderr).toMatch(/^error: The API server \S+ broke the connection off\.$/m);
    expect(logged.stderr).toMatch(/^hint: Run the same command again$/m);
    expect(logged.exitCode).toBe(exitCodes.failed);
    const again = await rig.run(['logs', name, '-c', 'tuner'], { environment: { KUBECONFIG } });
    expect(again.stdout).toMatch(/Fine-Tuning completed/);
    expect(again.exitCode, again.stderr).toBe(0);
  });
});
