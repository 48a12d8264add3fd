import { isCollection, isMap as isYamlMap, isNode, isPair, isScalar, isSeq, LineCounter, parseDocument, visit, type Document, type Node } from 'yaml';
import { isMap, type JsonMap } from './json.ts';
import type { Path, Problem } from './problem.ts';
import { goTags } from './yaml-tags.ts';

export interface Place {
  line: number;
  column: number;
}

/** One document of a file, or one item of a List in it, with the way back to its text. */
export interface SourceDocument {
  source: string;
  /** From 0; empty documents do not count. */
  index: number;
  /** Absent when it cannot be read: then `broken` says why. */
  content?: JsonMap;
  broken: readonly Problem[];
  locate(path: Path): Place;
}

/**
 * Reads a stream of YAML documents, or JSON, as kubectl does: cut at lines of `---`, each read by itself as YAML 1.1, so that a
 * broken one hides no other. https://github.com/kubernetes/apimachinery/blob/v0.36.0/pkg/util/yaml/decoder.go
 */
export const parseDocuments = (source: string, text: string): SourceDocument[] => {
  const documents: SourceDocument[] = [];
  // Files that were put together bring their marks of byte order along.
  for (const { chunk, line } of splitDocuments(text.replaceAll(/(^|^---[^\n]*\n)\uFEFF/gm, '$1'))) {
    if (/^---\s*$/.test(chunk)) continue;
    const read = parseChunk(source, chunk, line);
    for (const document of read) documents.push({ ...document, index: documents.length });
  }
  return documents;
};

/** A document starts at its own `---`, so that lines are counted rightly. */
function* splitDocuments(text: string): Generator<{ chunk: string; line: number }> {
  let line = 0;
  let start = 0;
  const cut = function* (end: number): Generator<{ chunk: string; line: number }> {
    const chunk = text.slice(start, end);
    yield { chunk, line };
    start = end;
    line += chunk.split('\n').length - 1;
  };
  for (const { index } of text.matchAll(/^---(?=\s|$)/gm)) if (index > start) yield* cut(index);
  yield* cut(text.length);
}

const parseChunk = (source: string, chunk: string, firstLine: number): Omit<SourceDocument, 'index'>[] => {
  const lines = new LineCounter();
  const document = parseDocument(chunk, {
    version: '1.1',
    lineCounter: lines,
    prettyErrors: false,
    logLevel: 'silent',
    // Its own check takes minutes over some thousand keys.
    uniqueKeys: false,
    customTags: goTags,
  });
  const placeOf = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: firstLine + Math.max(1, line), column: Math.max(1, col) };
  };
  const broken = (code: string, message: string, place: Place, fix: string): Omit<SourceDocument, 'index'> => ({
    source,
    broken: [{ code, severity: 'error', path: '', ...place, message, fix, source: 'kaito' }],
    locate: () => place,
  });
  const problems = [
    ...document.errors.map(({ code, message, pos }): Problem => ({ code: 'syntax', severity: 'error', path: '', ...placeOf(pos[0]), message, fix: syntaxFix[code] ?? 'Correct the YAML here.', source: 'kaito' })),
    ...keysTwice(document).map(({ key, offset }): Problem => ({ code: 'key-twice', severity: 'error', path: '', ...placeOf(offset), message: `The key ${key} is there already.`, fix: 'Keep one of the two keys.', source: 'kaito-ts' })),
  ];
  const [problem] = problems;
  if (problem) return [{ source, broken: problems, locate: () => ({ line: problem.line, column: problem.column }) }];
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) return [];
  const start = placeOf(document.contents.range?.[0] ?? 0);
  let content: unknown;
  try {
    content = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    return [broken('syntax', error instanceof Error ? error.message : String(error), start, 'Write the values out instead of pointing to them.')];
  }
  if (!isMap(content)) return [broken('not-a-map', 'A document must be a map with apiVersion and kind.', start, 'Check the indentation, and that documents are divided by ---.')];
  const locate = (path: Path): Place => placeOf(findOffset(document, path) ?? document.contents?.range?.[0] ?? 0);
  return expandList(content).map(({ item, prefix }) => {
    const at = (path: Path): Place => locate([...prefix, ...path]);
    if (!isMap(item)) return broken('not-a-map', 'An item of a List must be a map with apiVersion and kind.', at([]), 'Check the indentation.');
    if (typeof item['kind'] !== 'string' || typeof item['apiVersion'] !== 'string') return broken('kind-missing', `Object '${typeof item['kind'] === 'string' ? 'apiVersion' : 'Kind'}' is missing.`, at([]), 'Add apiVersion: kaito.sh/v1beta1 and kind: Workspace.');
    return { source, content: item, broken: [], locate: at };
  });
};

/** Go takes the last of them without a word, and nobody means that. Merges may be several. */
const keysTwice = (document: Document): { key: string; offset: number }[] => {
  const found: { key: string; offset: number }[] = [];
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key) || key.value === '<<') continue;
        if (seen.has(key.value)) found.push({ key: String(key.value), offset: startOf(key) ?? 0 });
        seen.add(key.value);
      }
    },
  });
  return found.sort((left, right) => left.offset - right.offset);
};

const syntaxFix: Readonly<Record<string, string>> = { TAB_AS_INDENT: 'Indent with spaces.', BAD_INDENT: 'Align it with its neighbours.' };

const expandList = (content: JsonMap): { item: unknown; prefix: Path }[] => {
  const { kind, items } = content;
  return kind === 'List' && Array.isArray(items) ? items.map((item: unknown, index) => ({ item, prefix: ['items', index] })) : [{ item: content, prefix: [] }];
};

/** Where a value stands, or the key of a map or list; what is not there stands where the nearest thing around it does. */
const findOffset = (document: Document, path: Path): number | undefined => {
  let node: unknown = document.contents;
  let offset = startOf(node);
  for (const part of path) {
    const container: Node | undefined = resolveNode(node, document);
    if (isYamlMap(container)) {
      const pair = container.items.find((item) => isPair(item) && (isScalar(item.key) ? String(item.key.value) : String(item.key)) === String(part));
      if (!pair) return offset;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(container) && typeof part === 'number' && part < container.items.length) {
      node = container.items[part];
      offset = startOf(node) ?? offset;
    } else return offset;
  }
  return isCollection(node) ? offset : (startOf(node) ?? offset);
};

const resolveNode = (node: unknown, document: Document): Node | undefined => {
  if (!isNode(node)) return undefined;
  return 'resolve' in node ? node.resolve(document) : node;
};

const startOf = (node: unknown): number | undefined => (isNode(node) ? node.range?.[0] : undefined);
