import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Difference } from './compare.ts';

const shape = z.record(z.string(), z.record(z.string(), z.record(z.string(), z.string())));

/** Where the sandbox answers otherwise and is known to: by file of cases and title, the parts of the observation that differ, each with its reason. */
const known = shape.parse(JSON.parse(readFileSync(join(import.meta.dirname, 'known-differences.json'), 'utf8')));

/** The differences that nobody knows of, and those that are known but are none any more. */
export const unknownDifferences = (file: string, title: string, found: readonly Difference[]): string[] => {
  const parts = Object.keys(known[file]?.[title] ?? {});
  return [
    ...found.filter(({ part }) => !parts.includes(part)).map(({ text }) => text),
    ...parts.filter((part) => !found.some((difference) => difference.part === part)).map((part) => `${part} is the same now: take it off the list of known differences`),
  ];
};

export const knownTitles = (file: string): string[] => Object.keys(known[file] ?? {});
