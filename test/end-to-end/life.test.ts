import { describe, expect, it } from 'vitest';
import { putFile } from '../cluster/registries/control.ts';
import { trainingRows } from './data.ts';
import { useRig } from './rig.ts';

/** The life of a model on real pods, in the order in which a user meets it: each test goes on from what the one before left. */
describe('from a model to an answer', () => {
  const rig = useRig();
  const tuning = 'phi-3-mini-128k-instruct-qlora';
  const server = 'phi-3-mini-128k-instruct';
  const tune = async (): Promise<string[]> => ['tune', '--preset', 'phi-3-mini', '--method', 'qlora', '--input-url', await putFile(rig().registries, `${rig().namespace}.jsonl`, trainingRows(10))];

  it('tunes on a node that was not there before, pushes the adapter and gives the node back', async () => {
    const { stdout, stderr, exitCode } = await rig.run(await tune());
    expect(exitCode, stderr).toBe(0);
    expect(stderr).toMatch(/Add agent pool/);
    expect(stderr).toMatch(/step \d+ of \d+ .*loss/);
    expect(stdout).toMatch(/^adapter: kaitotest\w+\.azurecr\.io\/e2e-\w+\/phi-3-mini-128k-instruct-qlora:latest@sha256:[0-9a-f]{64}$/m);
    expect(rig().azure.nodeNames()).toEqual([]);
  });

  it('finds the finished tuning on a second run, and asks Azure for nothing', async () => {
    const before = rig().azure.requests().filter(({ method }) => method !== 'GET').length;
    const { stderr, exitCode } = await rig.run(await tune());
    expect(stderr).toMatch(/Nothing to do/);
    expect(exitCode).toBe(0);
    expect(rig().azure.requests().filter(({ method }) => method !== 'GET')).toHaveLength(before);
  });

  it('serves the model with the adapter, pulled back from the registry', async () => {
    const { stdout, stderr, exitCode } = await rig.run(['serve', '--preset', 'phi-3-mini', '--adapter', tuning]);
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(/^endpoint: /m);
  });

  it('answers with the adapter', async () => {
    const { stdout, stderr, exitCode } = await rig.run(['chat', server, 'What is an adapter?', '--adapter', tuning, '-o', 'json']);
    expect(exitCode, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ workspace: server, adapter: tuning, finishReason: 'stop' });
  });

  it('shows both with the states that the operator would show', async () => {
    const { stdout } = await rig.run(['status', '-o', 'json']);
    const { items }: { items: { name: string; state: string }[] } = JSON.parse(stdout);
    expect(items.map(({ name, state }) => [name, state])).toEqual([[server, 'Ready'], [tuning, 'Succeeded']]);
  });

  it('prints what the server printed', async () => {
    const { stdout, exitCode } = await rig.run(['logs', server]);
    expect(stdout).toMatch(/vLLM/);
    expect(exitCode).toBe(0);
  });

  it('deletes the server with its node', async () => {
    const { stderr, exitCode } = await rig.run(['delete', server]);
    expect(exitCode, stderr).toBe(0);
    expect(rig().azure.nodeNames()).toEqual([]);
    const { items } = await rig().api.core.listNamespacedPod({ namespace: rig().namespace });
    expect(items.filter(({ metadata }) => metadata?.labels?.['kaito.sh/workspace'] === server)).toEqual([]);
  });
});
