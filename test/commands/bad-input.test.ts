import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import { runCli, type CliResult } from '../support/cli.ts';
import { useSandbox, type SandboxHandle } from '../support/sandbox.ts';

const tune = ['tune', '--preset', 'phi-3-mini', '--method', 'qlora'];

/** What happened, the fact that shows it, the command that helps next; nothing on stdout. */
const expectRefusal = (result: CliResult, exitCode: number, ...texts: (string | RegExp)[]): void => {
  for (const text of texts) expect(result.stderr).toMatch(text);
  expect(result.stderr).toMatch(/^error: /m);
  expect(result.stderr).toMatch(/^hint: /m);
  expect(result.stdout).toBe('');
  expect(result.exitCode).toBe(exitCode);
};

/** Nothing written, nothing left running. */
const expectUntouched = async (sandbox: SandboxHandle): Promise<void> => {
  const { stdout } = await sandbox.run(['status', '-A', '-o', 'json']);
  expect(JSON.parse(stdout)).toEqual({ items: [] });
};

describe('a wrong command line', () => {
  it('names the nearest presets when there is none of that name', async () => {
    expectRefusal(await runCli(['tune', '--preset', 'phi-3-mimi', '--method', 'qlora']), exitCodes.notFound, /no preset "phi-3-mimi"/, /Nearest: .*phi-3-mini/);
  });

  it('names what took the place of a preset that KAITO gave up', async () => {
    expectRefusal(await runCli(['tune', '--preset', 'falcon-7b']), exitCodes.notFound, /no preset "falcon-7b"/, /took its place|no longer/);
  });

  it('offers a valid name for an invalid one', async () => {
    expectRefusal(await runCli(['tune', 'My_Tuning', '--preset', 'phi-3-mini']), exitCodes.usage, /"My_Tuning" cannot be the name/, /my-tuning/);
  });

  it('answers a retired instance type with its replacement', async () => {
    expectRefusal(await runCli([...tune, '--instance-type', 'Standard_NC6s_v3']), exitCodes.usage, /Standard_NC6s_v3/, /V100/, /--instance-type Standard_NV36ads_A10_v5/);
  });

  it('answers an unknown instance type with where to look', async () => {
    expectRefusal(await runCli([...tune, '--instance-type', 'Standard_Nonsense']), exitCodes.usage, /"Standard_Nonsense" is no instance type/, /kaito-ts instance-types/);
  });

  it('names the options of the command when one is unknown', async () => {
    expectRefusal(await runCli(['tune', '--presett', 'phi-3-mini']), exitCodes.usage, /unknown option '--presett'/i, /kaito-ts tune --help/);
  });

  it('names commands that are near when one is unknown', async () => {
    expectRefusal(await runCli(['statsu']), exitCodes.usage, /unknown command 'statsu'/i, /Did you mean status/);
  });

  it('says that there is no help of that name', async () => {
    expectRefusal(await runCli(['help', 'nonsense']), exitCodes.usage, /no help for "nonsense"/, /exit-codes/);
  });

  it('says that there is no such program to run in the sandbox', async () => {
    expectRefusal(await runCli(['sandbox', '--', 'statsu', '-A']), exitCodes.notFound, /no program "statsu"/, /kaito-ts sandbox -- kaito-ts statsu -A/);
  });

  it('says which model is missing', async () => {
    expectRefusal(await runCli(['tune']), exitCodes.usage, /Say which model to tune/, /--preset/);
  });

  it('says that a preset cannot be tuned, and which can', async () => {
    expectRefusal(await runCli(['tune', '--preset', 'llama-3.1-8b-instruct']), exitCodes.preflightRefused, /cannot be tuned/, /phi-4-mini-instruct/);
  });

  it('names the file of a wrong setting', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kaito-ts-'));
    writeFileSync(join(folder, 'kaito-ts.yaml'), 'instance-typo: x\n');
    expectRefusal(await runCli(tune, { workingDirectory: folder }), exitCodes.usage, /kaito-ts\.yaml has the key "instance-typo"/);
  });

  it('names the environment variable of a wrong setting', async () => {
    expectRefusal(await runCli(tune, { environment: { KAITO_TIME_LIMIT: 'soon' } }), exitCodes.usage, /--time-limit is a duration/, /KAITO_TIME_LIMIT/);
  });
});

describe('no cluster', () => {
  it('says where a kubeconfig was looked for', async () => {
    expectRefusal(await runCli(tune), exitCodes.notFound, /kubeconfig/i, /KUBECONFIG/, /kaito-ts sandbox/);
  });

  it('names the server that cannot be reached', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kaito-ts-'));
    const kubeconfig = join(folder, 'config');
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'here',
        contexts: [{ name: 'here', context: { cluster: 'here', user: 'me' } }],
        clusters: [{ name: 'here', cluster: { server: 'https://127.0.0.1:1' } }],
        users: [{ name: 'me', user: { token: 'none' } }],
      }),
    );
    expectRefusal(await runCli(tune, { environment: { KUBECONFIG: kubeconfig } }), exitCodes.failed, /127\.0\.0\.1:1/, /ECONNREFUSED|refused/);
  });
});

