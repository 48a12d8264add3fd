import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { exitCodes } from '../../src/domain/errors.ts';
import { runCli } from '../support/cli.ts';
import { projectFolder } from '../support/project.ts';
import { useSandbox } from '../support/sandbox.ts';

interface Shown {
  kind: string;
  metadata: { name: string; namespace: string; ownerReferences?: unknown };
}

const documents = (text: string): Shown[] => parseAllDocuments(text, { version: '1.1' }).map((document): Shown => document.toJS());

const names = (shown: readonly Shown[]): string[] => shown.map(({ kind, metadata }) => `${kind}/${metadata.name}`);

const workspace = (name: string, instanceType = 'Standard_NC24ads_A100_v4', preset = 'phi-4'): string =>
  `apiVersion: kaito.sh/v1beta1\nkind: Workspace\nmetadata: {name: ${name}, namespace: team}\nresource:\n  instanceType: ${instanceType}\n  labelSelector: {matchLabels: {apps: ${name}}}\ninference:\n  preset: {name: ${preset}}\n`;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'render-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('render, with no cluster, no Azure and no kubeconfig', () => {
  it('prints what tune would write, with the cheapest machine by list price', async () => {
    const { stdout, stderr, exitCode } = await runCli(['render', '--preset', 'phi-3-mini', '--method', 'qlora']);
    const name = 'phi-3-mini-128k-instruct-qlora';
    expect(names(documents(stdout))).toEqual([`ConfigMap/${name}-kaito`, `PersistentVolumeClaim/${name}-adapter`, `ConfigMap/${name}-training`, `Job/${name}`]);
    expect(stdout).toMatch(/^# 1 x Standard_NV36ads_A10_v5: cheapest that fits/m);
    expect(stdout).not.toMatch(/^ +ownerReferences:|createdAt|kaito-ts\/content|\d{4}-\d\d-\d\dT/m);
    expect(stderr).toMatch(/Nobody was asked/);
    expect(exitCode).toBe(0);
  });

  it('prints what serve would write, and the same text each time', async () => {
    const first = await runCli(['render', 'my-model', '--preset', 'phi-4', '-n', 'team', '--region', 'westeurope']);
    expect(names(documents(first.stdout))).toEqual(['ConfigMap/my-model-kaito', 'Service/my-model', 'Deployment/my-model']);
    expect(new Set(documents(first.stdout).map(({ metadata }) => metadata.namespace))).toEqual(new Set(['team']));
    expect(first.stdout).toMatch(/list price in westeurope/);
    expect((await runCli(['render', 'my-model', '--preset', 'phi-4', '-n', 'team', '--region', 'westeurope'])).stdout).toBe(first.stdout);
  });

  it('prints a Workspace for KAITO’s operator that renders to itself', async () => {
    const { stdout } = await runCli(['render', '--preset', 'phi-3-mini', '--method', 'lora', '--rank', '16', '--as', 'workspace']);
    expect(documents(stdout)).toMatchObject([{ apiVersion: 'kaito.sh/v1beta1', kind: 'Workspace', metadata: { annotations: { 'kaito-ts/training': '{"r":16}' } }, tuning: { preset: { name: 'phi-3-mini-128k-instruct' }, method: 'lora' } }]);
    const again = await runCli(['render', '-f', '-', '--as', 'workspace'], { input: stdout });
    expect(documents(again.stdout)).toEqual(documents(stdout));
  });

  it('tells what KAITO’s operator would refuse of it', async () => {
    const args = ['render', '--preset', 'phi-3-mini', '--method', 'qlora', '--output-image', 'r.io/a:1', '--as', 'workspace'];
    const { stdout, stderr, exitCode } = await runCli(args);
    expect(stderr).toMatch(/^warning: KAITO's operator would refuse tuning\.output\.imagePushSecret: .*Add imagePushSecret/m);
    expect(exitCode).toBe(0);
    expect((await runCli([...args, '--output-image-secret', 'push'])).stderr).not.toMatch(/would refuse/);
    expect((await runCli(['render', '-f', '-'], { input: stdout })).exitCode).toBe(0);
  });

  it('names a preset as KAITO does, where that is another name', async () => {
    const { stdout } = await runCli(['render', '--preset', 'mistral-7b-v0.3', '--as', 'workspace']);
    expect(documents(stdout)).toMatchObject([{ inference: { preset: { name: 'mistral-7b' } } }]);
  });

  it('prints one List as JSON', async () => {
    const list: { kind: string; items: Shown[] } = JSON.parse((await runCli(['render', '-f', '-', '-o', 'json'], { input: workspace('a') })).stdout);
    expect(list.kind).toBe('List');
    expect(names(list.items)).toEqual(['ConfigMap/a-kaito', 'Service/a', 'Deployment/a']);
  });

  it('prints one line for each of many Workspaces, also for those that cannot be rendered', async () => {
    const input = [workspace('a', 'Standard_NC48ads_A100_v4'), workspace('b', 'Standard_NC6s_v3'), workspace('c', 'Standard_NV36ads_A10_v5', 'deepseek-v3-0324'), workspace('d', 'Standard_ND96isr_H100_v5', 'deepseek-r1-0528')].join('---\n');
    const { stdout, stderr, exitCode } = await runCli(['render', '-f', '-', '-o', 'ndjson'], { input });
    const lines = stdout.trimEnd().split('\n').map((line): unknown => JSON.parse(line));
    expect(lines).toMatchObject([
      { name: 'a', namespace: 'team', nodeCount: 1, instanceType: 'Standard_NC48ads_A100_v4', parallelism: { tensor: 1, pipeline: 1, data: 2 } },
      { name: 'b', namespace: 'team', problems: [{ code: 'instance-type-unsupported', line: 14 }] },
      { name: 'c', namespace: 'team' },
      { name: 'd', nodeCount: 2, parallelism: { tensor: 8, pipeline: 2, data: 1 } },
    ]);
    expect(stderr).toBe('');
    expect(exitCode).toBe(exitCodes.usage);
  });

  it('sizes a model by the ConfigMap and the Nodes in the same stream', async () => {
    const existing = (name: string, rest = ''): string => workspace(name, '', 'phi-4-mini-instruct').replace('  instanceType: \n', rest);
    const node = (gpuMemoryMiB: number, gpuCount: number, labels = ''): string =>
      `apiVersion: v1\nkind: Node\nmetadata: {name: n1, labels: {apps: a, nvidia.com/gpu.product: Tesla-T4, nvidia.com/gpu.count: "${gpuCount}", nvidia.com/gpu.memory: "${gpuMemoryMiB}"${labels}}}\nstatus: {conditions: [{type: Ready, status: "True"}]}\n`;
    const config = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ctx, namespace: team}\ndata: {inference_config.yaml: "vllm: {max-model-len: 32768}"}\n';
    const line = async (...parts: string[]): Promise<{ nodeCount: number; parallelism: object; warnings?: string[]; objects: object[] }> => JSON.parse((await runCli(['render', '-f', '-', '-o', 'ndjson'], { input: parts.join('---\n') })).stdout);
    expect(await line(existing('a'), node(15_360, 1))).toMatchObject({ nodeCount: 1, parallelism: { tensor: 1 } });
    const long = await line(existing('a').replace('inference:', 'inference:\n  config: ctx'), node(15_360, 1), config);
    expect(long).toMatchObject({ nodeCount: 2, warnings: [expect.stringMatching(/^2 nodes are needed \(.*\), and 1 with labels apps=a is known\.$/)] });
    expect(await line(existing('a', '  partition: {mode: accelerator, count: 2}\n'), node(81_920, 8))).toMatchObject({ nodeCount: 1, parallelism: { data: 2, tensor: 1 } });
    expect(await line(existing('a', '  partition: {mode: mig, profile: 3g.40gb}\n'))).toMatchObject({ nodeCount: 1, parallelism: { data: 1, tensor: 1 }, objects: expect.arrayContaining([expect.objectContaining({ kind: 'Deployment' })]) });
  });

  it('writes a slice of a GPU into the Workspace, and tells what KAITO’s operator needs for it', async () => {
    const input = workspace('a', '', 'phi-4-mini-instruct').replace('  instanceType: \n', '  partition: {mode: mig, profile: 3g.40gb}\n');
    const { stdout, stderr } = await runCli(['render', '-f', '-', '--as', 'workspace'], { input });
    expect(documents(stdout)).toMatchObject([{ resource: { partition: { mode: 'mig', profile: '3g.40gb' } } }]);
    expect(stderr).toMatch(/KAITO's operator would refuse resource\.partition: .*Open the gate: --feature-gates enableMIG=true/);
    expect((await runCli(['render', '-f', '-', '--as', 'workspace'], { input: stdout })).stdout).toBe(stdout);
  });

  it('renders pods of the user’s own onto the nodes, and the same Workspace again', async () => {
    const pods = workspace('own').replace(/inference:[^]*/, 'inference: {template: {metadata: {labels: {x: "yes"}}, spec: {affinity: {podAntiAffinity: {}}, nodeSelector: {disk: fast}, tolerations: [{key: t, operator: Exists}], containers: [{name: c, image: "r.io/c:1"}]}}}\n').replace('resource:', 'resource:\n  count: 2');
    const { stdout, stderr } = await runCli(['render', '-f', '-'], { input: pods });
    const [service, deployment] = documents(stdout);
    expect(names(documents(stdout))).toEqual(['Service/own', 'Deployment/own']);
    expect(service).toMatchObject({ spec: { selector: { 'kaito.sh/workspace': 'own' }, ports: [{ port: 80, targetPort: 5000 }] } });
    expect(deployment).toMatchObject({
      spec: {
        replicas: 2,
        template: {
          metadata: { labels: { x: 'yes', 'kaito.sh/workspace': 'own' } },
          spec: { affinity: { podAntiAffinity: {} }, nodeSelector: { disk: 'fast', 'kaito.sh/workspace': 'own', 'kaito.sh/workspacenamespace': 'team' }, tolerations: expect.arrayContaining([{ key: 't', operator: 'Exists' }, { key: 'sku', operator: 'Equal', value: 'gpu', effect: 'NoSchedule' }]), containers: [{ name: 'c', image: 'r.io/c:1' }] },
        },
      },
    });
    expect(stdout).toMatch(/^# GPU nodes are not made by this: the pods wait for nodes \(Standard_NC24ads_A100_v4\) with the labels/m);
    expect(stderr).not.toMatch(/warning/);
    expect(JSON.parse((await runCli(['render', '-f', '-', '-o', 'ndjson'], { input: pods })).stdout)).toMatchObject({ name: 'own', nodeCount: 2, instanceType: 'Standard_NC24ads_A100_v4' });
    const again = await runCli(['render', '-f', '-', '--as', 'workspace'], { input: pods });
    expect(documents(again.stdout)).toMatchObject([{ kind: 'Workspace', resource: { count: 2 }, inference: { template: { spec: { nodeSelector: { disk: 'fast' } } } } }]);
    expect((await runCli(['render', '-f', '-', '--as', 'workspace'], { input: again.stdout })).stdout).toBe(again.stdout);
    expect((await runCli(['serve', '-f', '-'], { input: pods })).stderr).toMatch(/Pods of your own are rendered, and not served[^]*kaito-ts render/);
  });

  it('tells what is wrong with all of several files at once', async () => {
    writeFileSync(join(folder, 'a.yaml'), workspace('a', 'Standard_NC6s_v3'));
    writeFileSync(join(folder, 'b.yaml'), workspace('b', 'Standard_NC24ads_A100_v4', 'nonsense'));
    const { stdout, stderr, exitCode } = await runCli(['render', '-f', folder]);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/2 of 2 Workspaces cannot be rendered[\s\S]*a\.yaml:5:17[\s\S]*b\.yaml:8:\d+/);
    expect(exitCode).toBe(exitCodes.usage);
  });

  it('writes a kustomization, again over its own files, and never over others', async () => {
    const out = join(folder, 'out');
    const args = ['render', '--preset', 'phi-4', '--out', out];
    expect((await runCli(args)).exitCode).toBe(0);
    expect(readdirSync(out).sort()).toEqual(['configmap-phi-4-kaito.yaml', 'deployment-phi-4.yaml', 'kustomization.yaml', 'service-phi-4.yaml']);
    expect((await runCli(args)).exitCode).toBe(0);
    writeFileSync(join(out, 'service-phi-4.yaml'), 'mine\n');
    const { stderr, exitCode } = await runCli(args);
    expect(stderr).toMatch(/service-phi-4\.yaml[\s\S]*--force/);
    expect(exitCode).toBe(exitCodes.usage);
    expect(readFileSync(join(out, 'service-phi-4.yaml'), 'utf8')).toBe('mine\n');
    expect((await runCli([...args, '--force'])).exitCode).toBe(0);
  });

  it('writes a kustomization into a directory named after the workspace when none is named', async () => {
    const kustomize = async (input: string) => await runCli(['render', '-f', '-', '--as', 'kustomize'], { input, workingDirectory: folder });
    const one = await kustomize(workspace('mine'));
    expect(one.stdout.split('\n')).toContain('mine/kustomization.yaml');
    expect(one.stderr).toMatch(/kubectl apply -k mine$/m);
    expect(readdirSync(join(folder, 'mine'))).toContain('deployment-mine.yaml');
    expect((await kustomize(`${workspace('a')}---\n${workspace('b')}`)).stdout.split('\n')).toContain('workspaces/deployment-b.yaml');
  });

  it('takes templates of the user’s own', async () => {
    const own = join(folder, 'inference');
    const original = readFileSync(join(projectFolder, 'templates/inference/service.yaml'), 'utf8');
    await execa('mkdir', [own]);
    writeFileSync(join(own, 'service.yaml'), original.replace('spec:', 'spec:\n  externalTrafficPolicy: Local'));
    const { stdout } = await runCli(['render', '--preset', 'phi-4', '--templates', folder]);
    expect(documents(stdout).find(({ kind }) => kind === 'Service')).toMatchObject({ spec: { externalTrafficPolicy: 'Local' } });
  });

  it.each([
    [['render'], /Say which model to serve/],
    [['render', '--preset', 'phi-3-mini', '--adapter', 'my-tuning'], /Where the adapter of my-tuning is, only the cluster knows[\s\S]*--adapter my-tuning=<image>/],
    [['render', '--preset', 'phi-4', '--templates', '/nowhere/templates'], /There is no directory \/nowhere\/templates/],
  ])('%j is refused', async (args, message) => {
    const { stderr, exitCode } = await runCli(args);
    expect(stderr).toMatch(message);
    expect(exitCode).toBeGreaterThan(1);
  });
});

