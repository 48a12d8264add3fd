import type { TrainingValueKind } from './training-keys.ts';

export type TrainingValue = string | number | boolean | string[];

interface ValueReader {
  /** As the end of "must be". */
  wanted: string;
  /** Reads one word of the trainer's command line; undefined when the trainer could not. */
  read(word: string): TrainingValue | undefined;
}

/** How the trainer's argument parser reads a word of each kind. */
export const valueReaders: Readonly<Record<TrainingValueKind, ValueReader>> = {
  text: { wanted: 'text', read: (word) => word },
  whole: { wanted: 'a whole number', read: (word) => (/^[-+]?\d+$/.test(word) ? Number(word) : undefined) },
  number: { wanted: 'a number', read: (word) => (word !== '' && Number.isFinite(Number(word)) ? Number(word) : undefined) },
  flag: { wanted: 'true or false', read: readFlag },
  texts: { wanted: 'a list of texts', read: (word) => (word === '' ? undefined : splitList(word)) },
  wholes: { wanted: 'a list of whole numbers', read: (word) => (/^\d+(?:\s*,\s*\d+)*$/.test(word) ? splitList(word) : undefined) },
  map: { wanted: 'a map written as text, such as \'{"key": "value"}\'', read: (word) => (isJsonMap(word) ? word : undefined) },
  never: { wanted: 'left out, for the trainer cannot read it', read: () => undefined },
};

export const isListKind = (kind: TrainingValueKind): boolean => kind === 'texts' || kind === 'wholes';

/** What becomes one word; anything else is a list, a map or nothing. */
export const isScalar = (value: unknown): value is string | number | boolean => typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

function readFlag(word: string): boolean | undefined {
  if (/^(?:yes|true|t|y|1)$/i.test(word)) return true;
  return /^(?:no|false|f|n|0)$/i.test(word) ? false : undefined;
}

const splitList = (word: string): string[] => word.split(',').map((item) => item.trim());

const isJsonMap = (word: string): boolean => {
  if (!word.startsWith('{')) return false;
  try {
    JSON.parse(word);
    return true;
  } catch {
    return false;
  }
};
