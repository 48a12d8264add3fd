import { FailedError, PreflightError } from '../domain/errors.ts';
import { isServedArchitecture } from '../domain/model-architectures.ts';
import type { Preset } from '../domain/preset.ts';
import { vllmSettingsFor } from '../domain/vllm-rules.ts';
import { chooseWeights, type ModelFacts } from './model-facts.ts';
import { readConfig } from './read-config.ts';

/**
 * A preset by the rules that KAITO makes its own catalogue with. Throws a PreflightError for a model that vLLM does not
 * serve, and a FailedError for a configuration that makes no sense.
 */
export const toPreset = ({ id, commit, license, gated, files, config }: ModelFacts): Preset => {
  const weights = chooseWeights(files);
  if (!weights) {
    throw new PreflightError(`${id} has no weights that vLLM can be given.`, {
      reason: 'NoWeights',
      fact: 'The repository has no .safetensors and no .bin files.',
      hints: ['Look for the repository of the unconverted model: GGUF, ONNX and MLX files are for other servers.'],
    });
  }
  const shape = readConfig(config);
  if (!shape) throw new FailedError(`The configuration of ${id} makes no sense.`, { reason: 'InvalidModelConfig', fact: 'Its sizes multiply to more than a number can hold.' });
  const { architectures, quantization } = shape;
  if (architectures.length > 0 && !architectures.some(isServedArchitecture)) {
    throw new PreflightError(`vLLM has no support for the architecture of ${id}.`, {
      reason: 'UnsupportedArchitecture',
      fact: `config.json names ${architectures.map((name) => JSON.stringify(name.slice(0, 80))).join(', ')}.`,
      hints: ['kaito-ts presets'],
    });
  }
  const name = id.slice(id.indexOf('/') + 1).toLowerCase();
  return {
    name,
    aliases: [],
    shortNames: [],
    huggingFaceId: id,
    isFromHub: true,
    revision: commit,
    license,
    gated,
    // To two decimals, as in the catalogue.
    weightsGiB: Math.round((weights.sizeBytes / 2 ** 30) * 100) / 100,
    contextLengthTokens: shape.contextLengthTokens,
    kvCacheBytesPerToken: shape.kvCacheBytesPerToken,
    architectures,
    ...(quantization === undefined ? {} : { quantization }),
    vllm: vllmSettingsFor({ name, architectures, isMistralFormat: weights.isMistralFormat }),
  };
};
