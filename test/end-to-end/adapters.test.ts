import { describe, expect, it } from 'vitest';
import { publicImages } from '../cluster/images/catalogue.ts';
import { putFile } from '../cluster/registries/control.ts';
import { trainingRows } from './data.ts';
import { useGpuNode } from './gpu-node.ts';
import { useRig } from './rig.ts';

const model = 'phi-3-mini-128k-instruct';

/** What was tuned is served: each test goes on from what the one before left. */
describe('an adapter in a claim', () => {
  const [first, second] = [useGpuNode(), useGpuNode()];
  const rig = useRig();
  const say = async (server: string, ...args: string[]) => (await rig.run(['chat', server, 'Hello', ...args])).stdout;

  it('is made by a tuning that has no registry to push to', async () => {
    const { stdout, stderr, exitCode } = await rig.run(['tune', 'mine', '--preset', 'phi-3-mini', '--provisioner', 'byo', '--nodes', first().selector, '--input-url', await putFile(rig().registries, `${rig().namespace}.jsonl`, trainingRows(10))], { environment: { KAITO_REGISTRY: '', KAITO_OUTPUT_IMAGE_SECRET: '' } });
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(/^serve it: kaito-ts serve --preset phi-3-mini-128k-instruct --adapter mine$/m);
  });

  it('is served beside one from an image by vLLM, and merged by transformers', async () => {
    const adapters = ['--adapter', 'mine', '--adapter', `other=${publicImages.adapter}`];
    const [vllm, transformers] = await Promise.all([
      rig.run(['serve', 'v', '--preset', 'phi-3-mini', '--nodes', first().selector, ...adapters]),
      rig.run(['serve', 't', '--preset', 'phi-3-mini', '--nodes', second().selector, '--runtime', 'transformers', ...adapters]),
    ]);
    expect(vllm.exitCode, vllm.stderr).toBe(0);
    expect(transformers.exitCode, transformers.stderr).toBe(0);
    expect(await Promise.all([say('v'), say('v', '--adapter', 'mine'), say('v', '--adapter', 'other')])).toEqual([model, 'mine', 'other'].map((who) => `${who} heard 1 messages, the last: Hello\n`));
    // The stand-in names all that it has merged.
    expect(await say('t')).toMatch(/\+mine\+other heard 1 messages/);
  });

  it('outlives its tuning', async () => {
    const claims = async () => (await rig().api.core.listNamespacedPersistentVolumeClaim({ namespace: rig().namespace })).items.map(({ metadata }) => metadata?.name);
    const { stderr, exitCode } = await rig.run(['delete', 'mine']);
    expect(exitCode, stderr).toBe(0);
    expect(await claims()).toEqual(['mine-adapter']);
    expect(await say('v', '--adapter', 'mine')).toBe('mine heard 1 messages, the last: Hello\n');
  });
});
