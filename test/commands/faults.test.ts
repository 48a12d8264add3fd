import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import type { Fault } from '../../src/sandbox/faults.ts';
import { useSandbox, type SandboxHandle } from '../support/sandbox.ts';

const tune = ['tune', '--preset', 'phi-3-mini', '--method', 'qlora'];
const tuning = 'phi-3-mini-128k-instruct-qlora';
const serve = ['serve', '--preset', 'phi-3-mini', '--timeout', '20s', '--node-timeout', '20s'];
const server = 'phi-3-mini-128k-instruct';

const statusOf = async (sandbox: SandboxHandle, name: string): Promise<Record<string, unknown>> => {
  const { stdout } = await sandbox.run(['status', name, '-o', 'json']);
  const { items }: { items: Record<string, unknown>[] } = JSON.parse(stdout);
  return items[0] ?? {};
};

describe.each<[Fault, number, RegExp[]]>([
  ['capacity', exitCodes.capacity, [/Azure has no free Standard_NV36ads_A10_v5 in eastus/, /AllocationFailed|Allocation failed/]],
  ['pool-failed', exitCodes.failed, [/did not become nodes that are ready/, /Expected: 1, Actual: 0/]],
  ['image-pull', exitCodes.workloadFailed, [/container "tuner" image pull failed/, /kubectl describe pod/]],
  ['dataset-missing', exitCodes.workloadFailed, [/The dataset could not be fetched/, /huggingface\.co/]],
  ['bad-dataset', exitCodes.workloadFailed, [/Training failed/, /KeyError: None/, /use `messages`/]],
  ['cuda-oom', exitCodes.workloadFailed, [/Training failed/, /CUDA out of memory/, /--instance-type/]],
  ['oom', exitCodes.workloadFailed, [/OOMKilled \(exit code 137\)/, /larger instance type/]],
])('tuning with the trouble %s', (fault, exitCode, texts) => {
  const sandbox = useSandbox([fault]);

  it('says what, why and what next, and gives the GPUs back', async () => {
    const result = await sandbox.run(tune);
    for (const text of texts) expect(result.stderr).toMatch(text);
    expect(result.stderr).toMatch(/^hint: /m);
    expect(result.stdout).toBe('');
    expect(result.exitCode).toBe(exitCode);
    expect(await statusOf(sandbox, tuning)).toMatchObject({ nodePool: { state: 'Removed' }, workerNodes: [] });
  });
});

describe('a tuning that failed', () => {
  const sandbox = useSandbox(['bad-dataset']);

  it('is remembered with its reason and the end of its log when the pod is gone, and is tried anew by the same command', async () => {
    await sandbox.run(tune);
    expect(await statusOf(sandbox, tuning)).toMatchObject({ state: 'Failed', why: 'TrainingFailed: KeyError: None.' });
    const logs = await sandbox.run(['logs', tuning]);
    expect(logs.stdout).toMatch(/KeyError: None/);
    const again = await sandbox.run(tune);
    expect(again.stderr).toMatch(/Delete Job\/phi-3-mini-128k-instruct-qlora of the failed run/);
    expect(again.exitCode).toBe(exitCodes.workloadFailed);
  });
});

describe.each<[Fault, number, RegExp[]]>([
  ['image-pull', exitCodes.workloadFailed, [/image pull failed/]],
  ['crash-loop', exitCodes.workloadFailed, [/is in CrashLoopBackOff; last termination: ValueError: To serve at least one request/, /kaito-ts logs phi-3-mini-128k-instruct --previous/]],
  ['oom', exitCodes.workloadFailed, [/OOMKilled/]],
  ['unschedulable', exitCodes.timeout, [/was not ready in 20s/, /is unschedulable: 0\/2 nodes are available/]],
])('serving with the trouble %s', (fault, exitCode, texts) => {
  const sandbox = useSandbox([fault]);

  it('says what and why, and that the GPU nodes are still paid for', async () => {
    const result = await sandbox.run(serve);
    for (const text of texts) expect(result.stderr).toMatch(text);
    expect(result.stderr).toMatch(/warning: Agent pool \w+ \(1 x Standard_NV36ads_A10_v5\) is still there and costs about \$3\.20 an hour/);
    expect(result.stderr).toMatch(/hint: kaito-ts delete phi-3-mini-128k-instruct -n default/);
    expect(result.exitCode).toBe(exitCode);
  });
});

