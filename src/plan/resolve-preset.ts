import { NotFoundError, UsageError } from '../domain/errors.ts';
import { findPreset } from '../domain/preset-catalogue.ts';
import type { Preset } from '../domain/preset.ts';
import { whyBasis, whyFlag, type Basis } from './basis.ts';

/** How the preset was said, and by which of its names when that is not its own. */
export const whyPreset = ({ why }: { why: string }, flag: string | undefined, basis: Basis | undefined): string => {
  if (flag !== undefined || basis === undefined) return whyFlag(why, basis);
  return why === '--preset' ? whyBasis(basis) : `${whyBasis(basis)}, ${why}`;
};

/** The preset of that name, and how it was found; every other answer is an error that says what to type instead. */
export const resolvePreset = (catalogue: readonly Preset[], name: string): { preset: Preset; why: string } => {
  const found = findPreset(catalogue, name);
  if (found.kind === 'found') {
    const why = { name: '--preset', alias: `alias ${name}`, shortName: `${name} is short for it`, huggingFaceId: name }[found.by];
    return { preset: found.preset, why };
  }
  if (found.ambiguous.length > 0) throw new UsageError(`Preset ${JSON.stringify(name)} may be any of several.`, { reason: 'AmbiguousPreset', hints: found.ambiguous.map((candidate) => `--preset ${candidate}`) });
  throw new NotFoundError(`There is no preset ${JSON.stringify(name)}.`, {
    reason: 'PresetNotFound',
    ...(found.replacement === undefined ? {} : { fact: `KAITO no longer has it; ${found.replacement} took its place.` }),
    hints: [...(found.nearest.length > 0 ? [`Nearest: ${found.nearest.join(', ')}.`] : []), 'kaito-ts presets'],
  });
};
