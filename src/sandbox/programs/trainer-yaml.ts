import { isAlias, isMap, isScalar, isSeq, parseDocument, Scalar, type Document } from 'yaml';
import type { PythonValue } from './model-python.ts';

/**
 * Reads YAML as PyYAML does, where it matters: `yes` and `on` are booleans, `1e-4` without a dot is a string, and an
 * int stays apart from a float. Throws the parser's error for what is no YAML.
 */
export const parsePythonYaml = (text: string): PythonValue => {
  // The failsafe schema leaves every plain scalar a string, for the rules below.
  const document = parseDocument(text, { schema: 'failsafe' });
  const [error] = document.errors;
  if (error) throw error;
  return toValue(document.contents, document);
};

const toValue = (node: unknown, document: Document.Parsed): PythonValue => {
  if (isAlias(node)) return toValue(node.resolve(document), document);
  if (isScalar(node)) {
    const text = typeof node.value === 'string' ? node.value : '';
    return node.type === Scalar.PLAIN ? resolvePlain(text) : text;
  }
  if (isSeq(node)) return node.items.map((item) => toValue(item, document));
  if (!isMap(node)) return null;
  return new Map(node.items.map(({ key, value }) => [isScalar(key) ? String(key.value) : String(key), toValue(value, document)]));
};

/** https://github.com/yaml/pyyaml/blob/6.0.2/lib/yaml/resolver.py#L170 */
const resolvePlain = (text: string): PythonValue => {
  if (/^(?:~|null|Null|NULL|)$/.test(text)) return null;
  if (/^(?:yes|Yes|YES|true|True|TRUE|on|On|ON)$/.test(text)) return true;
  if (/^(?:no|No|NO|false|False|FALSE|off|Off|OFF)$/.test(text)) return false;
  if (/^[-+]?(?:0|[1-9][0-9_]*)$/.test(text)) return BigInt(text.replaceAll('_', '').replace(/^\+/, ''));
  if (/^0x[0-9a-fA-F_]+$/.test(text)) return BigInt(text.replaceAll('_', ''));
  if (/^[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?$/.test(text)) return Number(text.replaceAll('_', ''));
  if (/^[-+]?\.(?:inf|Inf|INF)$/.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  return /^\.(?:nan|NaN|NAN)$/.test(text) ? Number.NaN : text;
};
