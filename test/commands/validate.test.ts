import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Command, Context } from '../../src/cli/command.ts';
import { parseCommandLine } from '../../src/cli/program.ts';
import validate from '../../src/commands/validate.ts';
import { AccessError } from '../../src/domain/errors.ts';
import { toKaitoError } from '../../src/domain/unexpected.ts';
import { outputs } from '../../src/outputs/index.ts';
import { createStyle } from '../../src/outputs/style.ts';
import { runCli } from '../support/cli.ts';
import { createFakeCluster, type FakeCluster } from '../support/fakes.ts';
import { createFakeTerminal } from '../terminal/fake-terminal.ts';
import { configMap, gpuNode, presets, secret } from '../validation/support.ts';

const workspace = (name: string, instanceType = 'Standard_NC24ads_A100_v4'): string =>
  `apiVersion: kaito.sh/v1beta1\nkind: Workspace\nmetadata:\n  name: ${name}\nresource:\n  instanceType: ${instanceType}\n  labelSelector: {}\ninference:\n  preset:\n    name: phi-4\n`;

const tuning = `${workspace('tune').replace(/inference:[\s\S]*/, '')}tuning:\n  preset:\n    name: phi-4\n  method: qlora\n  config: settings\n  input:\n    urls: [https://example.com/a.parquet]\n  output:\n    image: reg.io/x:1\n    imagePushSecret: push\n`;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'validate-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, content: string): string => {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, content);
  return path;
};

interface Run {
  out: string;
  exitCode: number;
  clusterCount: number;
}

const run = async (args: readonly string[], { stdin = '', cluster }: { stdin?: string; cluster?: FakeCluster } = {}): Promise<Run> => {
  const commands = new Map<string, Command>([['validate', validate]]);
  const parsed = await parseCommandLine(['validate', ...args], { version: '0', commands, columns: 80, write: () => {}, configuration: async () => ({ find: () => undefined }) });
  if (parsed.kind !== 'invocation') throw new Error('The command line was answered by itself.');
  const { input, globals } = parsed.invocation;
  const terminal = createFakeTerminal({ stdin });
  const output = outputs[globals.output]({ writeOut: terminal.writeOut, writeErr: terminal.writeErr, columns: 80, isOutTty: false, isErrTty: false, isLive: false, isQuiet: false, outStyle: createStyle(0), errStyle: createStyle(0), now: () => 0, plain: (text) => text });
  let clusterCount = 0;
  const context: Context = {
    terminal,
    clock: { now: () => 0, sleep: async () => {} },
    signal: new AbortController().signal,
    environment: {},
    globals,
    async cluster() {
      clusterCount += 1;
      if (!cluster) throw new Error('No cluster was meant to be touched.');
      return cluster;
    },
    cloud: () => Promise.reject(new Error('No cloud was meant to be touched.')),
    hub: () => Promise.reject(new Error('No hub was meant to be touched.')),
    presets: async () => presets,
    templates: () => Promise.reject(new Error('No templates are needed.')),
    program: { executable: 'node', arguments: [] },
  };
  let exitCode = 0;
  try {
    for await (const event of parsed.invocation.command.run(input, context)) {
      if (event.type === 'exit') exitCode = event.exitCode;
      await output.handle(event);
    }
  } catch (error) {
    const failure = toKaitoError(error, '0');
    await output.handle({ type: 'failed', error: failure });
    exitCode = failure.exitCode;
  }
  await output.finish();
  return { out: terminal.out() + terminal.err(), exitCode, clusterCount };
};

