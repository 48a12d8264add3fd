/** The last line of a growing text, cut at its start to what fits one row with a column to spare, so that it never wraps. */
export const toPreview = (text: string, columns: number): string => {
  const lastLine = text.trimEnd().split('\n').at(-1)?.replaceAll('\t', ' ') ?? '';
  const characters = Array.from(lastLine);
  let width = 0;
  let start = characters.length;
  while (start > 0) {
    width += estimateWidth(characters[start - 1] ?? '');
    if (width >= columns) break;
    start -= 1;
  }
  return characters.slice(start).join('');
};

/** Two columns for everything that may be wide: a row that looks short is better than one that wraps. */
const estimateWidth = (character: string): number => ((character.codePointAt(0) ?? 0) >= 0x1100 ? 2 : 1);
