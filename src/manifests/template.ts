import { closest, distance } from 'fastest-levenshtein';
import { UsageError } from '../domain/errors.ts';
import type { Json } from './json.ts';

/** A template as it was parsed, and the file it is from, for errors. */
export interface Template {
  file: string;
  content: Json;
}

/** What placeholders stand for. `undefined` is a part that is left out; a name that is not there at all is a mistake. */
export interface Values {
  readonly [name: string]: Json | Values | undefined;
}

/**
 * Puts values in the place of `${name.name}`. It happens after parsing, text by text, so no value can become anything but
 * a value:
 * - A text that is one placeholder becomes the value, of whatever type; where there is none, its key or list item goes.
 * - In a list, such a placeholder that stands for a list stands for its items.
 * - Under the key `<<`, one that stands for a map stands for its entries.
 * - Inside a longer text a placeholder becomes text.
 * - `$${` is a `${` that is meant.
 * Throws a UsageError that names the file and the place for a placeholder nobody knows.
 */
export const resolveTemplate = ({ file, content }: Template, values: Values): Json => {
  const resolved = resolve(content, values, { file, path: '' });
  if (resolved === undefined) throw new UsageError(`Template ${file} comes to nothing.`, { reason: 'InvalidTemplate' });
  return resolved;
};

interface Place {
  file: string;
  path: string;
}

const resolve = (node: Json, values: Values, place: Place): Json | undefined => {
  if (typeof node === 'string') return resolveText(node, values, place);
  if (Array.isArray(node)) return node.flatMap((item, index) => resolveItem(item, values, { ...place, path: `${place.path}[${index}]` }));
  if (node === null || typeof node !== 'object') return node;
  const entries = Object.entries(node).flatMap(([key, value]) => {
    const at = { ...place, path: place.path === '' ? key : `${place.path}.${key}` };
    const resolved = resolve(value, values, at);
    if (resolved === undefined) return [];
    // What is written out goes before what is merged in, as in YAML.
    return key === '<<' ? entriesOf(resolved, at).filter(([merged]) => !Object.hasOwn(node, merged)) : [[key, resolved] as const];
  });
  return Object.fromEntries(entries);
};

/** As YAML's merge key. */
const entriesOf = (resolved: Json, place: Place): [string, Json][] => {
  if (typeof resolved !== 'object' || resolved === null || Array.isArray(resolved)) throw mistake(place, 'Only a map can be merged into one.', []);
  return Object.entries(resolved);
};

const resolveItem = (item: Json, values: Values, place: Place): Json[] => {
  const resolved = resolve(item, values, place);
  if (resolved === undefined) return [];
  return typeof item === 'string' && Array.isArray(resolved) ? resolved : [resolved];
};

const resolveText = (text: string, values: Values, place: Place): Json | undefined => {
  const whole = /^\$\{([^}]*)\}$/.exec(text)?.[1];
  if (whole !== undefined) return lookUp(whole, values, place);
  return text.replaceAll(/\$\$\{|\$\{([^}]*)\}/g, (match, name: string | undefined) => {
    if (name === undefined) return '${';
    const value = lookUp(name, values, place);
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
    throw mistake(place, `${match} stands for ${value === undefined ? 'nothing' : 'more than a text'} here, and can only be a whole value.`, []);
  });
};

const lookUp = (name: string, values: Values, place: Place): Json | undefined => {
  let found: Json | Values | undefined = values;
  for (const part of name.split('.')) {
    if (!isMap(found) || !Object.hasOwn(found, part)) {
      throw mistake(place, `\${${name}} is no placeholder.`, [
        ...suggest(name, namesIn(values)),
        'A ${ that is meant, as in a shell script, is written $${.',
      ]);
    }
    found = found[part];
  }
  return copy(found);
};

const mistake = ({ file, path }: Place, fact: string, hints: string[]): UsageError =>
  new UsageError(`Template ${file} cannot be filled in.`, { reason: 'InvalidTemplate', fact: `${path === '' ? 'the whole file' : path}: ${fact}`, hints });

const suggest = (name: string, known: string[]): string[] => {
  if (known.length === 0) return [];
  const nearest = closest(name, known);
  return [distance(name, nearest) <= Math.max(2, name.length / 3) ? `Did you mean \${${nearest}}?` : `There are: ${known.map((other) => `\${${other}}`).join(', ')}.`];
};

/** One level below the groups, which is as deep as placeholders go. */
const namesIn = (values: Values): string[] => Object.entries(values).flatMap(([group, value]) => (isMap(value) ? Object.keys(value).map((name) => `${group}.${name}`) : [group]));

const isMap = (value: unknown): value is Values => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A copy, so that no two objects share a part. */
const copy = (value: Json | Values | undefined): Json | undefined => {
  if (Array.isArray(value)) return value.map((item) => copy(item) ?? null);
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => {
      const copied = copy(inner);
      return copied === undefined ? [] : [[key, copied] as const];
    }),
  );
};
