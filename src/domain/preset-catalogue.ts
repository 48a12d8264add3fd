import { distance } from 'fastest-levenshtein';
import type { Preset } from './preset.ts';

export { parsePreset } from './parse-preset.ts';

export type PresetMatch =
  | { kind: 'found'; preset: Preset; resolvedFrom: 'name' | 'alias' | 'short name' | 'hugging face id' }
  | { kind: 'unknown'; nearest: string[]; ambiguous: string[]; replacement?: RetiredPreset };

export interface RetiredPreset {
  /** Why it is not there any more, as a sentence. */
  reason: string;
  /** Name of the preset to take instead. */
  name: string;
}

/**
 * In any letter case, by whatever name people know a model. A short name that more than one preset could mean is not
 * guessed: `ambiguous` lists them.
 */
export const findPreset = (catalogue: readonly Preset[], name: string): PresetMatch => {
  const wanted = fold(name);
  for (const [resolvedFrom, namesOf] of waysToName) {
    const preset = catalogue.find((candidate) => namesOf(candidate).some((other) => fold(other) === wanted));
    if (preset) return { kind: 'found', preset, resolvedFrom };
  }
  const replacement = findRetired(wanted);
  if (replacement) return { kind: 'unknown', nearest: [replacement.name], ambiguous: [], replacement };
  const ambiguous = wanted.length < shortestGuess ? [] : catalogue.filter((preset) => beginsWith(fold(preset.name), wanted)).map((preset) => preset.name);
  return { kind: 'unknown', nearest: ambiguous.length > 0 ? ambiguous.slice(0, suggestionLimit) : nearestTo(wanted, catalogue), ambiguous };
};

/** The name that KAITO's operator accepts, for Workspaces written for it. */
export const kaitoPresetName = (preset: Preset): string => preset.aliases[0] ?? preset.huggingFaceId;

/** With or without its publisher, and with the `-hf` that Llama's ids end in. */
const findRetired = (wanted: string): RetiredPreset | undefined => {
  const name = wanted.replace(/^(?:tiiuae|microsoft|meta-llama)\//, '').replace(/-hf$/, '');
  return Object.hasOwn(retired, name) ? retired[name] : undefined;
};

const waysToName = [
  ['name', ({ name }: Preset) => [name]],
  ['alias', ({ aliases }: Preset) => aliases],
  ['hugging face id', ({ huggingFaceId }: Preset) => [huggingFaceId]],
  ['short name', ({ shortNames }: Preset) => shortNames],
] as const;

/** Below this many letters nearly everything begins alike. */
const shortestGuess = 3;

const suggestionLimit = 5;

const fold = (name: string): string => name.trim().toLowerCase();

/** `phi-3` begins `phi-3-mini-4k-instruct`, and not `phi-3.5-mini-instruct`. */
const beginsWith = (name: string, part: string): boolean => name.startsWith(part) && /^[^a-z0-9.]/.test(name.slice(part.length));

const nearestTo = (wanted: string, catalogue: readonly Preset[]): string[] =>
  catalogue
    .map((preset) => ({ name: preset.name, edits: Math.min(...waysToName.flatMap(([, namesOf]) => namesOf(preset)).map((other) => distance(wanted, fold(other)))) }))
    .filter(({ name, edits }) => edits <= Math.max(3, Math.min(wanted.length, name.length) / 3))
    .sort((left, right) => left.edits - right.edits || left.name.localeCompare(right.name))
    .slice(0, 3)
    .map(({ name }) => name);

const noLongerServed = 'KAITO lists it without serving or tuning it any more.';
const notThere = 'KAITO has dropped it from its catalogue.';

/**
 * Models that documents and habit still name. The first group is still in KAITO's list of images, where no preset leads to it:
 * https://github.com/kaito-project/kaito/blob/056b8280/presets/workspace/models/supported_models.yaml
 */
export const retired: Readonly<Record<string, RetiredPreset>> = {
  'falcon-7b': { reason: noLongerServed, name: 'mistral-7b-v0.3' },
  'falcon-7b-instruct': { reason: noLongerServed, name: 'mistral-7b-instruct-v0.3' },
  'falcon-40b': { reason: noLongerServed, name: 'qwen3.6-27b' },
  'falcon-40b-instruct': { reason: noLongerServed, name: 'qwen3.6-27b' },
  'phi-2': { reason: noLongerServed, name: 'phi-4-mini-instruct' },
  'llama-2-7b': { reason: notThere, name: 'llama-3.1-8b-instruct' },
  'llama-2-7b-chat': { reason: notThere, name: 'llama-3.1-8b-instruct' },
  'llama-2-13b': { reason: notThere, name: 'llama-3.1-8b-instruct' },
  'llama-2-13b-chat': { reason: notThere, name: 'llama-3.1-8b-instruct' },
  'llama-2-70b': { reason: notThere, name: 'llama-3.3-70b-instruct' },
  'llama-2-70b-chat': { reason: notThere, name: 'llama-3.3-70b-instruct' },
};
