import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import { runCli } from '../support/cli.ts';
import { useSandbox } from '../support/sandbox.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'workspace-files-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

/** KAITO's quick start for tuning, with a registry that is there. */
const quickStart = (registry: string): string => `apiVersion: kaito.sh/v1alpha1
kind: Workspace
metadata:
  name: workspace-tuning-phi-3
resource:
  instanceType: "Standard_NC6s_v3"
  labelSelector:
    matchLabels:
      app: tuning-phi-3
tuning:
  preset:
    name: phi-3-mini-128k-instruct
  method: qlora
  input:
    urls:
      - "https://huggingface.co/datasets/philschmid/dolly-15k-oai-style/resolve/main/data/train-00000-of-00001-54e3756291ca09c6.parquet?download=true"
  output:
    image: "${registry}/adapter:0.0.1"
    imagePushSecret: registry-credentials
`;

const serving = (name: string, rest = ''): string => `apiVersion: kaito.sh/v1beta1
kind: Workspace
metadata:
  name: ${name}
  annotations:
    kaito.sh/enablelb: "True"
resource:
  instanceType: Standard_NC24ads_A100_v4
  labelSelector:
    matchLabels:
      apps: phi
inference:
  preset:
    name: phi-4-mini-instruct
${rest}`;

describe('a Workspace file that is wrong', () => {
  it('is answered like a compiler, before anything is asked of anybody', async () => {
    const file = write('wrong.yaml', serving('a', '  template: {}\n').replace('Standard_NC24ads_A100_v4', 'Standard_NC6s_v3').replace('phi-4-mini-instruct', 'nonsense'));
    const { stdout, stderr, exitCode } = await runCli(['serve', '-f', file]);
    expect(stdout).toBe('');
    expect(stderr).toContain(`${file}:8:17: error: Standard_NC6s_v3 has V100 GPUs`);
    expect(stderr).toContain('[preset-unknown]');
    expect(stderr).toContain('Pods of your own are rendered, and not served');
    expect(stderr).toContain('--instance-type Standard_NV36ads_A10_v5');
    expect(exitCode).toBe(exitCodes.usage);
  });

  it.each([
    [['tune', '-f', '-'], serving('a'), /has no Workspace with tuning[\s\S]*kaito-ts serve -f -/],
    [['serve', '-f', '-'], `${serving('a')}---\n${serving('b')}`, /2 Workspaces of this kind: a, b/],
    [['serve', '-f', '-'], '', /There is no Workspace in -/],
    [['serve', '-f', '-'], 'a: b: c', /<stdin>:1:\d+: error/],
  ])('%j is refused with what is there instead', async (args, input, message) => {
    const { stderr, exitCode } = await runCli(args, { input });
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(exitCodes.usage);
  });
});

