/**
 * A string in quotes as KAITO and the API server write it in their messages, which JSON does otherwise for characters
 * that cannot be seen: https://pkg.go.dev/strconv#Quote
 */
export const quote = (text: string): string => `"${Array.from(text, (character) => shortEscapes[character] ?? (visible.test(character) ? character : escapeOf(character.codePointAt(0) ?? 0))).join('')}"`;

const visible = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

const shortEscapes: Readonly<Record<string, string>> = { '"': String.raw`\"`, '\\': String.raw`\\`, '\u0007': String.raw`\a`, '\b': String.raw`\b`, '\f': String.raw`\f`, '\n': String.raw`\n`, '\r': String.raw`\r`, '\t': String.raw`\t`, '\v': String.raw`\v` };

const escapeOf = (code: number): string => {
  const hex = code.toString(16);
  if (code < 0x20 || code === 0x7f) return String.raw`\x${hex.padStart(2, '0')}`;
  return code < 0x10000 ? String.raw`\u${hex.padStart(4, '0')}` : String.raw`\U${hex.padStart(8, '0')}`;
};

/** As Go takes white space away, which differs from JavaScript in two characters: https://pkg.go.dev/strings#TrimSpace */
export const trimSpace = (text: string): string => text.replaceAll(/^[\p{White_Space}]+|[\p{White_Space}]+$/gu, '');
