/** Lines of context around a change, as in `diff -u`. */
const contextLineCount = 3;

interface Line {
  sign: ' ' | '-' | '+';
  text: string;
}

/** The hunks of a unified diff, without the two lines that name the files; empty when the texts are the same. */
export const unifiedDiff = (before: string, after: string): string => {
  const lines = compareLines(toLines(before), toLines(after));
  const shown = lines.map((_, index) => lines.slice(Math.max(0, index - contextLineCount), index + contextLineCount + 1).some(({ sign }) => sign !== ' '));
  let text = '';
  let [oldLine, newLine] = [1, 1];
  for (let index = 0; index < lines.length; index += 1) {
    if (shown[index]) {
      const end = shown.indexOf(false, index);
      const hunk = lines.slice(index, end === -1 ? undefined : end);
      const oldCount = hunk.filter(({ sign }) => sign !== '+').length;
      const newCount = hunk.filter(({ sign }) => sign !== '-').length;
      // A side without lines is named by the line before it.
      text += `@@ -${oldCount === 0 ? oldLine - 1 : oldLine},${oldCount} +${newCount === 0 ? newLine - 1 : newLine},${newCount} @@\n`;
      text += hunk.map((line) => `${line.sign}${line.text}\n`).join('');
      oldLine += oldCount;
      newLine += newCount;
      index += hunk.length - 1;
    } else {
      oldLine += 1;
      newLine += 1;
    }
  }
  return text;
};

const toLines = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));

/** By the longest common subsequence: manifests have some hundreds of lines, so the plain table is small. */
const compareLines = (before: readonly string[], after: readonly string[]): Line[] => {
  const width = after.length + 1;
  const lengths = new Uint32Array((before.length + 1) * width);
  const lengthAt = (row: number, column: number): number => lengths[row * width + column] ?? 0;
  for (let row = before.length - 1; row >= 0; row -= 1) {
    for (let column = after.length - 1; column >= 0; column -= 1) {
      lengths[row * width + column] = before[row] === after[column] ? lengthAt(row + 1, column + 1) + 1 : Math.max(lengthAt(row + 1, column), lengthAt(row, column + 1));
    }
  }
  const lines: Line[] = [];
  let [row, column] = [0, 0];
  while (row < before.length || column < after.length) {
    const [removed, added] = [before[row], after[column]];
    if (removed !== undefined && removed === added) {
      lines.push({ sign: ' ', text: removed });
      row += 1;
      column += 1;
    } else if (removed !== undefined && (added === undefined || lengthAt(row + 1, column) >= lengthAt(row, column + 1))) {
      lines.push({ sign: '-', text: removed });
      row += 1;
    } else {
      lines.push({ sign: '+', text: added ?? '' });
      column += 1;
    }
  }
  return lines;
};
