import { execa } from 'execa';
import { onTestFinished } from 'vitest';
import { binary } from './cli.ts';

/** The built command line while it runs. */
export interface RunningCli {
  /** Resolves with all of that stream so far, as soon as it matches; rejects with it when the program ends first. */
  until(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<string>;
  signal(name: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): void;
  ended: Promise<{ stdout: string; stderr: string; exitCode: number | undefined }>;
}

/**
 * Ended with the test, if nothing ends it before. Tests that run side by side give their own `onTestFinished`: the global one
 * is that of whichever test came last.
 */
export const startCli = (args: readonly string[], environment: Record<string, string>, timeoutMs = 150_000, atTheEnd: (end: () => void) => void = onTestFinished): RunningCli => {
  const running = execa(process.execPath, [binary, ...args], {
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...environment },
    extendEnv: false,
    stdin: 'ignore', // Nobody writes to it, and what reads it would wait.
    reject: false,
    timeout: timeoutMs,
    stripFinalNewline: false,
  });
  atTheEnd(() => void running.kill('SIGKILL'));
  const told = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) running[name].on('data', (piece: Buffer) => (told[name] += piece.toString()));
  const ended = (async () => {
    const { stdout, stderr, exitCode } = await running;
    return { stdout, stderr, exitCode };
  })();
  return {
    ended,
    signal: (name) => void running.kill(name),
    until: (name, pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!pattern.test(told[name])) return;
          running[name].off('data', look);
          resolve(told[name]);
        };
        running[name].on('data', look);
        void ended.then(({ exitCode }) => reject(new Error(`It ended with ${exitCode} before ${name} matched ${pattern}:\n${told.stdout}\n${told.stderr}`)));
        look();
      }),
  };
};
