import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import { putFile } from '../cluster/registries/control.ts';
import { trainingRows } from './data.ts';
import { useRig } from './rig.ts';
import { statusOf } from './tunings.ts';

/** Two pipelines of one commit, or two people who do not know of each other. */
describe.concurrent('two commands for one workspace, begun in the same instant', { timeout: 400_000 }, () => {
  const rig = useRig({ joinDelayMs: 1000 });

  const bothOf = async (left: string[], right: string[]) => await Promise.all([rig.run(left), rig.run(right)]);
  const recordsOf = async (name: string) => (await rig().api.core.listNamespacedConfigMap({ namespace: rig().namespace, labelSelector: `kaito.sh/workspace=${name},kaito-ts/record=true` })).items;
  /** PUTs of agent pools for it that Azure took. */
  const poolsMade = async (name: string): Promise<string[]> => {
    const { nodePool } = await statusOf(rig, name);
    return rig().azure.requests().filter(({ method, path, status }) => method === 'PUT' && status < 300 && path.includes(`/agentPools/${String(nodePool?.['name'])}?`)).map(({ path }) => path);
  };

  it('share what is begun when they want the same: one pool, one Job, one adapter', async () => {
    const { namespace, api, registries, azure } = rig();
    const name = `same-${randomBytes(4).toString('hex')}`;
    const tune = ['tune', name, '--preset', 'phi-3-mini', '--input-url', await putFile(registries, `${name}.jsonl`, trainingRows(10))];
    const results = await bothOf(tune, tune);
    const adapters = results.map(({ stdout, stderr, exitCode }) => {
      expect(exitCode, stderr).toBe(0);
      return /^adapter: (\S+)$/m.exec(stdout)?.[1];
    });
    expect(adapters[0]).toMatch(/@sha256:/);
    expect(adapters[1]).toBe(adapters[0]);
    expect(await recordsOf(name)).toHaveLength(1);
    const { items: jobs } = await api.batch.listNamespacedJob({ namespace, labelSelector: `kaito.sh/workspace=${name}` });
    expect(jobs.map(({ status }) => status?.succeeded)).toEqual([1]);
    expect(await statusOf(rig, name)).toMatchObject({ state: 'Succeeded', nodePool: { state: 'Removed' } });
    expect(await poolsMade(name)).toHaveLength(1);
    expect((await azure.agentPools()).filter(({ tags }) => tags['kaito-workspace'] === name)).toEqual([]);
  });

  it('do not mix when they want different things: one is served as it was asked for, and the other is told', async () => {
    const { namespace, api, azure } = rig();
    const name = `different-${randomBytes(4).toString('hex')}`;
    const machines = ['Standard_NV36ads_A10_v5', 'Standard_NC24ads_A100_v4'];
    const [small, large] = machines.map((machine) => ['serve', name, '--preset', 'phi-3-mini', '--instance-type', machine]);
    const results = await bothOf(small ?? [], large ?? []);
    const won = results[0].exitCode === 0 ? 0 : 1;
    expect(results.map(({ exitCode }) => exitCode), results.map(({ stderr }) => stderr).join('\n')).toEqual(won === 0 ? [0, exitCodes.conflict] : [exitCodes.conflict, 0]);
    const told = results[1 - won]?.stderr ?? '';
    expect(told).toMatch(new RegExp(`^error: Workspace ${name} in namespace ${namespace} (was begun or changed by somebody else in the same moment|is there with settings that cannot be changed)\\.$`, 'm'));
    expect(told).toMatch(/^hint: /m);
    expect(results[1 - won]?.stdout).toBe('');

    const [record, ...others] = await recordsOf(name);
    expect(others).toEqual([]);
    expect(JSON.parse(record?.data?.['workspace.json'] ?? '')).toMatchObject({ resource: { instanceType: machines[won] } });
    expect(JSON.parse(record?.data?.['node-pool.json'] ?? '')).toMatchObject({ instanceType: machines[won], count: 1 });
    expect(await poolsMade(name)).toHaveLength(1);
    const again = await rig.run((won === 0 ? large : small) ?? []);
    expect(again.stderr).toMatch(new RegExp(`resource\\.instanceType: ${machines[won]} there, ${machines[1 - won]} wanted`));
    expect(again.exitCode).toBe(exitCodes.conflict);
    const { items: nodes } = await api.core.listNode({ labelSelector: `kaito.sh/workspace=${name}` });
    expect(nodes.map(({ metadata }) => metadata?.labels?.['node.kubernetes.io/instance-type'])).toEqual([machines[won]]);
    const { items: pods } = await api.core.listNamespacedPod({ namespace, labelSelector: `kaito.sh/workspace=${name}` });
    expect(pods.map(({ status }) => status?.phase)).toEqual(['Running']);
    expect((await rig.run(['delete', name])).exitCode).toBe(0);
    expect((await azure.agentPools()).filter(({ tags }) => tags['kaito-workspace'] === name)).toEqual([]);
  });
});