describe('validate', () => {
  it('says nothing but the sum of documents that are in order, and touches no cluster', async () => {
    const result = await run(['-f', write('a.yaml', workspace('a'))]);
    expect(result).toEqual({ out: '1 document: 1 valid, 0 invalid (0 errors, 0 warnings)\n', exitCode: 0, clusterCount: 0 });
  });

  it('reads like a compiler, and ends with exit code 2 when a document is refused', async () => {
    const file = write('a.yaml', `${workspace('a')}---\n${workspace('b', 'Standard_NC6s_v3')}---\n- broken\n`);
    const { out, exitCode } = await run(['-f', file]);
    expect(out).toContain(`${file}:17:17: error: Standard_NC6s_v3 has V100 GPUs`);
    expect(out).toContain('[instance-type-unsupported]\n    fix: Write instanceType: Standard_NV36ads_A10_v5.\n');
    expect(out).toContain(`${file}:23:1: error: A document must be a map`);
    expect(out).toMatch(/3 documents: 1 valid, 2 invalid \(2 errors, 0 warnings\)\n$/);
    expect(exitCode).toBe(2);
  });

  it('ends with 0 for warnings alone', async () => {
    const { out, exitCode } = await run(['-f', write('a.yaml', workspace('a', 'standard_nc24ads_a100_v4'))]);
    expect(out).toContain('warning: ');
    expect(exitCode).toBe(0);
  });

  it('writes one JSON object a document and nothing else as ndjson', async () => {
    const { out, exitCode } = await run(['-f', '-', '-o', 'ndjson'], { stdin: `${workspace('a')}---\n${workspace('b', 'Standard_NC6s_v3')}` });
    const lines = out.trimEnd().split('\n').map((line): unknown => JSON.parse(line));
    expect(lines).toMatchObject([
      { source: '-', index: 0, name: 'a', namespace: 'default', verdict: 'valid', problems: [] },
      { source: '-', index: 1, name: 'b', namespace: 'default', verdict: 'invalid', problems: [{ code: 'instance-type-unsupported', severity: 'error', path: 'resource.instanceType', line: 17, column: 17, source: 'kaito-ts' }] },
    ]);
    expect(exitCode).toBe(2);
  });

  it.each(['json', 'yaml'])('collects the same as items in %s', async (format) => {
    const { out } = await run(['-f', '-', '-o', format], { stdin: `${workspace('a')}---\n${workspace('b')}` });
    expect(parse(out)).toMatchObject({ items: [{ name: 'a', verdict: 'valid' }, { name: 'b', verdict: 'valid' }] });
  });

  it('reads directories, with what is beside the Workspaces as facts', async () => {
    write('sub/b.yaml', `${tuning}---\napiVersion: v1\nkind: Secret\ntype: kubernetes.io/dockerconfigjson\nmetadata: {name: push}\nstringData: {.dockerconfigjson: '{}'}\n`);
    write('a.yml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata:\n  training_config.yaml: |\n    training_config: {QuantizationConfig: {load_in_4bit: false}}\n');
    const { out, exitCode } = await run(['-f', folder]);
    expect(out).toContain("For method 'qlora', either 'load_in_4bit' or 'load_in_8bit' must be true in ConfigMap 'settings'");
    expect(out).not.toContain('[secret-unknown]');
    expect(exitCode).toBe(2);
  });

  it('says what it could not know without a cluster', async () => {
    const { out, exitCode } = await run(['-f', '-'], { stdin: tuning });
    expect(out).toContain('[config-map-unknown]');
    expect(out).toContain('[secret-unknown]');
    expect(exitCode).toBe(0);
  });

  it('asks the rules of an update against the stored Workspace', async () => {
    const stored = write('stored.yaml', workspace('a'));
    const changed = write('new.yaml', `${workspace('a', 'Standard_NC48ads_A100_v4')}---\n${workspace('b', 'Standard_NC48ads_A100_v4')}`);
    const { out } = await run(['-f', changed, '--against', stored]);
    expect(out).toMatch(/: resource\.instanceType \[instance-type-immutable\]/);
    expect(out).toContain('2 documents: 1 valid, 1 invalid');
  });

  it('judges for the operator that the flags describe', async () => {
    const existing = workspace('a').replace(/ {2}instanceType.*\n/, '');
    expect((await run(['-f', '-', '--node-provisioner', 'byo'], { stdin: `${existing}---\n${JSON.stringify(gpuNode('n1'))}` })).exitCode).toBe(0);
    expect((await run(['-f', '-', '--feature-gates', 'disableNodeAutoProvisioning=true'], { stdin: existing })).exitCode).toBe(0);
    expect((await run(['-f', '-'], { stdin: existing })).exitCode).toBe(2);
    expect((await run(['-f', '-', '--cloud', 'aws'], { stdin: workspace('a', 'g5.xlarge') })).exitCode).toBe(0);
  });

  it.each([
    [[], 'Say what to judge'],
    [['-f', '/nowhere/a.yaml'], 'There is no file /nowhere/a.yaml'],
    [['-f', '-'], 'There is no Workspace in -'],
    [['-f', '-', '--feature-gates', 'MIG'], '--feature-gates takes'],
  ])('refuses %j', async (args, message) => {
    const { out, exitCode } = await run(args, { stdin: args.includes('--feature-gates') ? workspace('a') : 'apiVersion: v1\nkind: Node\n' });
    expect(out).toContain(message);
    expect(exitCode).toBeGreaterThan(1);
  });
});

