/** What goes on under `body` when a terminal is too narrow for all of it. */
export interface Line {
  /** Indentation and label, of characters that are one column wide. */
  head: string;
  color?: (head: string) => string;
  body: string;
}

/** A narrower column of text than this is harder to read than lines that a terminal breaks itself. */
const leastColumns = 24;

/** Breaks lines at words, what follows indented as `body`; words longer than a line, such as addresses, stay whole to be copied. */
export const wrapLines = async (lines: readonly Line[], columns: number | undefined): Promise<string> => {
  const whole = lines.map(({ head, color, body }) => `${color ? color(head) : head}${body}`);
  if (columns === undefined) return whole.join('\n');
  // Only a terminal pays for it.
  const { wrapAnsi } = await import('fast-wrap-ansi');
  return lines
    .map(({ head, color, body }, index) => {
      if (columns - head.length < leastColumns) return whole[index];
      const wrapped = wrapAnsi(body, columns - head.length).replaceAll('\n', `\n${' '.repeat(head.length)}`);
      return `${color ? color(head) : head}${wrapped}`;
    })
    .join('\n');
};
