import { createInterface } from 'node:readline';
import { Writable, type Readable } from 'node:stream';
import type { LineEditor, LineEditorOptions, LineRead } from './terminal.ts';

export interface LineEditorStreams extends LineEditorOptions {
  input: Readable;
  output: Writable & { columns?: number };
  isTty: boolean;
  /** Ctrl-C while no line is being read: raw mode turns the key into a byte, so no SIGINT comes. */
  onInterrupt: () => void;
}

/**
 * One readline for the whole session. Closing it between two lines would lose the rest of a paste, so it stays open and
 * falls silent instead: what is typed during an answer is kept, not echoed into it, and shown with the next prompt.
 */
export const createLineEditor = ({ input, output, isTty, onInterrupt, complete }: LineEditorStreams): LineEditor => {
  let waiting: ((read: LineRead) => void) | undefined;
  let hasEnded = false;
  const lines: string[] = [];

  const readline = createInterface({
    input,
    output: quietWhen(() => waiting === undefined, output),
    terminal: isTty,
    historySize: 500,
    removeHistoryDuplicates: true,
    // Without this a lone Escape before Ctrl-C waits half a second.
    escapeCodeTimeout: 50,
    ...(complete ? { completer: (line: string): [string[], string] => [complete(line), line] } : {}),
  });

  const answer = (read: LineRead) => {
    const resolve = waiting;
    waiting = undefined;
    resolve?.(read);
  };

  readline.on('line', (text) => {
    if (waiting) answer({ type: 'line', text });
    else lines.push(text);
  });
  readline.on('SIGINT', () => {
    if (!waiting) return onInterrupt();
    // Empties the line as a shell does; the key that does so is Ctrl-E then Ctrl-U.
    readline.write(null, { ctrl: true, name: 'e' });
    readline.write(null, { ctrl: true, name: 'u' });
    output.write('\n');
    answer({ type: 'interrupted' });
  });
  readline.on('close', () => {
    hasEnded = true;
    if (waiting && isTty) output.write('\n');
    answer({ type: 'ended' });
  });

  return {
    read: (prompt) => {
      const line = lines.shift();
      if (line !== undefined) {
        // As if it had been typed now, so that the transcript on screen reads right.
        if (isTty) output.write(`${prompt}${line}\n`);
        return Promise.resolve({ type: 'line', text: line });
      }
      if (hasEnded) return Promise.resolve({ type: 'ended' });
      const { promise, resolve } = Promise.withResolvers<LineRead>();
      waiting = resolve;
      readline.setPrompt(prompt);
      readline.prompt(true);
      return promise;
    },
    close: () => readline.close(),
  };
};

/** A stream for readline to draw on, which swallows the drawing at times; readline asks it for its width. */
const quietWhen = (isQuiet: () => boolean, output: Writable & { columns?: number }): Writable => {
  const stream = new Writable({
    decodeStrings: false,
    write: (chunk, _encoding, done) => {
      // Done at once: a drawing that waited for the one before it would be judged by what is asked for then, and the end of
      // a paste would be swallowed. A failed write is told on the output itself, where somebody listens.
      if (!isQuiet()) output.write(chunk);
      done();
    },
  });
  return Object.defineProperties(stream, { columns: { get: () => output.columns ?? 80 }, isTTY: { value: true } });
};