describe('KAITO’s quick start', () => {
  const sandbox = useSandbox();
  const registry = (): string => sandbox.environment()['KAITO_REGISTRY'] ?? '';

  it('is refused for its retired machine, with the flag that helps', async () => {
    const { stderr, exitCode } = await sandbox.run(['tune', '-f', '-'], { input: quickStart(registry()) });
    expect(stderr).toMatch(/hint: .*--instance-type Standard_NV36ads_A10_v5$/m);
    expect(exitCode).toBe(exitCodes.usage);
  });

  it('goes through with that one flag, and the plan tells what it took the place of', async () => {
    const { stdout, stderr, exitCode } = await sandbox.run(['tune', '-f', '-', '--instance-type', 'Standard_NV36ads_A10_v5'], { input: quickStart(registry()) });
    expect(stderr).toMatch(/1 x Standard_NV36ads_A10_v5 +\(--instance-type \(overrides line 6\)/);
    expect(stderr).toMatch(/preset +phi-3-mini-128k-instruct +\(-f -; licence mit\)/);
    expect(stdout).toMatch(/^adapter: .*\/adapter:0\.0\.1@sha256:/m);
    expect(exitCode).toBe(0);
  });

  it('run again finds that it is done', async () => {
    const { stderr, exitCode } = await sandbox.run(['tune', '-f', '-', '--instance-type', 'Standard_NV36ads_A10_v5'], { input: quickStart(registry()) });
    expect(stderr).toMatch(/Nothing to do/);
    expect(exitCode).toBe(0);
  });
});

describe('a served Workspace of a file', () => {
  const sandbox = useSandbox();
  const config = '---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata:\n  inference_config.yaml: |\n    vllm: {max-model-len: 2048}\n';

  it('is served as it says, with the ConfigMap beside it as its own', async () => {
    const file = write('phi.yaml', `${serving('phi', '  config: settings\n')}${config}`);
    const { stdout, stderr, exitCode } = await sandbox.run(['serve', '-f', file]);
    expect(stderr).toMatch(new RegExp(`name +phi +\\(-f ${file}\\)`));
    expect(stdout).toMatch(/^talk to it: kaito-ts chat phi$/m);
    expect(exitCode).toBe(0);
    const cluster = await sandbox.cluster();
    expect((await cluster.get('Service', 'phi'))?.spec?.type).toBe('LoadBalancer');
    expect((await cluster.get('ConfigMap', 'settings'))?.metadata.ownerReferences).toMatchObject([{ kind: 'ConfigMap', name: 'phi-kaito' }]);
    const nodes = await cluster.list('Node', { labelSelector: 'apps=phi' });
    expect(nodes.map(({ metadata }) => metadata.labels?.['node.kubernetes.io/instance-type'])).toEqual(['Standard_NC24ads_A100_v4']);
  });

  it('is left as it is on a second run, and by the flags of its environment', async () => {
    const { stdout, exitCode } = await sandbox.run(['serve', '-f', join(folder, 'phi.yaml'), '--dry-run', '-o', 'json'], { environment: { KAITO_INSTANCE_TYPE: 'Standard_NV36ads_A10_v5' } });
    const { steps }: { steps: { kind: string }[] } = JSON.parse(stdout);
    expect(steps.map(({ kind }) => kind).filter((kind) => !kind.startsWith('await-'))).toEqual([]);
    expect(exitCode).toBe(0);
  });

  it('goes to the namespace that it names, unless a flag names another', async () => {
    const cluster = await sandbox.cluster();
    for (const name of ['team', 'other']) await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    const plan = async (...flags: string[]): Promise<unknown> => {
      const { stdout } = await sandbox.run(['serve', '-f', '-', '--dry-run', '-o', 'json', ...flags], { input: serving('phi').replace('  name:', '  namespace: team\n  name:'), environment: { KAITO_NAMESPACE: 'usual' } });
      return JSON.parse(stdout);
    };
    expect(await plan()).toMatchObject({ target: { namespace: 'team' }, workspace: { metadata: { namespace: 'team' } } });
    expect(await plan('-n', 'other')).toMatchObject({ target: { namespace: 'other' }, workspace: { metadata: { namespace: 'other' } } });
  });

  it('takes adapters from images and volumes', async () => {
    await (await sandbox.cluster()).apply({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'two', namespace: 'default' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } });
    const adapters = '  adapters:\n    - source: {name: one, image: "registry.invalid/one:1"}\n    - source: {name: two, volumeSource: {persistentVolumeClaim: {claimName: two}}}\n    - source: {name: three, volumeSource: {hostPath: {path: /models/three}}}\n';
    const { stdout, exitCode } = await sandbox.run(['serve', '-f', '-', '--dry-run', '-o', 'json'], { input: serving('other', adapters) });
    expect(exitCode).toBe(0);
    const { steps }: { steps: { object?: { kind: string; spec: { template: { spec: { volumes: object[] } } } } }[] } = JSON.parse(stdout);
    const volumes = steps.find(({ object }) => object?.kind === 'Deployment')?.object?.spec.template.spec.volumes;
    expect(volumes).toEqual(expect.arrayContaining([{ name: 'adapter-two', persistentVolumeClaim: { claimName: 'two' } }, { name: 'adapter-three', hostPath: { path: '/models/three' } }]));
  });
});