describe('a server that crashes again and again', () => {
  const sandbox = useSandbox(['crash-loop']);

  it.each([['chat', 'Hello?'], ['endpoint']])('is not waited for by %s %s', async (command, ...prompt) => {
    await sandbox.run(serve);
    const { stdout, stderr, exitCode } = await sandbox.run([command, server, ...prompt]);
    expect(stderr).toMatch(/error: The model server cannot run\./);
    expect(stderr).toMatch(/is in CrashLoopBackOff; last termination: ValueError: To serve at least one request/);
    expect(stderr).toMatch(/hint: kaito-ts logs phi-3-mini-128k-instruct --previous/);
    expect(stdout).toBe('');
    expect(exitCode).toBe(exitCodes.workloadFailed);
  });
});

describe('nodes that do not come', () => {
  const sandbox = useSandbox(['slow-nodes']);

  it('are waited for as long as was allowed, and the pool is told of', async () => {
    const result = await sandbox.run([...serve.slice(0, 3), '--node-timeout', '2s']);
    expect(result.stderr).toMatch(/Waited 2s for agent pool/);
    expect(result.stderr).toMatch(/kaito-ts delete phi-3-mini-128k-instruct/);
    expect(result.exitCode).toBe(exitCodes.timeout);
    const deleted = await sandbox.run(['delete', server, '--dry-run', '-o', 'json']);
    expect(JSON.parse(deleted.stdout).steps.map(({ kind }: { kind: string }) => kind)).toContain('delete-agent-pool');
  });
});

describe.each([
  ['tune', tune, tuning],
  ['serve', serve, server],
])('a login that expires while Azure makes the nodes of %s', (_command, args, name) => {
  const sandbox = useSandbox(['login-expired', 'slow-nodes']);

  it('says nothing of a failure, but that the pool may come and cost money, and how to go on', async () => {
    const { stderr, exitCode } = await sandbox.run(args);
    expect(stderr).toMatch(/^error: Azure cannot be asked how agent pool (k\w+) comes along; it may be there all the same, and then it costs money\.\n {2}Azure did not accept the login for asking how creating agent pool \1 goes\.\n {2}The access token expiry/m);
    expect(stderr).toMatch(/^hint: az login\n/m);
    expect(stderr).toMatch(/^hint: Run the same command again when Azure can be asked: it takes up the operation where it is\.$/m);
    expect(stderr).toMatch(/^warning: Agent pool k\w+ \(1 x Standard_NV36ads_A10_v5\) is left to Azure\. While it is there it costs about \$3\.20 an hour\.$/m);
    expect(stderr).toContain(`hint: kaito-ts delete ${name} -n default   # undo\n`);
    expect(stderr).not.toMatch(/could not complete|failed/);
    expect(exitCode).toBe(exitCodes.access);
    expect(await statusOf(sandbox, name)).toMatchObject({ nodePool: { state: 'Creating' } });
  });
});

describe.each<[Fault]>([['watch-gone'], ['watch-cut']])('a Kubernetes API whose watches end (%s)', (fault) => {
  const sandbox = useSandbox([fault]);

  it('is followed all the same', async () => {
    const { stdout, exitCode } = await sandbox.run(tune);
    expect(stdout).toMatch(/^adapter: .*@sha256:/m);
    expect(exitCode).toBe(0);
  });
});

describe('a log that is followed over a connection that breaks', () => {
  const sandbox = useSandbox(['log-cut'], 600);

  it('comes whole, with nothing told twice, and says that it broke off and went on', async () => {
    const tuned = await sandbox.run([...tune, '--keep-nodes']);
    expect(tuned.exitCode, tuned.stderr).toBe(0);
    const followed = await sandbox.run(['logs', tuning, '-f', '-c', 'tuner']);
    expect(followed.stderr).toMatch(/^warning: The log broke off, and is taken up again: The API server \S+ broke the connection off\.\nThe log goes on where it broke off\.$/m);
    expect(followed.exitCode).toBe(0);
    const afterwards = await sandbox.run(['logs', tuning, '-c', 'tuner']);
    expect(followed.stdout).toBe(afterwards.stdout);
    expect(followed.stdout).toMatch(/Fine-Tuning completed/);
  });
});

describe('several instance types', () => {
  const sandbox = useSandbox(['capacity']);

  it('are tried in order, and the last refusal is the error', async () => {
    const { stderr, exitCode } = await sandbox.run([...tune, '--instance-type', 'Standard_NV36ads_A10_v5,Standard_NC24ads_A100_v4']);
    expect(stderr).toMatch(/no free Standard_NV36ads_A10_v5 in eastus\. Trying Standard_NC24ads_A100_v4 next/);
    expect(stderr).toMatch(/^error: Azure has no free Standard_NC24ads_A100_v4/m);
    expect(exitCode).toBe(exitCodes.capacity);
  });
});
