import { InterruptedError } from '../../src/domain/errors.ts';
import type { LineRead, Terminal } from '../../src/terminal/terminal.ts';

export interface FakeTerminal extends Terminal {
  out(): string;
  err(): string;
  prompts: string[];
  /** As Ctrl-C during an answer. */
  interrupt(): void;
  interruptHandlerCount(): number;
  isEditorClosed(): boolean;
}

export interface FakeTerminalOptions {
  /** What is typed at the prompts; after the last one comes Ctrl-D. */
  typed?: readonly (string | { key: 'Ctrl-C' })[];
  stdin?: string;
  facts?: Partial<Pick<Terminal, 'isStdinTty' | 'isStdoutTty' | 'isStderrTty' | 'columns' | 'stdoutColorLevel' | 'stderrColorLevel'>>;
  onOut?: (text: string) => void;
}

/** A terminal made of data. With `stdin` it is a pipe, without it somebody sits at it. */
export const createFakeTerminal = ({ typed = [], stdin, facts = {}, onOut }: FakeTerminalOptions = {}): FakeTerminal => {
  const out: string[] = [];
  const err: string[] = [];
  const prompts: string[] = [];
  const handlers: (() => void)[] = [];
  const queue = [...typed];
  let isClosed = false;
  const isTty = stdin === undefined;
  return {
    isStdinTty: isTty,
    isStdoutTty: isTty,
    isStderrTty: isTty,
    isInteractive: isTty,
    columns: 80,
    stdoutColorLevel: 0,
    stderrColorLevel: 0,
    ...facts,
    writeOut: async (text) => {
      out.push(text);
      onOut?.(text);
    },
    writeErr: async (text) => void err.push(text),
    readAll: async () => stdin ?? '',
    confirm: async () => {
      throw new InterruptedError('SIGINT');
    },
    openLineEditor: async () => ({
      read: async (prompt): Promise<LineRead> => {
        prompts.push(prompt);
        const next = isClosed ? undefined : queue.shift();
        if (next === undefined) return { type: 'ended' };
        return typeof next === 'string' ? { type: 'line', text: next } : { type: 'interrupted' };
      },
      close: () => {
        isClosed = true;
      },
    }),
    onInterrupt: (handler) => {
      handlers.push(handler);
      return () => void handlers.splice(handlers.indexOf(handler), 1);
    },
    out: () => out.join(''),
    err: () => err.join(''),
    prompts,
    interrupt: () => handlers.at(-1)?.(),
    interruptHandlerCount: () => handlers.length,
    isEditorClosed: () => isClosed,
  };
};
