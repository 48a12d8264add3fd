import { isRecord } from './json.ts';

/** A value as Go prints it with `%v`: `map[spec:map[replicas:1]]`, keys in order. */
export const goText = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`;
  if (!isRecord(value)) return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '<nil>';
  return `map[${Object.entries(value)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, content]) => `${key}:${goText(content)}`)
    .join(' ')}]`;
};

/** What Go's decoder says of a text that is no JSON, from what the one here says of it. */
export const goJsonProblem = (text: string, error: unknown): string => {
  const message = error instanceof Error ? error.message : String(error);
  const literal = ['null', 'true', 'false'].find((word) => word.startsWith(text.charAt(0)) && text !== '');
  if (literal !== undefined) {
    const at = literal.split('').findIndex((letter, index) => text.charAt(index) !== letter);
    return at >= text.length ? 'unexpected end of JSON input' : `invalid character ${quote(text.charAt(at))} in literal ${literal} (expecting '${literal.charAt(at)}')`;
  }
  const position = /position (\d+)/.exec(message)?.[1];
  const wrong = /Unexpected token '(.)'/.exec(message)?.[1] ?? (position === undefined ? undefined : text.charAt(Number(position)));
  return wrong === undefined || wrong === '' || message.includes('end of JSON input') ? 'unexpected end of JSON input' : `invalid character ${quote(wrong)} looking for beginning of value`;
};

/** Letters that cannot be seen are told by their number. */
const quote = (letter: string): string => (/[\u0000-\u001f\u007f-\u009f]/.test(letter) ? `'\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}'` : `'${letter}'`);

/** The beginning of a body, readable when it may be JSON. */
export const summarize = (body: Buffer, longest = 30): string => {
  if (body.length === 0) return '<empty>';
  const text = body.toString(body[0] === '{'.charCodeAt(0) ? 'utf8' : 'hex');
  return text.length > longest ? `${text.slice(0, longest)} ...` : text;
};
