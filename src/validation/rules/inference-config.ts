import { quote } from '../go-text.ts';
import { isMap } from '../json.ts';
import { generic, invalidValue, missingField, type Finding, type Rule } from '../rule.ts';
import { findKaitoPreset, isPresetName, type Subject } from '../subject.ts';
import { cannotUnmarshal, noTextKey, readConfig, readConfigText } from './config-text.ts';

const configValidation = 'api/v1beta1/inference_config_validation.go';
const configKey = 'inference_config.yaml';
const path = ['inference', 'config'];

/** The text of the ConfigMap that KAITO would read; undefined where it reads none or nobody knows it. */
const configText = ({ inference, namespace, facts, runtime }: Subject): string | undefined => {
  if (!inference || inference.config === '' || runtime !== 'vllm') return undefined;
  const found = facts.findConfigMap(namespace, inference.config);
  return found.kind === 'found' ? found.value[configKey] : undefined;
};

export const inferenceConfigRules: readonly Rule[] = [
  {
    code: 'inference-config-missing',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    isNewInV1beta1: true,
    upstream: `${configValidation}#L40`,
    check: ({ inference, namespace, facts, runtime }) => {
      if (!inference || inference.config === '' || runtime !== 'vllm') return [];
      const { config } = inference;
      const found = facts.findConfigMap(namespace, config);
      if (found.kind === 'missing') return [{ path, ...generic(`ConfigMap '${config}' specified in 'config' not found in namespace '${namespace}'`, 'config'), fix: `Create ConfigMap ${config} with the key ${configKey}.` }];
      if (found.kind === 'unknown' || found.value[configKey] !== undefined) return [];
      return [{ path, ...missingField(`${configKey} in ConfigMap`), fix: `Add the key ${configKey} to it.` }];
    },
  },
  {
    code: 'inference-config-unreadable',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    isNewInV1beta1: true,
    upstream: `${configValidation}#L40`,
    check: (subject) => {
      const text = configText(subject);
      const problem = text === undefined ? undefined : shapeProblem(text);
      return problem === undefined ? [] : [{ path, ...generic(`Failed to parse ${configKey}: yaml: ${problem}`, configKey), fix: 'Write a map with the key vllm, which holds flags of the server with plain values.' }];
    },
  },
  {
    code: 'max-model-len-invalid',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    isNewInV1beta1: true,
    upstream: `${configValidation}#L40`,
    check: judgeContextLength,
  },
  {
    code: 'inference-config-boolean',
    source: 'kaito-ts',
    severity: 'error',
    on: 'always',
    upstream: 'presets/workspace/inference/vllm/inference_api.py#L134',
    check: (subject) => {
      const text = configText(subject);
      const config = text === undefined ? undefined : readConfig(text);
      const vllm = config && 'content' in config && isMap(config.content) ? config.content['vllm'] : undefined;
      const booleans = isMap(vllm) ? Object.entries(vllm).filter(([, value]) => typeof value === 'boolean') : [];
      return booleans.map(([key, value]) => ({
        path,
        message: `${configKey} sets vllm.${key} to ${String(value)}: the server’s wrapper switches the flag on whatever the value, and does not start with two of them.`,
        fix: `Take ${key} out of the ConfigMap.`,
      }));
    },
  },
];

/** Go's words for what the file should have been. */
export const shapeProblem = (text: string, version = 'v1beta1'): string | undefined => {
  const config = readConfig(text);
  if ('problem' in config) return config.problem;
  const { content } = config;
  if (content === null || content === undefined) return undefined;
  if (!isMap(content)) return cannotUnmarshal(content, `${version}.InferenceConfig`);
  const { vllm } = content;
  if (vllm === null || vllm === undefined) return undefined;
  if (!isMap(vllm)) return cannotUnmarshal(vllm, 'map[string]string');
  const key = Object.keys(vllm).find((name) => name.startsWith(`${noTextKey}!!`));
  if (key !== undefined) return cannotUnmarshal(key.includes('!!seq') ? [] : {}, 'string');
  const nested = Object.values(vllm).find((value) => typeof value === 'object' && value !== null);
  return nested === undefined ? undefined : cannotUnmarshal(nested, 'string');
};

function judgeContextLength(subject: Subject): Finding[] {
  const { inference, facts } = subject;
  const text = configText(subject);
  if (text === undefined || shapeProblem(text) !== undefined || !isPresetName(facts.presets, inference?.preset?.name ?? '')) return [];
  const given = readConfigText(text, ['vllm', 'max-model-len'])?.trim() ?? '';
  if (given === '') return [];
  const limit = findKaitoPreset(facts.presets, inference?.preset?.name ?? '')?.contextLengthTokens;
  const wanted = `Write a whole number${limit === undefined ? '' : ` up to ${limit}`}, or leave it out: the server then takes what fits.`;
  if (!/^[+-]?\d+$/.test(given)) return refuseLength(`max-model-len must be an integer: strconv.Atoi: parsing ${quote(given)}: invalid syntax`, wanted);
  const length = BigInt(given.replace('+', ''));
  if (length >= 2n ** 63n || length < -(2n ** 63n)) return refuseLength(`max-model-len must be an integer: strconv.Atoi: parsing ${quote(given)}: value out of range`, wanted);
  return limit !== undefined && length > BigInt(limit) ? refuseLength(`max-model-len ${length} exceeds model's maximum supported context window ${limit} (ModelTokenLimit)`, wanted) : [];
}

const refuseLength = (message: string, fix: string): Finding[] => [{ path, ...invalidValue(message, 'max-model-len'), fix }];
