import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { askApi } from './api.ts';
import { down, open, type RealCluster, status, systemNode, up } from './cluster.ts';
import { startNode } from './nodes.ts';
import { runPod } from './pods.ts';
import { folderOf } from './files.ts';
import { findSupervisor } from './supervisor.ts';
import { ownCluster } from './the-cluster.ts';
import { marksOf, sharedSettings, tracesOf } from './traces.ts';
import { patienceMs, waitFor } from './waiting.ts';

const beside = 'beside';

const serverOf = ({ gateway }: RealCluster): string => gateway.replace(/\.1$/u, '.2');

/** Nodes of earlier tests have come and gone there. */
const runningIn = async ({ name }: RealCluster): Promise<string[]> =>
  (await status(name)).processes
    .filter(({ running }) => running)
    .map((process) => `${process.name} ${process.pid}`)
    .toSorted();

describe('a cluster beside another', () => {
  afterAll(() => down(beside));

  it('leaves nothing when it is taken down with pods on two nodes, and does not touch the other', async () => {
    const other = ownCluster();
    const runningBefore = await runningIn(other);
    const settingsBefore = await sharedSettings();
    const cluster = await up({ name: beside });
    expect(cluster.gateway).not.toBe(other.gateway);
    await startNode(cluster, { name: 'gpu-0', gpuCount: 1 });
    const pods = [await runPod(cluster, { name: 'on-system', node: systemNode }), await runPod(cluster, { name: 'on-gpu', node: 'gpu-0', gpuCount: 1 })];
    expect(pods.map(({ status }) => status?.phase)).toEqual(['Running', 'Running']);

    const marks = marksOf(beside);
    const whileUp = await tracesOf(marks);
    for (const kind of ['process', 'link', 'address', 'route', 'control group', 'folder']) expect(whileUp.some((line) => line.startsWith(kind)), kind).toBe(true);
    expect(whileUp.some((line) => line.includes('containerd-shim')), 'a shim among the processes').toBe(true);

    await down(beside);
    expect(await tracesOf(marks)).toEqual([]);
    expect(await sharedSettings()).toEqual(settingsBefore);
    expect(await down(beside)).toBe(false);

    expect(await runningIn(other)).toEqual(runningBefore);
    await runPod(other, { name: 'after-the-other-went' });
  });

  it('is taken down, and comes up again, after `up` was killed half-way', async () => {
    const main = fileURLToPath(new URL('main.ts', import.meta.url));
    const starting = spawn(process.execPath, [main, 'up', '--name', beside], { stdio: 'ignore' });
    const ended = once(starting, 'exit');
    await waitFor('a half-started cluster', patienceMs, async () => findSupervisor(folderOf(beside)) !== undefined);
    starting.kill('SIGKILL');
    await ended;
    expect((await status(beside)).up).toBe(false);
    await expect(open(beside)).rejects.toThrow('npm run cluster -- up');

    await up({ name: beside });
    const marks = marksOf(beside);
    await down(beside);
    expect(await tracesOf(marks)).toEqual([]);
  });

  it('leaves nothing when `up` is interrupted half-way', async () => {
    const main = fileURLToPath(new URL('main.ts', import.meta.url));
    const starting = spawn(process.execPath, [main, 'up', '--name', beside], { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
    const [ended, said] = [once(starting, 'exit'), text(starting.stderr)];
    await waitFor('a half-started cluster', 60_000, async () => findSupervisor(folderOf(beside)) !== undefined);
    const marks = marksOf(beside);
    process.kill(-(starting.pid ?? 0), 'SIGINT'); // A terminal sends it to all of the command's processes.
    expect(await ended).toEqual([130, null]);
    expect(await said).toContain('taking away what was started');
    expect(await tracesOf(marks)).toEqual([]);
  });

  it('is taken down after its supervisor was killed, as by a machine that ran out of memory', async () => {
    await up({ name: beside });
    const marks = marksOf(beside);
    process.kill(findSupervisor(folderOf(beside)) ?? 0, 'SIGKILL');
    await down(beside);
    expect(await tracesOf(marks)).toEqual([]);
  });

  it('says that it is up already', async () => {
    await expect(up({ name: ownCluster().name })).rejects.toThrow('is up already');
    const { status } = await askApi(ownCluster().folder, serverOf(ownCluster()), 'GET', '/readyz');
    expect(status).toBe(200);
  });
});
