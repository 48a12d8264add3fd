import { beforeAll, describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/domain/errors.ts';
import { publicImages } from '../cluster/images/catalogue.ts';
import { useGpuNode } from './gpu-node.ts';
import { useRig } from './rig.ts';

const model = 'phi-3-mini-128k-instruct';

describe('a server on a node that is there already', () => {
  const node = useGpuNode();
  const rig = useRig();
  const serve = (...args: string[]) => rig.run(['serve', 'llm', '--preset', 'phi-3-mini', '--nodes', node().selector, ...args]);
  /** What the server has, which it tells whoever asks for something else. */
  const served = async (): Promise<string> => (await rig.run(['chat', 'llm', 'Hello', '--model', 'nobody'])).stderr;
  const podOf = async () => (await rig().api.core.listNamespacedPod({ namespace: rig().namespace, labelSelector: 'kaito.sh/workspace=llm' })).items.find(({ metadata }) => metadata?.deletionTimestamp === undefined);

  it('refuses labels that no node has, and writes nothing', async () => {
    const { stderr, exitCode } = await rig.run(['serve', 'llm', '--preset', 'phi-3-mini', '--nodes', 'owner=nobody']);
    expect(stderr).toMatch(/^error: No Ready node with labels owner=nobody has a GPU to allocate\.$/m);
    expect(exitCode).toBe(exitCodes.preflightRefused);
    expect((await rig().api.core.listNamespacedConfigMap({ namespace: rig().namespace })).items.map(({ metadata }) => metadata?.name)).not.toContain('llm-kaito');
  });

  it('serves with a configuration of the user\'s own, and asks Azure for nothing', async () => {
    const { namespace, api } = rig();
    await api.core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'short' }, data: { 'inference_config.yaml': 'vllm:\n  max-model-len: 2048\n' } } });
    const { stderr, exitCode } = await serve('--config', 'short');
    expect(exitCode, stderr).toBe(0);
    expect(rig().azure.requests()).toEqual([]);
    const { stdout } = await rig.run(['logs', 'llm']);
    expect(stdout).toMatch(/Using max model len 2048/);
  });

  it('takes an adapter image in when it is asked for, and the same command again does nothing', async () => {
    const first = await serve('--adapter', `style=${publicImages.adapter}`);
    expect(first.exitCode, first.stderr).toBe(0);
    expect(await served()).toContain(`It serves: ${model}, style.`);
    const pod = (await podOf())?.metadata?.uid;
    const again = await serve('--adapter', `style=${publicImages.adapter}`);
    expect(again.exitCode, again.stderr).toBe(0);
    expect(again.stderr).not.toMatch(/Update|Write/);
    expect((await podOf())?.metadata?.uid).toBe(pod);
  });

  it('takes it away again, and keeps the configuration', async () => {
    const { stderr, exitCode } = await serve('--adapter', 'none');
    expect(exitCode, stderr).toBe(0);
    expect(await served()).toContain(`It serves: ${model}.`);
    expect((await rig.run(['logs', 'llm'])).stdout).toMatch(/Using max model len 2048/);
  });

  it('goes with all its pods, and leaves the node', async () => {
    const { stderr, exitCode } = await rig.run(['delete', 'llm']);
    expect(exitCode, stderr).toBe(0);
    expect(await podOf()).toBeUndefined();
    const { items } = await rig().api.core.listNode({ labelSelector: node().selector });
    expect(items).toHaveLength(1);
  });
});

describe('a server on several nodes', () => {
  const rig = useRig();
  const name = 'large';

  it('finds its leader by name, and answers when every node has joined', async () => {
    const { stdout, stderr, exitCode } = await rig.run(['serve', name, '--preset', 'llama-3.3-70b-instruct', '--instance-type', 'Standard_NC24ads_A100_v4', '--model-access-secret', 'hf-token']);
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(/^endpoint: /m);
    const { namespace, api, azure } = rig();
    expect(azure.nodeNames().length).toBeGreaterThanOrEqual(2);
    const { items } = await api.core.listNamespacedPod({ namespace, labelSelector: `kaito.sh/workspace=${name}` });
    expect(items.map(({ metadata }) => metadata?.name ?? '').toSorted()).toEqual(Array.from({ length: azure.nodeNames().length }, (_, index) => `${name}-${index}`));
    expect(new Set(items.map(({ spec }) => spec?.nodeName)).size).toBe(items.length);
    const log = await api.core.readNamespacedPodLog({ namespace, name: `${name}-1` });
    expect(log).toContain(`(${name}-0.${name}-headless.${namespace}.svc.cluster.local:6379)`);
  });

  it('answers from the leader', async () => {
    const { stdout, stderr, exitCode } = await rig.run(['chat', name, 'Hello']);
    expect(stdout).toBe('llama-3.3-70b-instruct heard 1 messages, the last: Hello\n');
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
  });

  it('shows all its nodes', async () => {
    const { stdout } = await rig.run(['status', name, '-o', 'json']);
    expect(JSON.parse(stdout).items[0]).toMatchObject({ state: 'Ready', workerNodes: rig().azure.nodeNames().toSorted() });
  });

  it('goes with all its nodes', async () => {
    const { stderr, exitCode } = await rig.run(['delete', name]);
    expect(exitCode, stderr).toBe(0);
    expect(rig().azure.nodeNames()).toEqual([]);
  });

  beforeAll(async () => {
    await rig().api.core.createNamespacedSecret({ namespace: rig().namespace, body: { metadata: { name: 'hf-token' }, stringData: { HF_TOKEN: 'hf_test' } } });
  });
});
