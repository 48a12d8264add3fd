import { createBlocks } from './blocks.ts';

/** Takes pieces of an answer and gives what can be shown of it. */
export interface AnswerText {
  push(text: string): string;
  end(): string;
  /** What came and cannot be shown as it will look. */
  unfinished(): string;
}

export const plainText: AnswerText = { push: (text) => text, end: () => '', unfinished: () => '' };

/** Markdown for a terminal, a finished block at a time, because what comes next can change how a block looks. */
export const createMarkdownText = async ({ columns, hasColor }: { columns: number; hasColor: boolean }): Promise<AnswerText> => {
  const { render } = await import('markdansi');
  const blocks = createBlocks();
  let hasShown = false;
  const show = (finished: string[]): string =>
    finished
      .map((block) => {
        // A link's text can say something else than where it leads, so the address is printed.
        const text = render(block, { width: columns, color: hasColor, hyperlinks: false }).replace(/^\n+|\s+$/g, '');
        const separator = hasShown ? '\n' : '';
        hasShown = true;
        return `${separator}${text}\n`;
      })
      .join('');
  return { push: (text) => show(blocks.push(text)), end: () => show(blocks.end()), unfinished: () => blocks.unfinished() };
};
