import type { ProgramContext } from './program.ts';

/** The script's stdout on its way out of the container. */
export interface Stdout {
  print(this: void, text: string): void;
  flush(this: void): void;
}

/** Python writes to a pipe in blocks of 8 KiB and at its end, unless PYTHONUNBUFFERED says otherwise. */
export const createStdout = (context: ProgramContext): Stdout => {
  const isBuffered = !context.env['PYTHONUNBUFFERED'];
  let pending = '';
  const flush = () => {
    if (pending !== '') context.stdout(pending);
    pending = '';
  };
  return {
    print: (text) => {
      pending += text;
      if (!isBuffered || pending.length >= 8192) flush();
    },
    flush,
  };
};
