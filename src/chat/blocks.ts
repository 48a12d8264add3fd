export interface Blocks {
  push(text: string): string[];
  end(): string[];
  /** What was pushed and not given yet. */
  unfinished(): string;
}

/**
 * Cuts growing Markdown into blocks that can be rendered alone: a paragraph, a heading, a whole list, table or code
 * block. `push` gives those that the text has finished, each with the blank lines before it left out.
 */
export const createBlocks = (): Blocks => {
  let unread = '';
  let lines: string[] = [];
  /** The opening of the code block we are in. */
  let fence = '';
  /** A list goes on over a blank line when what follows is indented or another item. */
  let isListPaused = false;

  const finish = (): string[] => {
    const block = lines.join('\n').trimEnd();
    lines = [];
    isListPaused = false;
    return block === '' ? [] : [block];
  };

  const addLine = (line: string): string[] => {
    if (fence !== '') {
      lines.push(line);
      if (!isClosing(line, fence)) return [];
      fence = '';
      return finish();
    }
    const done = isListPaused && line.trim() !== '' && !/^(\s+\S|[-*+]\s|\d+[.)]\s)/.test(line) ? finish() : [];
    const opening = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (opening !== undefined) {
      const before = finish();
      fence = opening;
      lines.push(line);
      return [...done, ...before];
    }
    if (line.trim() === '') {
      if (!isList(lines)) return [...done, ...finish()];
      isListPaused = true;
    }
    lines.push(line);
    return /^ {0,3}#{1,6}\s/.test(line) ? [...done, ...finish()] : done;
  };

  return {
    push: (text) => {
      const whole = (unread + text).split('\n');
      unread = whole.pop() ?? '';
      return whole.flatMap(addLine);
    },
    unfinished: () => [...lines, unread].join('\n'),
    end: () => {
      const rest = unread === '' ? [] : addLine(unread);
      unread = '';
      fence = '';
      return [...rest, ...finish()];
    },
  };
};

const isList = (lines: readonly string[]): boolean => /^ {0,3}([-*+]|\d+[.)])\s/.test(lines[0] ?? '');

const isClosing = (line: string, fence: string): boolean => {
  const marks = line.trim();
  return marks.length >= fence.length && marks === fence.charAt(0).repeat(marks.length);
};
