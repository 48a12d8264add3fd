import { findInstanceType, findRetiredInstanceType } from '../../domain/azure-instance-types.ts';
import { isAutoProvisioning } from '../environment.ts';
import { own, type Finding, type Rule } from '../rule.ts';
import { findKaitoPreset, isPresetName, type Subject } from '../subject.ts';
import { isLabel } from './names.ts';
import { tunableNames } from './inference.ts';
import { instanceTypeFix, isResourceJudged } from './resource.ts';
import { isAzurePrefix, machinesOf } from './machines.ts';

const instanceTypePath = ['resource', 'instanceType'];

const presetOf = ({ inference, tuning, facts }: Subject) => findKaitoPreset(facts.presets, inference?.preset?.name ?? tuning?.preset?.name ?? '');

/** What KAITO lets through and what then fails, or does not do what it says. */
export const trapRules: readonly Rule[] = [
  own('instance-type-unsupported', 'error', 'pkg/sku/azure_sku_handler.go#L19', judgeInstanceType),
  own('instance-type-case', 'warning', 'pkg/nodeprovision/gpu-provisioner/gpu_provisioner.go#L104', ({ resource, environment }) => {
    const name = resource.instanceType;
    const canonical = machinesOf[environment.cloud].get(name.toLowerCase())?.name;
    return canonical === undefined || canonical === name || !isAutoProvisioning(environment) ? [] : [{ path: instanceTypePath, message: `The operator compares ${name} exactly with the node’s label, and would wait for ever.`, fix: `Write instanceType: ${canonical}.` }];
  }),
  own('count-not-positive', 'error', 'pkg/workspace/controllers/workspace_controller.go#L1515', ({ resource, inference, runtime }) =>
    inference && resource.count < 1 && (runtime === 'transformers' || inference.template !== undefined) ? [{ path: ['resource', 'count'], message: `With count ${resource.count} no node is ever made.`, fix: 'Leave count out.' }] : [],
  ),
  own('selector-expressions-ignored', 'warning', 'api/v1beta1/labels.go#L244', ({ resource }) =>
    resource.matchExpressions.length > 0 && Object.keys(resource.matchLabels).length === 0 ? [{ path: ['resource', 'labelSelector', 'matchExpressions'], message: 'Expressions choose no nodes: any node would do.', fix: 'Use matchLabels.' }] : [],
  ),
  own('gated-without-secret', 'error', 'presets/workspace/generator/generator.go#L369', (subject) => {
    const preset = presetOf(subject);
    if (!subject.inference?.preset || !preset?.gated || subject.inference.preset.modelAccessSecret !== '' || subject.annotations['kaito.sh/use-local-weights'] === 'true') return [];
    return [{ path: ['inference', 'preset'], message: `${preset.huggingFaceId} is gated: without a token the download fails once the node is paid for.`, fix: 'Add presetOptions.modelAccessSecret: the name of a Secret with the key HF_TOKEN.' }];
  }),
  own('model-not-in-catalogue', 'warning', 'presets/workspace/generator/generator.go#L389', ({ inference, facts }) => {
    const name = inference?.preset?.name ?? '';
    if (!isPresetName(facts.presets, name) || findKaitoPreset(facts.presets, name) || !/^[\w.-]+\/[\w.-]+$/.test(name)) return [];
    return [{ path: ['inference', 'preset', 'name'], message: `${name} is not in the catalogue; Hugging Face was not asked whether it has it.`, fix: 'Choose one of kaito-ts presets, or make sure that the model exists and its architecture is supported.' }];
  }),
  own('preset-not-tunable', 'error', 'presets/workspace/models/transformer_runtime_tuning_parameters.go#L40', ({ tuning, facts }) => {
    const name = tuning?.preset?.name ?? '';
    if (!isPresetName(facts.presets, name) || findKaitoPreset(facts.presets, name)?.tuning) return [];
    return [{ path: ['tuning', 'preset', 'name'], message: `${name} cannot be tuned: the operator crashes when it makes the Job.`, fix: `Choose one of: ${tunableNames(facts.presets).join(', ')}.` }];
  }),
  own('tuning-method-case', 'warning', 'pkg/workspace/tuning/preset_tuning.go#L284', ({ tuning }) =>
    tuning && /^q?lora$/i.test(tuning.method) && tuning.method !== tuning.method.toLowerCase() && tuning.config === '' ? [{ path: ['tuning', 'method'], message: `The operator’s webhook takes ${tuning.method}, and its controller then looks for a ConfigMap without a name.`, fix: `Write method: ${tuning.method.toLowerCase()}.` }] : [],
  ),
  own('tuning-on-existing-nodes', 'warning', 'pkg/workspace/tuning/preset_tuning.go#L148', ({ tuning, environment }) =>
    tuning && !isAutoProvisioning(environment) && environment.isForOperator ? [{ path: ['tuning'], message: 'The operator cannot tune on existing nodes: it needs an instance type, and forbids one there. kaito-ts can, with --nodes.', fix: 'Let the operator buy the node, or run kaito-ts tune --nodes <labels>.' }] : [],
  ),
  own('dataset-several-urls', 'warning', 'presets/workspace/tuning/text-generation/dataset.py#L46', ({ tuning }) =>
    tuning?.input && tuning.input.urls.length > 1 ? [{ path: ['tuning', 'input', 'urls', 1], message: `All ${tuning.input.urls.length} files are downloaded, and the trainer reads the first that it knows.`, fix: 'Put the dataset into one file.' }] : [],
  ),
  {
    ...own('dataset-url-with-space', 'error', 'pkg/workspace/tuning/scripts/data-downloader.sh', ({ tuning }) =>
      (tuning?.input?.urls ?? []).flatMap((url, index) => (/\s/.test(url) ? [{ path: ['tuning', 'input', 'urls', index], message: 'The operator’s downloader cuts addresses at spaces.', fix: 'Write %20 for a space.' }] : [])),
    ),
    // Ours writes them so.
    isForOperatorOnly: true,
  },
  own('tuning-input-name-no-label', 'error', 'pkg/workspace/tuning/preset_tuning.go#L369', ({ tuning }) =>
    tuning?.input && tuning.input.image !== '' && tuning.input.name !== '' && !isLabel(`docker-config-${tuning.input.name}-tuning-input`)
      ? [{ path: ['tuning', 'input', 'name'], message: 'A volume is named after the input, and this cannot be part of its name.', fix: 'Use at most 36 lower-case letters, digits and -.' }]
      : [],
  ),
];

function judgeInstanceType(subject: Subject): Finding[] {
  const { resource, inference, tuning, environment } = subject;
  const name = resource.instanceType;
  if (environment.cloud !== 'azure' || !isAutoProvisioning(environment) || name === '' || !(tuning ?? inference?.preset)) return [];
  // KAITO's own rule has told it.
  if (isResourceJudged(subject) && !isAzurePrefix(name)) return [];
  const path = instanceTypePath;
  if (name !== name.trim()) return [{ path, message: `${JSON.stringify(name)} has spaces at its ends, and is no machine’s name.`, fix: instanceTypeFix(name.trim()) }];
  const found = findInstanceType(name);
  if (found?.gpuVendor === 'NVIDIA') return [];
  if (found) return [{ path, message: `${found.name} has ${found.gpuModel} GPUs, and the images need NVIDIA’s.`, fix: 'Choose one of kaito-ts instance-types.' }];
  const retired = findRetiredInstanceType(name);
  const consequence = tuning ? 'the operator buys the node and then cannot make the Job' : 'the operator cannot size the model for it';
  return [{ path, message: `${name} ${retired ? retired.reason : 'is no machine that KAITO knows'}: ${consequence}.`, fix: instanceTypeFix(name) }];
}
