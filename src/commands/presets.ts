import { defineCommand } from '../cli/command.ts';
import { toggle } from '../cli/options.ts';

export default defineCommand({
  summary: 'List the models that can be tuned and served, or show one',
  usesCluster: false,
  arguments: [{ usage: '[name]', description: 'a preset, an alias, or a Hugging Face id of the catalogue' }],
  options: {
    tunable: toggle('--tunable', 'only those that can be tuned'),
  },
  examples: ['presets', 'presets --tunable', 'presets phi-3-mini -o yaml'],
  async *run({ arguments: [name], options }, context) {
    const { resolvePreset } = await import('../plan/resolve-preset.ts');
    const presets = await context.presets();
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
        [...preset.aliases, ...preset.shortNames].filter((other) => other !== preset.name).join(', '),
      ]),
      data: name === undefined ? { items: shown } : shown[0],
    };
  },
});
