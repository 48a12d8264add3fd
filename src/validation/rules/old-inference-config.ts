import { findMachine } from '../../domain/clouds.ts';
import { generic, missingField, type Finding, type Rule } from '../rule.ts';
import type { Subject } from '../subject.ts';
import { readConfigText } from './config-text.ts';
import { shapeProblem } from './inference-config.ts';

const configKey = 'inference_config.yaml';
const path = ['inference', 'config'];

/** What the chart installs where the operator runs, as far as it counts here. */
const defaultConfig = { name: 'inference-params-template', text: 'vllm: {}' };

/** What v1alpha1 asks of the server's configuration, and v1beta1 no longer does: there a Workspace that names none has the chart's. */
export const oldInferenceConfigRules: readonly Rule[] = [
  {
    code: 'v1alpha1-inference-config',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    isForOperatorOnly: true,
    upstream: 'api/v1alpha1/inference_config_validation.go#L40',
    check: (subject) => (subject.version === 'kaito.sh/v1alpha1' && subject.inference && subject.runtime === 'vllm' ? judge(subject) : []),
  },
];

const judge = (subject: Subject): Finding[] => {
  const { facts, namespace, environment, inference } = subject;
  const isOwn = inference !== undefined && inference.config !== '';
  const name = isOwn ? inference.config : defaultConfig.name;
  const where = isOwn ? namespace : environment.releaseNamespace;
  const found = where === undefined ? { kind: 'found' as const, value: { [configKey]: defaultConfig.text } } : facts.findConfigMap(where, name);
  if (found.kind === 'missing') return [{ path, ...generic(`ConfigMap '${name}' specified in 'config' not found in namespace '${where ?? ''}'`, 'config'), fix: `Create ConfigMap ${name} with the key ${configKey}.` }];
  if (found.kind === 'unknown') return [];
  const text = found.value[configKey];
  if (text === undefined) return [{ path, ...missingField(`${configKey} in ConfigMap`), fix: `Add the key ${configKey} to it.` }];
  const problem = shapeProblem(text, 'v1alpha1');
  if (problem !== undefined) return [{ path, ...generic(`Failed to parse ${configKey}: yaml: ${problem}`, configKey), fix: 'Write a map with the key vllm, which holds flags of the server with plain values.' }];
  return needsContextLength(subject) && (readConfigText(text, ['vllm', 'max-model-len']) ?? '') === ''
    ? [
        {
          path,
          ...missingField(`max-model-len is required in the vllm section of ${configKey} when using multi-GPU instances with <20GB of memory per GPU or distributed inference`),
          fix: 'Write apiVersion: kaito.sh/v1beta1, which does not ask for it, or name a ConfigMap that has it.',
        },
      ]
    : [];
};

/** Several nodes, or several small GPUs. */
const needsContextLength = ({ resource, environment }: Subject): boolean => {
  const machine = findMachine(resource.instanceType, [environment.cloud])?.machine;
  return resource.count > 1 || (machine !== undefined && machine.gpuCount > 1 && Math.trunc(machine.gpuMemoryGiB / machine.gpuCount) < 20);
};