const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;

describe.skipIf(!hasKubectl)('kubectl with what is rendered (needs kubectl)', () => {
  const sandbox = useSandbox();
  const kubectl = async (args: string[], input?: string) => {
    const { stdout } = await execa('kubectl', args, { env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...sandbox.environment() }, extendEnv: false, timeout: 150_000, ...(input === undefined ? {} : { input }) });
    return stdout;
  };

  it.each([
    [['--preset', 'phi-3-mini', '--method', 'qlora']],
    [['--preset', 'phi-4', '--adapter', 'one=r.io/one:1']],
    [['--preset', 'deepseek-v3-0324', '--instance-type', 'Standard_ND96isr_H100_v5']],
  ])('is asked whether the API server takes render %j', async (flags) => {
    const { stdout } = await runCli(['render', ...flags]);
    const answer = await kubectl(['apply', '--dry-run=server', '-f', '-'], stdout);
    expect(answer.split('\n')).toHaveLength(documents(stdout).length);
    for (const line of answer.split('\n')) expect(line).toMatch(/ created \(server dry run\)$/);
  });

  it('applies a kustomization, which serve then takes over', async () => {
    const args = ['--preset', 'phi-4', '--instance-type', 'Standard_NC24ads_A100_v4'];
    await runCli(['render', ...args, '--out', folder]);
    expect(await kubectl(['apply', '--server-side', '-k', folder])).toMatch(/deployment\.apps\/phi-4 serverside-applied/);
    const { stderr, exitCode } = await sandbox.run(['serve', ...args]);
    expect(stderr).toMatch(/health answers 200/);
    expect(exitCode).toBe(0);
    expect((await (await sandbox.cluster()).get('Deployment', 'phi-4'))?.metadata.ownerReferences).toHaveLength(1);
  });
});
