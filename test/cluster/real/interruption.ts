export class Interrupted extends Error {
  readonly exitCode: number;

  constructor(signal: NodeJS.Signals) {
    super('Interrupted.');
    this.exitCode = signal === 'SIGINT' ? 130 : 143;
  }
}

/**
 * Runs the work, which is told when the user wants it to stop (by the signal, whose reason it throws) and can take away
 * first what it has made. A second Ctrl-C ends this process at once.
 */
export const interruptible = async <T>(report: (line: string) => void, work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const controller = new AbortController();
  const interrupt = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit((controller.signal.reason as Interrupted).exitCode);
    report('Interrupted: taking away what was started …');
    controller.abort(new Interrupted(signal));
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    return await work(controller.signal);
  } catch (error) {
    // Ctrl-C ends the tools that we wait for as well, and their failure is not what happened.
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
};
