import { isScalar, parseDocument } from 'yaml';
import { isMap } from '../json.ts';
import { goTags } from '../yaml-tags.ts';

export type ConfigContent = { content: unknown } | { problem: string };

/** The value of a ConfigMap's key as KAITO's Go reads it: YAML 1.1, the first document, the last of equal keys. */
export const readConfig = (text: string): ConfigContent => {
  const [first = ''] = text.split(/^---(?:\s|$)/m).filter((part) => part.trim() !== '');
  try {
    const document = parseDocument(first, { version: '1.1', uniqueKeys: false, logLevel: 'silent', stringKeys: false, customTags: goTags });
    const [problem] = document.errors;
    if (problem) return { problem: `line ${problem.linePos?.[0].line ?? 1}: ${problem.message.split('\n')[0]?.replace(/ at line \d+.*$/, '') ?? ''}` };
    // Keys stay what they are: a number as a key is one of the things KAITO refuses.
    return { content: toPlain(document.toJS({ mapAsMap: true, maxAliasCount: 100 })) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
};

/** Keys that are no text are marked by it, since a map of JavaScript would make text of them. */
export const noTextKey = '\u0000';

const toPlain = (value: unknown): unknown => {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, inner]) => [typeof key === 'string' ? key : `${noTextKey}${String(key)}`, toPlain(inner)]));
  return Array.isArray(value) ? value.map(toPlain) : value;
};

/** In the words of Go's YAML reader. */
export const cannotUnmarshal = (value: unknown, type: string): string => {
  const [tag, shown] = Array.isArray(value) ? ['!!seq', ''] : isMap(value) ? ['!!map', ''] : [scalarTag(value), ` \`${typeof value === 'string' ? value : JSON.stringify(value)}\``];
  return `unmarshal errors:\n  line 1: cannot unmarshal ${tag}${shown} into ${type}`;
};

const scalarTag = (value: unknown): string => (typeof value === 'string' ? '!!str' : typeof value === 'boolean' ? '!!bool' : Number.isInteger(value) ? '!!int' : '!!float');

/** A value as it was typed: `010` stays `010`. Empty for null; undefined when it is not there or no plain value. */
export const readConfigText = (text: string, path: readonly string[]): string | undefined => {
  const [first = ''] = text.split(/^---(?:\s|$)/m).filter((part) => part.trim() !== '');
  const document = parseDocument(first, { version: '1.1', uniqueKeys: false, logLevel: 'silent', customTags: goTags });
  const node: unknown = document.getIn(path, true);
  if (!isScalar(node)) return undefined;
  return node.value === null ? '' : (node.source ?? JSON.stringify(node.value));
};
