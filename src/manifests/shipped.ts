import { fileURLToPath } from 'node:url';
import type { Preset } from '../domain/preset.ts';
import { readPresets, readTemplates, type Templates } from './files.ts';

/** What comes with this package. The build writes it down in the place of this, because parsing YAML is most of what a short command would do. */
const folder = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));

export const readShippedPresets = async (): Promise<readonly Preset[]> => await readPresets(folder('presets'));

export const readShippedTemplates = async (): Promise<Templates> => await readTemplates(folder('templates'));
