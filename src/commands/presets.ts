import { defineCommand } from '../cli/command.ts';
import { toggle } from '../cli/options.ts';

export default defineCommand({
  summary: 'List the models that can be tuned and served, or show one',
  usesCluster: false,
  arguments: [{ usage: '[name]', description: 'a preset, an alias, or any Hugging Face id' }],
  options: {
    tunable: toggle('--tunable', 'only those that can be tuned'),
  },
  examples: ['presets', 'presets --tunable', 'presets phi-3-mini -o yaml', 'presets TinyLlama/TinyLlama-1.1B-Chat-v1.0'],
  async *run({ arguments: [name], options }, context) {
    const [{ resolvePreset }, { knownModels }] = await Promise.all([import('../plan/resolve-preset.ts'), import('../cli/known-models.ts')]);
    const presets = yield* knownModels(context, name);
    const shown = name === undefined ? presets.filter(({ tuning }) => !options.tunable || tuning) : [resolvePreset(presets, name).preset];
    yield {
      type: 'table',
      columns: ['NAME', 'WEIGHTS', 'CONTEXT', 'LICENCE', 'GATED', 'TUNING', 'OTHER NAMES'],
      rows: shown.map((preset) => [
        preset.name,
        `${preset.weightsGiB} GiB`,
        String(preset.contextLengthTokens),
        preset.license,
        preset.gated ? 'yes' : 'no',
        preset.tuning?.methods.join(',') ?? 'no',
        [...preset.aliases, ...preset.shortNames, ...(preset.isFromHub ? [preset.huggingFaceId] : [])].filter((other) => other !== preset.name).join(', '),
      ]),
      data: name === undefined ? { items: shown } : shown[0],
      each: shown,
    };
  },
});