describe('an unknown workspace', () => {
  const sandbox = useSandbox();

  it.each([['status', ['status', 'nobody']], ['delete', ['delete', 'nobody']], ['logs', ['logs', 'nobody']], ['chat', ['chat', 'nobody', 'Hello']]])('is told by %s', async (_, args) => {
    expectRefusal(await sandbox.run(args), exitCodes.notFound, /nobody/, /kaito-ts status/);
  });

  it('is told when its adapter is to be served', async () => {
    expectRefusal(await sandbox.run(['serve', '--preset', 'phi-3-mini', '--adapter', 'nobody']), exitCodes.notFound, /no tuning nobody/, /kaito-ts status/);
    await expectUntouched(sandbox);
  });
});

describe('something that is named and is not there', () => {
  const sandbox = useSandbox();

  it.each([
    ['a namespace', [...tune, '-n', 'nowhere'], exitCodes.notFound, /There is no namespace nowhere/],
    ['a claim for the adapter', [...tune, '--output-claim', 'nothing'], exitCodes.preflightRefused, /PersistentVolumeClaim\/nothing does not exist in namespace default/],
    ['a ConfigMap of the server', ['serve', '--preset', 'phi-3-mini', '--config', 'nothing'], exitCodes.preflightRefused, /ConfigMap\/nothing does not exist in namespace default/],
  ])('is told before a GPU is rented, and in a dry run: %s', async (_, args, exitCode, message) => {
    expectRefusal(await sandbox.run([...args, '--dry-run']), exitCode, message, /kubectl/);
    expectRefusal(await sandbox.run(args), exitCode, message, /kubectl/);
    await expectUntouched(sandbox);
  });

  it('is told before a GPU is rented: an image with the dataset', async () => {
    const image = `${sandbox.environment()['KAITO_REGISTRY']}/nothing:1`;
    const refused = await sandbox.run([...tune, '--input-image', image, '--input-image-secret', 'registry-credentials']);
    expectRefusal(refused, exitCodes.preflightRefused, `Image ${image} does not exist`, /Check the name and the tag/, /Secret registry-credentials/);
    await expectUntouched(sandbox);
  });

  it('leads to commands that ask the same namespace', async () => {
    expectRefusal(await sandbox.run(['chat', '-n', 'kube-system', '--context', 'sandbox', 'What is this?']), exitCodes.notFound, /^hint: kaito-ts serve --preset <name> -n kube-system --context sandbox$/m);
  });
});

describe('a pod that has not started', () => {
  const sandbox = useSandbox(['unschedulable']);

  it('has no log yet, and that is said with the reason', async () => {
    expect((await sandbox.run(['serve', 'waiting', '--preset', 'phi-3-mini', '--no-wait'])).exitCode).toBe(exitCodes.done);
    const logs = async () => await sandbox.run(['logs', 'waiting']);
    await expect.poll(async () => (await logs()).stderr).toMatch(/has no log yet/);
    expectRefusal(await logs(), exitCodes.notFound, /none of its containers has started/, /unschedulable/, /kaito-ts status waiting/);
  });
});

describe('not logged in to Azure', () => {
  const sandbox = useSandbox(['not-logged-in']);

  it('says what Entra answered, and how to log in', async () => {
    expectRefusal(await sandbox.run(tune), exitCodes.access, /AADSTS7000215/, /az login/);
    await expectUntouched(sandbox);
  });
});

describe('no quota', () => {
  const sandbox = useSandbox(['quota']);

  it('says which family has none left before anything is written', async () => {
    expectRefusal(await sandbox.run(tune), exitCodes.quota, /no quota left/, /Standard_NV36ads_A10_v5, \$3\.20 an hour: StandardNVADSA10v5Family: 0 of 0 vCPUs used, 36 needed/, /az vm list-usage/);
    await expectUntouched(sandbox);
  });
});

describe('no permission to add agent pools', () => {
  const sandbox = useSandbox(['forbidden']);

  it('says which action on what was refused', async () => {
    expectRefusal(await sandbox.run(tune), exitCodes.access, /agentPools\/write/);
  });
});

describe('a registry that refuses', () => {
  const sandbox = useSandbox(['push-refused']);

  it('is noticed before a GPU is rented', async () => {
    expectRefusal(await sandbox.run(tune), exitCodes.preflightRefused, /refuses a push/, /registry-credentials/);
    await expectUntouched(sandbox);
  });
});

describe('a Kubernetes API that is down', () => {
  const sandbox = useSandbox(['api-down']);

  it('is told with its own words, in bounded time', async () => {
    expectRefusal(await sandbox.run(['status']), exitCodes.failed, /currently unable to handle the request/);
  });
});
