import { isAutoProvisioning } from '../environment.ts';
import { generic, invalidValue, missingField, type Finding, type Rule } from '../rule.ts';
import { findKaitoPreset, isPresetName, type Subject } from '../subject.ts';
import { findPreset, kaitoPresetName } from '../../domain/preset-catalogue.ts';
import type { Preset } from '../../domain/preset.ts';
import { existingMachine } from './existing-nodes.ts';
import { machinesOf } from './machines.ts';
import { quantityText } from './quantity-text.ts';
import { areMachinesJudged } from './resource.ts';

const workspaceValidation = 'api/v1beta1/workspace_validation.go';

const namePath = ['inference', 'preset', 'name'];

export const inferenceRules: readonly Rule[] = [
  {
    code: 'preset-or-template',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    upstream: `${workspaceValidation}#L825`,
    check: ({ inference }) => {
      if (!inference || (inference.preset === undefined) !== (inference.template === undefined)) return [];
      const isNeither = inference.preset === undefined;
      return [
        isNeither
          ? { path: ['inference'], ...missingField('inference.Preset or Template must be specified'), fix: 'Add inference.preset with the name of a model (kaito-ts presets).' }
          : { path: ['inference', 'template'], ...generic('Preset and Template cannot be set at the same time', ''), fix: 'Keep one of them.' },
      ];
    },
  },
  {
    code: 'preset-deprecated',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    upstream: `${workspaceValidation}#L476`,
    check: ({ inference, facts }) =>
      inference?.preset?.name.toLowerCase() === 'phi-2' ? [{ path: namePath, ...generic('Model phi-2 is deprecated and no longer supported', 'resource.presetName'), fix: presetFix(facts.presets, 'phi-2') }] : [],
  },
  {
    code: 'preset-unknown',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    upstream: `${workspaceValidation}#L825`,
    check: ({ inference, facts }) =>
      inference?.preset && !isPresetName(facts.presets, inference.preset.name)
        ? [{ path: namePath, ...invalidValue(`Unsupported inference preset name ${inference.preset.name}`, 'inference.presetName'), fix: presetFix(facts.presets, inference.preset.name) }]
        : [],
  },
  {
    code: 'preset-not-found',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    upstream: 'presets/workspace/generator/generator.go#L389',
    check: ({ inference, facts }) => {
      const name = inference?.preset?.name ?? '';
      // Such an id cannot exist, and the answer is known without asking.
      if (!isPresetName(facts.presets, name) || /^[\w.-]+(?:\/[\w.-]+)?$/.test(name)) return [];
      const address = `https://huggingface.co/api/models/${name.toLowerCase()}/tree/main?recursive=true`;
      return [{ path: namePath, ...invalidValue(`failed to get model preset: error listing files: failed to fetch ${address}: status 404`, 'inference.preset'), fix: presetFix(facts.presets, name.replace(/^https?:\/\/huggingface\.co\//i, '')) }];
    },
  },
  {
    code: 'runtime-unsupported',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    upstream: 'pkg/model/interface.go#L700',
    check: ({ inference, facts, runtime }) => {
      const wanted = inference?.preset?.name ?? '';
      if (runtime !== 'transformers' || !isPresetName(facts.presets, wanted)) return [];
      // Whatever else Hugging Face has can be served with vLLM alone.
      const preset = findKaitoPreset(facts.presets, wanted);
      if (preset?.transformers) return [];
      return [{ path: ['metadata', 'annotations', 'kaito.sh/runtime'], ...generic(`Runtime validation: model ${preset?.name ?? wanted.toLowerCase().split('/').at(-1) ?? ''} does not support inference with Huggingface Transformers runtime`, ''), fix: 'Leave the annotation out: vLLM serves it.' }];
    },
  },
  {
    code: 'adapter-strength-on-vllm',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    upstream: 'pkg/model/interface.go#L700',
    check: ({ inference, facts, runtime }) => {
      if (!inference?.preset || runtime !== 'vllm' || !isPresetName(facts.presets, inference.preset.name)) return [];
      // KAITO names the first of them.
      const index = inference.adapters.findIndex(({ strength }) => strength !== undefined);
      return index === -1
        ? []
        : [{ path: ['inference', 'adapters', index, 'strength'], ...generic('Runtime validation: vLLM does not support adapter strength', ''), fix: 'Leave strength out, or set the annotation kaito.sh/runtime: transformers, which merges the adapters.' }];
    },
  },
  { code: 'gpu-memory-insufficient', source: 'kaito', severity: 'error', on: 'create', stage: 'webhook', upstream: `${workspaceValidation}#L631`, check: judgeMemory },
  {
    code: 'transformers-several-nodes',
    source: 'kaito',
    severity: 'error',
    on: 'create',
    stage: 'webhook',
    upstream: `${workspaceValidation}#L672`,
    check: (subject) => {
      const machine = machineOf(subject);
      if (!machine || subject.runtime !== 'transformers' || machine.preset.weightsGiB <= machine.gpuMemoryGiB) return [];
      return [{ path: ['resource', 'instanceType'], ...generic('Multi-node distributed inference is not supported with Huggingface Transformers runtime', ''), fix: 'Leave the annotation kaito.sh/runtime out, or name a larger machine.' }];
    },
  },
];

/** What KAITO holds the model against; undefined where it does not. */
const machineOf = (subject: Subject): { preset: Preset; name: string; nodeCount: number; gpuMemoryGiB: number } | undefined => {
  const { resource, inference, environment, facts } = subject;
  const preset = inference?.preset && findKaitoPreset(facts.presets, inference.preset.name);
  if (!preset || resource.partition || !areMachinesJudged(subject)) return undefined;
  if (!isAutoProvisioning(environment)) {
    const machine = existingMachine(subject);
    return machine && { preset, name: resource.instanceType, ...machine };
  }
  const machine = machinesOf[environment.cloud].get(resource.instanceType.toLowerCase());
  return machine && { preset, name: resource.instanceType, nodeCount: resource.count, gpuMemoryGiB: machine.gpuMemoryGiB };
};

function judgeMemory(subject: Subject): Finding[] {
  const { environment, runtime, annotations, inference } = subject;
  const machine = machineOf(subject);
  if (!machine || annotations['kaito.sh/bypass-resource-checks'] !== undefined) return [];
  if (isAutoProvisioning(environment) && runtime === 'vllm') return [];
  const totalGiB = machine.nodeCount * machine.gpuMemoryGiB;
  if (totalGiB >= machine.preset.weightsGiB) return [];
  const needed = quantityText(machine.preset.weightsGiB);
  const name = inference?.preset?.name.toLowerCase() ?? '';
  return [
    {
      path: isAutoProvisioning(environment) ? ['resource', 'instanceType'] : ['resource', 'labelSelector'],
      ...invalidValue(`Insufficient total GPU memory: Instance type ${machine.name} has a total of ${quantityText(totalGiB)}, but preset ${name} requires at least ${needed}`, 'resource.instanceType'),
      fix: `Its weights alone are ${machine.preset.weightsGiB} GiB: name a larger machine, or a smaller model.`,
    },
  ];
}

/** What to write instead of a name that means no model, in a name that KAITO knows. */
export const presetFix = (presets: readonly Preset[], name: string, isTuning = false): string => {
  const found = findPreset(presets, name);
  const names = found.kind === 'found' ? [found.preset.name] : found.nearest;
  const usable = names.flatMap((candidate) => presets.filter((preset) => preset.name === candidate && (!isTuning || preset.tuning))).map(kaitoPresetName);
  if (usable.length > 0) return `Write name: ${usable.join(' or ')}.`;
  return isTuning ? `Choose one of: ${tunableNames(presets).join(', ')}.` : 'Choose one of kaito-ts presets.';
};

export const tunableNames = (presets: readonly Preset[]): string[] => presets.filter(({ tuning }) => tuning !== undefined).map(kaitoPresetName);
