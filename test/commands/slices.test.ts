import { expect, describe, it } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import { useSandbox } from '../support/sandbox.ts';

const workspace = (partition: string): string =>
  `apiVersion: kaito.sh/v1beta1\nkind: Workspace\nmetadata: {name: sliced}\nresource:\n  labelSelector: {matchLabels: {pool: mig}}\n  partition: ${partition}\ninference: {preset: {name: phi-4-mini-instruct}}\n`;

describe('a model on a slice of a GPU', () => {
  const sandbox = useSandbox();
  const serve = async (partition: string, ...args: string[]) => await sandbox.run(['serve', '-f', '-', ...args], { input: workspace(partition) });

  it('is served from an existing node that has such a slice, and status sees it ready', async () => {
    const cluster = await sandbox.cluster();
    await cluster.create({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'mig-1', labels: { pool: 'mig', 'nvidia.com/mig.config': 'all-3g.40gb', 'nvidia.com/mig.config.state': 'success' } },
      status: { allocatable: { cpu: '24', memory: '200Gi', pods: '110', 'nvidia.com/gpu': '0', 'nvidia.com/mig-3g.40gb': '2' }, conditions: [{ type: 'Ready', status: 'True' }] },
    });
    const served = await serve('{mode: mig, profile: 3g.40gb}');
    expect(served.stderr).toMatch(/health answers 200/);
    expect(served.exitCode).toBe(exitCodes.done);
    const [pod] = await cluster.list('Pod', { labelSelector: 'kaito.sh/workspace=sliced' });
    expect(pod?.spec).toMatchObject({ nodeName: 'mig-1', containers: [{ resources: { limits: { 'nvidia.com/mig-3g.40gb': '1' } } }] });
    expect((await sandbox.run(['status', 'sliced', '-o', 'json'])).stdout).toMatch(/"state": "Ready"/);
    expect((await sandbox.run(['chat', 'sliced', 'Hello'])).exitCode).toBe(exitCodes.done);
  });

  it('is refused before anything is written where the slice is another, or too small', async () => {
    expect(await serve('{mode: mig, profile: 2g.20gb}', '--dry-run')).toMatchObject({ exitCode: exitCodes.preflightRefused, stderr: expect.stringContaining('No Ready node with labels pool=mig has a MIG slice 2g.20gb to allocate.') });
    expect(await serve('{mode: mig, profile: 1g.10gb}', '--dry-run')).toMatchObject({ exitCode: exitCodes.usage, stderr: expect.stringContaining('A slice 1g.10gb cannot serve this model') });
  });
});