describe('validate --cluster-facts', () => {
  const objects = [configMap('settings', { 'training_config.yaml': 'training_config: {QuantizationConfig: {load_in_8bit: 1}}' }), secret('push', 'Opaque', 'a')];
  // What the fake keeps is what a cluster answers: whole objects.
  const cluster = (): FakeCluster => createFakeCluster(objects.map((object) => JSON.parse(JSON.stringify(object))));

  it('reads what the documents name, and writes nothing', async () => {
    const fake = cluster();
    const { out, exitCode } = await run(['-f', '-', '--cluster-facts'], { stdin: tuning, cluster: fake });
    expect(out).toContain('value must be either nil or a boolean, got type int');
    expect(out).toContain('[secret-wrong]');
    expect(exitCode).toBe(2);
    expect(fake.writes).toEqual([]);
  });

  it('knows what is missing there', async () => {
    const { out } = await run(['-f', '-', '--cluster-facts'], { stdin: tuning, cluster: createFakeCluster() });
    expect(out).toContain("ConfigMap 'settings' specified in 'config' not found in namespace 'default'");
    expect(out).toContain('[secret-missing]');
  });

  it('leaves unknown what may not be read', async () => {
    const fake = cluster();
    fake.break('Secret', new AccessError('Forbidden.'));
    const { out } = await run(['-f', '-', '--cluster-facts'], { stdin: tuning, cluster: fake });
    expect(out).toContain('[secret-unknown]');
  });
});

describe('validate in a GitHub Actions run', () => {
  it('annotates the line of each file that is wrong', async () => {
    const file = write('a.yaml', `${workspace('good')}---\n${workspace('bad', 'Standard_NC6s_v3')}`);
    const { stderr, exitCode } = await runCli(['validate', '-f', file, '-o', 'github']);
    expect(stderr.split('\n').filter((line) => line.startsWith('::'))).toEqual([expect.stringMatching(`^::error file=${file},line=17,col=17,title=kaito-ts instance-type-unsupported::Standard_NC6s_v3 has V100 GPUs.*%0AWrite instanceType: `)]);
    expect(exitCode).toBe(2);
    expect((await runCli(['render', '-f', file, '-o', 'github'])).stderr).toContain(`::error file=${file},line=17,col=17,title=kaito-ts instance-type-unsupported::`);
  });

  it('annotates what came on stdin without a file', async () => {
    const { stderr } = await runCli(['validate', '-f', '-', '-o', 'github'], { input: workspace('bad', 'Standard_NC6s_v3') });
    expect(stderr).toMatch(/^::error title=kaito-ts instance-type-unsupported::/m);
  });
});
