import { addAbortSignal, type Readable, type Writable } from 'node:stream';
import { isatty } from 'node:tty';
import { exitCodes, FailedError } from '../domain/errors.ts';
import { canAsk, estimateColorLevel } from './color.ts';
import { askForYes } from './confirm.ts';
import { createInterrupts } from './interrupts.ts';
import type { Terminal } from './terminal.ts';

export interface System {
  terminal: Terminal;
  /** Aborts with an InterruptedError at the first Ctrl-C that nobody handles, and at SIGTERM. */
  signal: AbortSignal;
  /** Removes the listeners, so that nothing keeps the process alive. */
  close(): void;
}

/** The real terminal of this process. Beside `main.ts` the only place that knows `process`. */
export const openSystem = (): System => {
  // Not stdin: opening it costs time, and most commands never read it.
  const { stdout, stderr, env } = process;
  const interrupts = createInterrupts((exitCode) => process.exit(exitCode));
  const onSigint = () => interrupts.interrupt();
  const onSigterm = () => interrupts.end('SIGTERM');
  process.on('SIGINT', onSigint);
  process.on('SIGTERM', onSigterm);

  stdout.on('error', endQuietly);
  stderr.on('error', endQuietly);

  const isStdinTty = isatty(0);
  const isStdoutTty = isatty(1);
  const isStderrTty = isatty(2);
  const isInteractive = canAsk(isStdinTty && isStderrTty, env);

  const terminal: Terminal = {
    isStdinTty,
    isStdoutTty,
    isStderrTty,
    isInteractive,
    get columns() {
      return (isStdoutTty ? stdout.columns : stderr.columns) || 80;
    },
    stdoutColorLevel: estimateColorLevel(isStdoutTty, env),
    stderrColorLevel: estimateColorLevel(isStderrTty, env),
    writeOut: (text) => write(stdout, text),
    writeErr: (text) => write(stderr, text),
    readAll: (signal) => (isStdinTty ? Promise.resolve('') : readAll(process.stdin, signal)),
    confirm: (question, options) => askForYes(question, { ...options, isInteractive, input: process.stdin, output: stderr }),
    // Editing and reading to the end are loaded by those who use them: most commands do neither.
    openLineEditor: async (options) => {
      const { createLineEditor } = await import('./line-editor.ts');
      return createLineEditor({ ...options, input: process.stdin, output: isStderrTty ? stderr : stdout, isTty: isStdinTty && (isStderrTty || isStdoutTty), onInterrupt: onSigint });
    },
    onInterrupt: (handler) => interrupts.onInterrupt(handler),
  };

  return {
    terminal,
    signal: interrupts.signal,
    close: () => {
      process.off('SIGINT', onSigint);
      process.off('SIGTERM', onSigterm);
    },
  };
};

/** As SIGPIPE does to other programs: when nobody reads any more, there is nothing left to say. EIO is a terminal that went away. */
const endQuietly = (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE' || error.code === 'EIO') process.exit(exitCodes.done);
};

/** Rejects when the text could not be written for another reason than a closed pipe, such as a full disk. */
const write = (stream: Writable, text: string): Promise<void> => {
  if (text === '') return Promise.resolve();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  stream.write(text, (error) => {
    if (error) reject(new FailedError('The output could not be written.', { reason: 'OutputLost', fact: error.message, cause: error }));
    else resolve();
  });
  return promise;
};

const readAll = async (stdin: Readable, signal: AbortSignal | undefined): Promise<string> => {
  try {
    const { text: readText } = await import('node:stream/consumers');
    return await readText(signal ? addAbortSignal(signal, stdin) : stdin);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
};
