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
  const name = id.slice(id.indexOf('/') + 1).toLowerCase();
  const { quantization } = shape;
  const architectures = shape.architectures.length > 0 ? shape.architectures : impliedArchitectures(name);
  if (architectures.length > 0 && !architectures.some(isServedArchitecture)) {
    throw new PreflightError(`vLLM has no support for the architecture of ${id}.`, {
      reason: 'UnsupportedArchitecture',
      fact: `config.json names ${architectures.map((name) => JSON.stringify(name.slice(0, 80))).join(', ')}.`,
      hints: ['kaito-ts presets'],
    });
  }
  return {
    name,
    aliases: [],
    shortNames: [],
    huggingFaceId: id,
    isFromHub: true,
    revision: commit,
    license,
    gated,
    weightsGiB: toHundredths(weights.sizeBytes),
    contextLengthTokens: shape.contextLengthTokens,
    kvCacheBytesPerToken: shape.kvCacheBytesPerToken,
    architectures,
    ...(quantization === undefined ? {} : { quantization }),
    vllm: vllmSettingsFor({ name, architectures, isMistralFormat: weights.isMistralFormat }),
  };
};

/** In GiB to two decimals, as in the catalogue; what lies in the middle goes to the even one, as Go prints it. */
const toHundredths = (sizeBytes: number): number => {
  const hundredths = (sizeBytes / 2 ** 30) * 100;
  const below = Math.floor(hundredths);
  return (hundredths - below === 0.5 && below % 2 === 0 ? below : Math.round(hundredths)) / 100;
};

/** Mistral's own format names none: https://github.com/kaito-project/kaito/blob/056b8280/presets/workspace/generator/generator.go#L567 */
const impliedArchitectures = (name: string): string[] => {
  if (name.startsWith('mistral-large-3')) return ['MistralLarge3ForCausalLM'];
  return name.startsWith('ministral-3') ? ['Mistral3ForConditionalGeneration'] : [];
};
