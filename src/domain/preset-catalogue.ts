import { distance } from 'fastest-levenshtein';
import type { Preset } from './preset.ts';

export { parsePreset } from './parse-preset.ts';

export type PresetMatch =
  | { kind: 'found'; preset: Preset; by: 'name' | 'alias' | 'shortName' | 'huggingFaceId' }
  /** `replacement` is the preset to take instead of one that KAITO has given up. */
  | { kind: 'unknown'; nearest: string[]; ambiguous: string[]; replacement?: string };

/**
 * In any letter case, by whatever name people know a model, or by its beginning where no other has that in its name. What
 * more than one preset could mean is not guessed: `ambiguous` lists them.
 */
export const findPreset = (catalogue: readonly Preset[], name: string): PresetMatch => {
  const wanted = fold(name);
  for (const [by, namesOf] of waysToName) {
    const preset = catalogue.find((candidate) => namesOf(candidate).some((other) => fold(other) === wanted));
    if (preset) return { kind: 'found', preset, by };
  }
  const replacement = findRetired(wanted);
  if (replacement !== undefined) return { kind: 'unknown', nearest: [replacement], ambiguous: [], replacement };
  const having = wanted.length < shortestGuess ? [] : catalogue.filter((preset) => fold(preset.name).includes(wanted));
  const beginning = having.filter((preset) => beginsWith(fold(preset.name), wanted));
  const [only] = beginning;
  if (only && having.length === 1) return { kind: 'found', preset: only, by: 'shortName' };
  const ambiguous = (beginning.length > 1 ? beginning : having).map((preset) => preset.name);
  if (ambiguous.length > 1) return { kind: 'unknown', nearest: ambiguous.slice(0, suggestionLimit), ambiguous };
  const family = ambiguous.length > 0 || wanted.length < shortestGuess ? undefined : Object.entries(retired).find(([retiredName]) => beginsWith(retiredName, wanted))?.[1];
  if (family !== undefined) return { kind: 'unknown', nearest: [family], ambiguous: [], replacement: family };
  return { kind: 'unknown', nearest: ambiguous.length > 0 ? ambiguous : nearestTo(wanted, catalogue), ambiguous: [] };
};

/** What a Workspace names it by, so that it is found again: a model of the hub has no other name than its id. */
export const presetReference = ({ isFromHub, huggingFaceId, name }: Preset): string => (isFromHub ? huggingFaceId : name);

/** The id of a Hugging Face model that is neither of the catalogue nor known to be replaced by one of it. */
export const isHubModel = (catalogue: readonly Preset[], name: string): boolean => {
  const found = findPreset(catalogue, name);
  return found.kind === 'unknown' && found.replacement === undefined && isHubId(name);
};

/** `publisher/model`: https://huggingface.co/docs/huggingface_hub/package_reference/utilities#huggingface_hub.utils.validate_repo_id */
export const isHubId = (text: string): boolean => text.length <= 96 && /^\w(?:[\w.-]*\w)?\/\w(?:[\w.-]*\w)?$/.test(text) && !/--|\.\./.test(text);

/** The name that KAITO's operator accepts, for Workspaces written for it. */
export const kaitoPresetName = (preset: Preset): string => preset.aliases[0] ?? preset.huggingFaceId;

/** With or without its publisher, and with the `-hf` that Llama's ids end in. */
const findRetired = (wanted: string): string | undefined => {
  const name = wanted.replace(/^(?:tiiuae|microsoft|meta-llama)\//, '').replace(/-hf$/, '');
  return Object.hasOwn(retired, name) ? retired[name] : undefined;
};

const waysToName = [
  ['name', ({ name }: Preset) => [name]],
  ['alias', ({ aliases }: Preset) => aliases],
  ['huggingFaceId', ({ huggingFaceId }: Preset) => [huggingFaceId]],
  ['shortName', ({ shortNames }: Preset) => shortNames],
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

/**
 * Models that documents and habit still name, and what to take instead. The first five are still in KAITO's list of images,
 * where no preset leads to them: https://github.com/kaito-project/kaito/blob/056b8280/presets/workspace/models/supported_models.yaml
 */
export const retired: Readonly<Record<string, string>> = {
  'falcon-7b': 'mistral-7b-v0.3',
  'falcon-7b-instruct': 'mistral-7b-instruct-v0.3',
  'falcon-40b': 'qwen3.6-27b',
  'falcon-40b-instruct': 'qwen3.6-27b',
  'phi-2': 'phi-4-mini-instruct',
  'llama-2-7b': 'llama-3.1-8b-instruct',
  'llama-2-7b-chat': 'llama-3.1-8b-instruct',
  'llama-2-13b': 'llama-3.1-8b-instruct',
  'llama-2-13b-chat': 'llama-3.1-8b-instruct',
  'llama-2-70b': 'llama-3.3-70b-instruct',
  'llama-2-70b-chat': 'llama-3.3-70b-instruct',
};
