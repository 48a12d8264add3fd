import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import type { CliResult } from '../support/cli.ts';
import { putFile } from '../cluster/registries/control.ts';
import { createAccount, kubeconfigFor, type Permission, requestToken } from './access.ts';
import { trainingRows } from './data.ts';
import { useGpuNode } from './gpu-node.ts';
import { useRig } from './rig.ts';

/** Without these a command goes on, and knows less. */
const useful: Permission[] = ['list storageclasses.storage.k8s.io', 'get namespaces', 'get pods/log'];
const common: Permission[] = ['list nodes', 'watch nodes', 'get configmaps', 'list configmaps', 'create configmaps', 'patch configmaps', 'list pods', 'watch pods', 'list events', 'watch events'];
const forTuning: Permission[] = [...common, 'get secrets', 'list persistentvolumeclaims', 'get jobs.batch', 'list jobs.batch', 'watch jobs.batch', 'create jobs.batch', 'patch jobs.batch', 'delete jobs.batch'];
const forServing: Permission[] = [...common, 'get services', 'list services', 'create services', 'patch services', 'get deployments.apps', 'list deployments.apps', 'watch deployments.apps', 'create deployments.apps', 'patch deployments.apps', 'list statefulsets.apps', 'get pods/portforward', 'create pods/portforward'];

describe('a login that may not do everything', () => {
  const node = useGpuNode();
  const rig = useRig();

  const runAs = async (purpose: string, permissions: readonly Permission[], args: readonly string[]): Promise<CliResult> => {
    const account = await createAccount(rig(), purpose, permissions);
    return await rig.run(args, { environment: { KUBECONFIG: await kubeconfigFor(rig(), account, { token: await requestToken(rig(), account) }) } });
  };

  const commands = {
    tune: { args: ['tune', 'refused', '--preset', 'phi-3-mini', '--method', 'qlora'], needs: forTuning },
    serve: { args: ['serve', 'refused', '--preset', 'phi-3-mini'], needs: forServing },
  };

  describe.each(Object.entries(commands))('%s', (command, { args, needs }) => {
    it.each(needs)('is refused before anything is rented or written when it may not %s', async (missing) => {
      const { stdout, stderr, exitCode } = await runAs(`${command}-${missing.replaceAll(/[^a-z]/g, '-')}`, [...useful, ...needs.filter((permission) => permission !== missing)], args);
      expect(exitCode, stderr).toBe(exitCodes.access);
      const [verb, resource] = missing.split(' ') as [string, string];
      expect(stderr).toMatch(new RegExp(`^hint: kubectl auth can-i ${verb} ${resource}`, 'm'));
      expect(stderr).toMatch(new RegExp(`error: (Not permitted: ${verb}|You may not do in namespace)`));
      expect(stdout).toBe('');
      expect(rig().azure.requests().filter(({ method }) => method !== 'GET')).toEqual([]);
      expect((await rig().api.core.listNamespacedConfigMap({ namespace: rig().namespace, labelSelector: 'kaito.sh/workspace' })).items).toEqual([]);
    });
  });

  it('can tune with no more than what is asked for', async () => {
    const url = await putFile(rig().registries, `${rig().namespace}.jsonl`, trainingRows(8));
    const { stdout, stderr, exitCode } = await runAs('tuner', forTuning, ['tune', 'tuned', '--preset', 'phi-3-mini', '--method', 'qlora', '--nodes', node().selector, '--time-limit', '5m', '--input-url', url]);
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(/^adapter: .*@sha256:/m);
  });

  it('can serve with no more than what is asked for', async () => {
    const { stdout, stderr, exitCode } = await runAs('server', forServing, ['serve', 'served', '--preset', 'phi-3-mini', '--nodes', node().selector, '--timeout', '4m']);
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(/^endpoint: /m);
  });
});
