import { describe, expect, it } from 'vitest';
import { commandWords, scriptArguments } from '../../src/sandbox/programs/model-command.ts';
import { parseFlags } from '../../src/sandbox/programs/vllm-flags.ts';
import { presets } from '../presets/support.ts';
import { container, ofKind, renderedInference } from './support.ts';

// The sandbox's server reads its command line as vLLM 0.25.1's argument parser does, which ends the real one for any flag
// that it does not know, after the nodes have been paid for.
const parsed = (name: string, nodeCount: number) => {
  const workload = ofKind(renderedInference(name, { nodeCount, adapters: [{ name: 'a', source: { kind: 'claim', claimName: 'c', path: '' }, rank: 8 }] }), nodeCount === 1 ? 'Deployment' : 'StatefulSet');
  const server = container(workload, 'my-model');
  return parseFlags(scriptArguments(commandWords({ image: '', command: words(server['command']), args: words(server['args']) }), '/workspace/vllm/inference_api.py'));
};

const words = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

describe("the server's command line", () => {
  it.each(presets.flatMap(({ name, huggingFaceId }) => [{ name, huggingFaceId, nodeCount: 1 }, { name, huggingFaceId, nodeCount: 3 }]))('is one that vLLM takes, for $name on $nodeCount node(s)', ({ name, huggingFaceId, nodeCount }) => {
    const result = parsed(name, nodeCount);
    if (result.kind === 'refused') throw new Error(result.message);
    expect(result.flags.get('model')).toEqual([huggingFaceId]);
    expect(result.flags.get('kv-events-config')).toEqual(['{"enable_kv_cache_events":true}']);
    expect(result.flags.has('model-tag')).toBe(false);
    expect(result.flags.get('pipeline-parallel-size')).toEqual(nodeCount === 1 ? undefined : ['3']);
  });
});
