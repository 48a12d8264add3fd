import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import { useSandbox } from '../support/sandbox.ts';

/** The life of a model, in the order in which a user meets it: each test goes on from what the one before left. */
describe('from a model to an answer', () => {
  const sandbox = useSandbox();
  const name = 'phi-3-mini-128k-instruct-qlora';
  const server = 'phi-3-mini-128k-instruct';
  const tune = ['tune', '--preset', 'phi-3-mini', '--method', 'qlora'];

  it('plans a tuning without writing anything', async () => {
    const { stdout, stderr, exitCode } = await sandbox.run([...tune, '--dry-run']);
    expect(stderr).toBe('');
    for (const text of [/name +phi-3-mini-128k-instruct-qlora/, /preset +phi-3-mini-128k-instruct +\(phi-3-mini is short for it/, /dataset +https:/, /output +127\.0\.0\.1:\d+\/kaito\//, /instance-type +1 x Standard_/, /\$\d+\.\d\d an hour, at most \$\d+/, /time limit +4h /, /quota: /]) {
      expect(stdout).toMatch(text);
    }
    expect(exitCode).toBe(0);
    expect(JSON.parse((await sandbox.run(['status', '-o', 'json'])).stdout)).toEqual({ items: [] });
  });

  it.each(['tune', 'serve'])('%s of a name that nobody knows says so', async (command) => {
    const { stderr, stdout, exitCode } = await sandbox.run([command, 'nobody', '-n', 'kube-system']);
    expect(stderr).toMatch(/There is no workspace nobody in namespace kube-system/);
    expect(stderr).toMatch(/Add --preset/);
    expect(stdout).toBe('');
    expect(exitCode).toBe(exitCodes.usage);
  });

  it.each([
    ['serve', ['--config', 'nobodys'], /ConfigMap\/nobodys/],
    ['tune', ['--output-claim', 'nobodys'], /PersistentVolumeClaim\/nobodys/],
  ])('%s %j refuses what its pods would wait for in vain', async (command, flags, said) => {
    const { stderr, exitCode } = await sandbox.run([command, '--preset', 'phi-3-mini', ...flags, '--dry-run']);
    expect(stderr).toMatch(said);
    expect(exitCode).toBe(exitCodes.preflightRefused);
  });

  it('says which namespace holds no workspaces', async () => {
    expect((await sandbox.run(['status', '-n', 'kube-system'])).stdout).toBe('No workspaces found in namespace kube-system.\n');
  });

  it('tunes, pushes the adapter and gives the GPUs back', async () => {
    const { stdout, stderr, exitCode } = await sandbox.run(tune);
    expect(stderr).toMatch(/Write the owner record/);
    expect(stderr).toMatch(/step \d+ of \d+ .*loss/);
    expect(stderr).toMatch(/Remove agent pool/);
    expect(stdout).toMatch(/^adapter: 127\.0\.0\.1:\d+\/kaito\/phi-3-mini-128k-instruct-qlora:latest@sha256:[0-9a-f]{64}$/m);
    expect(stdout).toMatch(/^serve it: kaito-ts serve --preset phi-3-mini-128k-instruct --adapter phi-3-mini-128k-instruct-qlora$/m);
    expect(exitCode).toBe(0);
  });

  it('finds the finished tuning on a second run, and writes nothing', async () => {
    const { stdout, stderr, exitCode } = await sandbox.run(tune);
    expect(stderr).toMatch(/Nothing to do/);
    expect(stdout).toMatch(/^adapter: /m);
    expect(exitCode).toBe(0);
  });

  it('refuses to tune something else under the same name', async () => {
    const { stderr, exitCode } = await sandbox.run([...tune, '--rank', '16']);
    expect(stderr).toMatch(/was tuned with other settings/);
    expect(exitCode).toBe(exitCodes.conflict);
  });

  it('serves the model with its adapter until it answers', async () => {
    const { stdout, stderr, exitCode } = await sandbox.run(['serve', '--preset', 'phi-3-mini', '--adapter', name]);
    expect(stderr).toMatch(/health answers 200/);
    expect(stdout).toMatch(/^endpoint: http:\/\/phi-3-mini-128k-instruct\.default\.svc\.cluster\.local\/v1$/m);
    expect(stdout).toMatch(/^talk to it: kaito-ts chat phi-3-mini-128k-instruct$/m);
    expect(exitCode).toBe(0);
  });

  it('leaves the server as it is when another adapter has no image', async () => {
    const adapter = String(/^adapter: (.*):latest@/m.exec((await sandbox.run(tune)).stdout)?.[1]);
    const { stderr, exitCode } = await sandbox.run(['serve', server, '--adapter', name, '--adapter', `other=${adapter}:typo`]);
    expect(stderr).toMatch(/Image 127\.0\.0\.1:\d+\/kaito\/phi-3-mini-128k-instruct-qlora:typo does not exist/);
    expect(stderr).toMatch(/Check the name and the tag/);
    expect(exitCode).toBe(exitCodes.preflightRefused);
    expect((await sandbox.run(['chat', server, 'Hello'])).exitCode).toBe(0);
  });

  it('serves on a second run without writing anything', async () => {
    const { stdout, exitCode } = await sandbox.run(['serve', '--preset', 'phi-3-mini', '--adapter', name, '--dry-run', '-o', 'json']);
    const plan: { steps: { kind: string }[] } = JSON.parse(stdout);
    expect(plan.steps.map(({ kind }) => kind).filter((kind) => !kind.startsWith('await-'))).toEqual([]);
    expect(exitCode).toBe(0);
  });

  it.each([[['serve', '--preset', 'phi-3-mini']], [['serve', server]]])('keeps the adapter when nobody mentions it: %j', async (args) => {
    const { stdout, exitCode } = await sandbox.run([...args, '--dry-run', '-o', 'json']);
    const plan: { steps: { kind: string }[]; checks: { what: string }[]; choices: { what: string; value: string }[] } = JSON.parse(stdout);
    expect(plan.choices).toContainEqual(expect.objectContaining({ what: 'adapter', why: 'as before' }));
    if (args.includes(server)) expect(plan.choices).toContainEqual(expect.objectContaining({ what: 'preset', why: expect.stringMatching(/^as before/) }));
    expect(plan.checks.map(({ what }) => what)).not.toContain('pull');
    expect(plan.steps.map(({ kind }) => kind).filter((kind) => !kind.startsWith('await-'))).toEqual([]);
    expect(exitCode).toBe(0);
  });

  it('finds the finished tuning by its name alone', async () => {
    const { stdout, exitCode } = await sandbox.run(['tune', name]);
    expect(stdout).toMatch(/^adapter: /m);
    expect(exitCode).toBe(0);
  });

  it('shows both with the conditions of the operator', async () => {
    const { stdout } = await sandbox.run(['status', '-o', 'json']);
    const { items }: { items: { name: string; state: string; conditions: { type: string; status: string; reason: string }[]; next: string }[] } = JSON.parse(stdout);
    expect(items.map(({ name: shown, state }) => [shown, state])).toEqual([[server, 'Ready'], [name, 'Succeeded']]);
    expect(items[0]?.conditions).toContainEqual(expect.objectContaining({ type: 'InferenceReady', status: 'True', reason: 'WorkspaceInferenceStatusSuccess' }));
    expect(items[1]?.conditions).toContainEqual(expect.objectContaining({ type: 'WorkspaceSucceeded', status: 'True' }));
    const table = await sandbox.run(['status']);
    expect(table.stdout).toMatch(/^NAME +INSTANCE +RESOURCEREADY +INFERENCEREADY +JOBSTARTED +WORKSPACESUCCEEDED +TARGETNODECOUNT +STATE +AGE$/m);
    expect(table.stdout).toMatch(/next: kaito-ts chat phi-3-mini-128k-instruct/);
  });

  it('answers a question from a pipe with the answer and nothing else on stdout', async () => {
    const { stdout, exitCode } = await sandbox.run(['chat', 'What is a tuning adapter?']);
    expect(stdout).toMatch(/adapter/i);
    expect(stdout.endsWith('\n')).toBe(true);
    expect(exitCode).toBe(0);
  });

  it('puts what is piped in before the prompt, and answers as JSON', async () => {
    const { stdout, exitCode } = await sandbox.run(['chat', server, 'Repeat what I said.', '--adapter', name, '-o', 'json'], { input: 'the quick brown fox' });
    expect(JSON.parse(stdout)).toMatchObject({ workspace: server, adapter: name, prompt: 'the quick brown fox\n\nRepeat what I said.', finishReason: 'stop' });
    expect(exitCode).toBe(0);
  });

  it('prints the log of the server', async () => {
    const { stdout, exitCode } = await sandbox.run(['logs', server]);
    expect(stdout).toMatch(/Starting vLLM server/);
    expect(exitCode).toBe(0);
  });

  it('deletes the server with its nodes', async () => {
    const { stderr, exitCode } = await sandbox.run(['delete', server]);
    expect(stderr).toMatch(/Remove agent pool/);
    expect(exitCode).toBe(0);
    const { stdout } = await sandbox.run(['status', '-o', 'json']);
    expect(JSON.parse(stdout).items.map((item: { name: string }) => item.name)).toEqual([name]);
  });
});

describe('--no-wait', () => {
  const sandbox = useSandbox([], 600);
  const serve = ['serve', '--preset', 'phi-3-mini'];

  it('asks for everything and leaves it to the cluster, where the same command without it goes on', async () => {
    const left = await sandbox.run([...serve, '--no-wait']);
    expect(left.stderr).toMatch(/asked for, and left to Azure/);
    expect(left.stderr).not.toMatch(/Wait for/);
    expect(left.exitCode).toBe(0);
    expect(JSON.parse((await sandbox.run(['status', '-o', 'json'])).stdout).items[0]).toMatchObject({ state: 'Pending' });
    const awaited = await sandbox.run(serve);
    expect(awaited.stderr).toMatch(/Take up agent pool/);
    expect(awaited.stdout).toMatch(/^endpoint: /m);
    expect(awaited.exitCode).toBe(0);
  });
});
