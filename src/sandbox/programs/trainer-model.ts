import { reprOf } from './model-python.ts';
import { hasWeights, readModelConfig } from './model-weights.ts';
import type { ProgramContext } from './program.ts';
import { countTrainable, matchModules, toArchitecture } from './trainer-architecture.ts';
import type { TrainingConfig } from './trainer-config.ts';
import { PythonError } from './trainer-error.ts';
import type { AdapterSource } from './trainer-output.ts';

/** The base model and what LoRA is to change in it. Weights have to be there, unless they may be downloaded. */
export const findModel = ({ files, env }: ProgramContext, { model: options, lora }: TrainingConfig): AdapterSource => {
  const named = options.get('pretrained_model_name_or_path');
  const model = typeof named === 'string' ? named : '/workspace/tfs/weights';
  if (model.startsWith('/') && !hasWeights(files, model)) {
    throw new PythonError('OSError', `Repo id must be in the form 'repo_name' or 'namespace/repo_name': '${model}'. Use \`repo_type\` argument if needed.`);
  }
  if (!model.startsWith('/') && options.get('local_files_only') === true) {
    throw new PythonError('OSError', "We couldn't connect to 'https://huggingface.co' to load the files, and couldn't find them in the cached files.");
  }
  const architecture = toArchitecture(model, readModelConfig(files, model));
  const listed = lora.get('target_modules');
  const fromEnvironment = env['DEFAULT_TARGET_MODULES']?.split(',').map((name) => name.trim());
  const targets = Array.isArray(listed) ? listed.map(String) : (fromEnvironment ?? architecture.defaultTargets ?? []);
  return { model, architecture, lora, rank: Number(lora.get('r') ?? 8), targets };
};

/** Puts the adapter into the loaded model: returns PEFT's line about it, or throws PEFT's refusal. */
export const addLora = ({ architecture, rank, targets }: AdapterSource, { quantization }: TrainingConfig): string => {
  if (quantization.get('load_in_8bit') === true) {
    throw new PythonError('AttributeError', "'MatmulLtState' object has no attribute 'memory_efficient_backward'");
  }
  if (targets.length === 0) throw new PythonError('ValueError', 'Please specify `target_modules` in `peft_config`');
  const modules = matchModules(architecture, targets);
  // Targets that match nothing are passed over as long as another one matches.
  if (modules.length === 0) {
    const set = targets.map((target) => reprOf(target)).join(', ');
    throw new PythonError('ValueError', `Target modules {${set}} not found in the base model. Please check the target modules and try again.`);
  }
  const trainable = countTrainable(architecture, modules, rank);
  const all = architecture.parameterCount + trainable;
  return `trainable params: ${grouped(trainable)} || all params: ${grouped(all)} || trainable%: ${((100 * trainable) / all).toFixed(4)}\n`;
};

const grouped = (value: number): string => value.toLocaleString('en-US');
