import { processorOf, weightsFolder, type Flags, type Runtime, type ServerRequest } from './runtime.ts';

/**
 * Hugging Face transformers behind an OpenAI API: slower than vLLM, one request at a time, adapters merged into the model.
 * https://github.com/kaito-project/kaito/blob/056b8280/pkg/model/interface.go#L356
 */
export const transformers: Runtime = {
  refuse(preset, nodeCount) {
    if (!preset.transformers) return `Preset ${preset.name} has no settings for the transformers runtime.`;
    if (nodeCount > 1) return `Preset ${preset.name} needs ${nodeCount} nodes of this size, and the transformers runtime serves from one.`;
    return undefined;
  },
  server: (request) => ({
    // Not through a shell: dash drops environment variables such as `my-adapter`, which carry the adapters' strengths.
    command: ['accelerate', 'launch', '--gpu_ids=all', '--machine_rank=0', '--num_machines=1', '--num_processes=1', '/workspace/tfs/inference_api.py'],
    flags: flagsOf(request),
    environment: { HF_HOME: weightsFolder, ...processorOf(request) },
    ports: [],
    // The server does not end on SIGTERM: whatever it is given here is waited for.
    terminationGracePeriodSeconds: 5,
    needsCudaToolkit: false,
    mergesAdapters: true,
  }),
};

const flagsOf = ({ preset, localWeights }: ServerRequest): Flags => ({
  // KAITO mounts local weights here too, and then downloads others.
  pretrained_model_name_or_path: localWeights ?? preset.huggingFaceId,
  ...(preset.revision === undefined || localWeights !== undefined ? {} : { revision: preset.revision }),
  served_model_name: preset.name,
  pipeline: 'text-generation',
  allow_remote_files: '',
  ...preset.transformers?.flags,
});
