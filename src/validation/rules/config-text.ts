import { parseDocument, type Tags } from 'yaml';
import { isMap } from '../json.ts';
import { goTags } from '../yaml-tags.ts';

export type ConfigContent = { content: unknown } | { problem: string };

/** The value of a ConfigMap's key as KAITO's Go reads it: YAML 1.1, the first document, the last of equal keys. */
export const readConfig = (text: string): ConfigContent => {
  try {
    const document = parseDocument(firstDocument(text), { version: '1.1', uniqueKeys: false, logLevel: 'silent', stringKeys: false, customTags: goTags });
    const [problem] = document.errors;
    if (problem) return { problem: `line ${problem.linePos?.[0].line ?? 1}: ${problem.message.split('\n')[0]?.replace(/ at line \d+.*$/, '') ?? ''}` };
    // Keys stay what they are: a number as a key is one of the things KAITO refuses.
    return { content: toPlain(document.toJS({ mapAsMap: true, maxAliasCount: 100 })) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
};

const firstDocument = (text: string): string => text.split(/^---(?:\s|$)/m).find((part) => part.trim() !== '') ?? '';

/** Keys that are no text are marked by it, since a map of JavaScript would make text of them. */
export const noTextKey = '\u0000';
/** So are those that are lists or maps, by which of the two. */
const keyMark = (key: unknown): string => (typeof key === 'string' ? '' : `${noTextKey}${Array.isArray(key) ? '!!seq ' : key instanceof Map ? '!!map ' : ''}`);

const toPlain = (value: unknown): unknown => {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, inner]) => [`${keyMark(key)}${String(key)}`, toPlain(inner)]));
  return Array.isArray(value) ? value.map(toPlain) : value;
};

/** In the words of Go's YAML reader. */
export const cannotUnmarshal = (value: unknown, type: string): string => {
  const [tag, shown] = Array.isArray(value) ? ['!!seq', ''] : isMap(value) ? ['!!map', ''] : [scalarTag(value), ` \`${typeof value === 'string' ? value : JSON.stringify(value)}\``];
  return `unmarshal errors:\n  line 1: cannot unmarshal ${tag}${shown} into ${type}`;
};

const scalarTag = (value: unknown): string => (typeof value === 'string' ? '!!str' : typeof value === 'boolean' ? '!!bool' : Number.isInteger(value) ? '!!int' : '!!float');

/** A value as it was typed, through anchors and merges: `010` stays `010`. Empty for null; undefined when it is not there or no plain value. */
export const readConfigText = (text: string, path: readonly string[]): string | undefined => {
  const document = parseDocument(firstDocument(text), { version: '1.1', uniqueKeys: false, logLevel: 'silent', customTags: (tags) => goTags(tags).map(asTyped) });
  const value = path.reduce<unknown>((inner, key) => (isMap(inner) ? inner[key] : undefined), document.toJS({ maxAliasCount: 100 }));
  return value === null ? '' : typeof value === 'string' ? value : undefined;
};

/** Numbers and the like as their text. */
const asTyped = (tag: Tags[number]): Tags[number] => (typeof tag !== 'string' && !('collection' in tag) && /:(?:int|float|bool)$/.test(tag.tag) ? { ...tag, resolve: (source: string) => source } : tag);
