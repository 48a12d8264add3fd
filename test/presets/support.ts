import { fileURLToPath } from 'node:url';
import { readPresets } from '../../src/manifests/files.ts';

export const presetFolder = fileURLToPath(new URL('../../presets', import.meta.url));

export const presets = await readPresets(presetFolder);

export const presetNamed = (name: string) => {
  const preset = presets.find((candidate) => candidate.name === name);
  if (!preset) throw new Error(`There is no preset ${name}.`);
  return preset;
};
