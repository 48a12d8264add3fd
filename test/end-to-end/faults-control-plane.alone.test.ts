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

  it('ends neither what watches objects nor what follows a log', async () => {
    // Not as administrator: an API server that has just started knows no roles yet, and refuses everybody else.
    const account = await createAccount(rig(), 'watcher', permissions);
    const KUBECONFIG = await kubeconfigFor(rig(), account, { token: await requestToken(rig(), account) });
    const { name, args } = await aTuning(rig, node(), { rows: 40 });
    const release = await hangAt(name, 4);
    const tuning = rig.start(args, { KUBECONFIG });
    await tuning.until('stderr', /step 1 of/);
    const status = rig.start(['status', name, '-w'], { KUBECONFIG });
    await status.until('stdout', new RegExp(name));
    const logs = rig.start(['logs', name, '-f', '-c', 'tuner'], { KUBECONFIG });
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
    expect(logged.stderr).toMatch(/^warning: The log broke off, and is taken up again: /m);
    expect(logged.stderr).toMatch(/The log goes on where it broke off\./);
    expect(logged.exitCode, logged.stderr).toBe(0);
    const afterwards = await rig.run(['logs', name, '-c', 'tuner'], { environment: { KUBECONFIG } });
    expect(afterwards.stdout).toMatch(/Fine-Tuning completed/);
    expect(afterwards.exitCode, afterwards.stderr).toBe(0);
    expect(logged.stdout).toBe(afterwards.stdout);
  });
});
