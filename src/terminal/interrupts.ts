import { exitCodes, InterruptedError, type ExitCode } from '../domain/errors.ts';

export interface Interrupts {
  signal: AbortSignal;
  onInterrupt(handler: () => void): () => void;
  /** Ctrl-C, from the signal or from an editor that reads the key itself. */
  interrupt(): void;
  end(signal: 'SIGINT' | 'SIGTERM'): void;
}

/**
 * What Ctrl-C means now. The handler added last takes it; with none, the program is asked to stop, and asked once more it
 * exits at once: whoever presses Ctrl-C twice does not want to wait for a clean-up.
 */
export const createInterrupts = (exit: (code: ExitCode) => void): Interrupts => {
  const controller = new AbortController();
  const handlers: (() => void)[] = [];

  const end = (signal: 'SIGINT' | 'SIGTERM') => {
    if (controller.signal.aborted) exit(signal === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated);
    else controller.abort(new InterruptedError(signal));
  };

  return {
    signal: controller.signal,
    end,
    interrupt: () => {
      const handler = handlers.at(-1);
      if (handler && !controller.signal.aborted) handler();
      else end('SIGINT');
    },
    onInterrupt: (handler) => {
      // Wrapped, so that the same function added twice is removed once at a time.
      const entry = () => handler();
      handlers.push(entry);
      return () => {
        const index = handlers.indexOf(entry);
        if (index !== -1) handlers.splice(index, 1);
      };
    },
  };
};
