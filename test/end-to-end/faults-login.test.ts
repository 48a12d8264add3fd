import { chmod, readFile, writeFile } from 'node:fs/promises';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { describe, expect, it, onTestFinished } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import { patienceMs, waitFor } from '../cluster/real/waiting.ts';
import { addBehaviour } from '../cluster/registries/control.ts';
import { createAccount, kubeconfigFor, type Permission, requestToken } from './access.ts';
import { useGpuNode } from './gpu-node.ts';
import { openLine } from './line-to-the-server.ts';
import { useRig } from './rig.ts';
import { aTuning } from './tunings.ts';

const permissions = ['list nodes', 'watch nodes', ...['get', 'list', 'create', 'patch'].map((verb) => `${verb} configmaps`), 'list pods', 'watch pods', 'get pods/log', 'list events', 'watch events', 'get secrets', 'list persistentvolumeclaims', ...['get', 'list', 'watch', 'create', 'patch', 'delete'].map((verb) => `${verb} jobs.batch`)] as Permission[];

describe('a login by a plugin whose token ends in the middle of a tuning', () => {
  const node = useGpuNode({ gpuCount: 2 });
  const rig = useRig();

  /** A plugin that prints what a file holds, and notes each time that it was asked; without a token it fails, as one whose session is over. */
  const aLogin = async (purpose: string) => {
    const account = await createAccount(rig(), purpose, permissions);
    const base = `${rig().environment['KUBECONFIG'] ?? ''}-${account}`;
    const [plugin, tokenFile, asked] = [`${base}-plugin.mjs`, `${base}-token`, `${base}-asked`];
    await writeFile(asked, '');
    await writeFile(plugin, `#!${process.execPath}
import { appendFileSync, readFileSync } from 'node:fs';
appendFileSync(${JSON.stringify(asked)}, '.');
const token = readFileSync(${JSON.stringify(tokenFile)}, 'utf8');
if (token === '') {
  console.error('The session has expired: run "login" again.');
  process.exit(1);
}
console.log(JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token } }));
`);
    await chmod(plugin, 0o755);
    const { core } = rig().api;
    const { namespace } = rig();
    let secret = '';
    const logIn = async (): Promise<void> => {
      secret = `${account}-${Math.random().toString(36).slice(2)}`;
      await core.createNamespacedSecret({ namespace, body: { metadata: { name: secret } } });
      await writeFile(tokenFile, await requestToken(rig(), account, secret));
    };
    /** Ends the token at the server: what it answers from then on is 401. */
    const end = async (): Promise<void> => {
      const token = await readFile(tokenFile, 'utf8');
      await core.deleteNamespacedSecret({ namespace, name: secret });
      const config = new KubeConfig();
      config.loadFromFile(await kubeconfigFor(rig(), `${account}-ended`, { token }));
      const asIt = config.makeApiClient(CoreV1Api);
      await waitFor('the end of the token', patienceMs, () => asIt.listNamespacedPod({ namespace }).then(() => false, (error: { code?: number }) => error.code === 401));
    };
    const kubeconfig = await kubeconfigFor(rig(), account, { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: plugin, interactiveMode: 'Never' } });
    await logIn();
    return { kubeconfig, logIn, end, logOut: () => writeFile(tokenFile, ''), timesAsked: async () => (await readFile(asked, 'utf8')).length };
  };

  it('is asked for another, and the tuning is followed to its end', async () => {
    const login = await aLogin('renewed');
    const { name, args } = await aTuning(rig, node(), { rows: 40 });
    const release = await addBehaviour(rig().registries, { podPrefix: name, behaviour: { at: 'step:3', do: 'hang' } });
    onTestFinished(release);
    const running = rig.start(args, { KUBECONFIG: login.kubeconfig });
    await running.until('stderr', /step 1 of/);
    const before = await login.timesAsked();
    await login.end();
    await login.logIn();
    await release();
    const { stdout, stderr, exitCode } = await running.ended;
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(/^adapter: .*@sha256:/m);
    expect(await login.timesAsked()).toBeGreaterThan(before);
  });

  it('is told of when the session is over too, the tuning goes on, and the same command finds its end', async () => {
    const login = await aLogin('lost');
    const { name, args } = await aTuning(rig, node(), { rows: 40 });
    const goOn = await addBehaviour(rig().registries, { podPrefix: name, behaviour: { at: 'step:3', do: 'hang' } });
    onTestFinished(goOn);
    const line = await openLine(rig().cluster, login.kubeconfig);
    onTestFinished(line.close);
    const running = rig.start(args, { KUBECONFIG: line.kubeconfig });
    await running.until('stderr', /step 1 of/);
    await login.end();
    await login.logOut();
    // Watches that were begun with the token would go on without it.
    line.cut();
    line.mend();
    const lost = await running.ended;
    await goOn();
    expect(lost.stderr).toMatch(/The session has expired: run "login" again\./);
    expect(lost.stderr).toMatch(/^warning: The tuning Job is out of sight and goes on\./m);
    expect(lost.exitCode, lost.stderr).toBe(exitCodes.access);
    await login.logIn();
    const again = await rig.run(args, { environment: { KUBECONFIG: login.kubeconfig } });
    expect(again.exitCode, again.stderr).toBe(0);
    expect(again.stdout).toMatch(/^adapter: .*@sha256:/m);
  });
});
