import { setTimeout as pause } from 'node:timers/promises';
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { onTestFinished } from 'vitest';

/** Through `env`, because this is a program of the system and none of the project's dependencies. */
const environmentCommand = '/usr/bin/env';

/** util-linux `script`, which gives a program a pseudo-terminal; elsewhere the tests that need one are skipped. */
export const hasPseudoTerminal = spawnSync(environmentCommand, ['script', '--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') ?? false;

/** What is written to its stdin is typed there, what it writes to stdout and stderr comes as stdout. It ends with the test. */
export const startOnPseudoTerminal = (program: readonly string[], environment: Record<string, string> = {}): ChildProcessWithoutNullStreams => {
  // It has no width unless told.
  const command = `stty cols 100 rows 30; exec ${program.map((part) => `'${part}'`).join(' ')}`;
  const child = spawn(environmentCommand, ['script', '--quiet', '--return', '--echo', 'never', '--command', command, '/dev/null'], {
    env: { PATH: process.env.PATH ?? '', TERM: 'xterm-256color', SHELL: '/bin/sh', ...environment },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
};

const patienceMs = 150_000;

/** Reads what a program says, in order. */
export const createScreen = (child: ChildProcessWithoutNullStreams): { until(expected: string): Promise<string> } => {
  const chunks = child.stdout.iterator({ destroyOnReturn: false });
  let seen = '';
  return {
    /** What came since the last call, up to and with the expected text. */
    until: async (expected) => {
      const untilMs = Date.now() + patienceMs;
      while (!seen.includes(expected)) {
        const timeout = new AbortController();
        const next = await Promise.race([chunks.next(), pause(untilMs - Date.now(), 'late' as const, { signal: timeout.signal })]);
        timeout.abort();
        if (next === 'late') throw new Error(`The program did not say ${JSON.stringify(expected)} in ${patienceMs / 1000} s, only ${JSON.stringify(seen)}.`);
        const { done, value } = next;
        if (done) throw new Error(`The program ended without saying ${JSON.stringify(expected)}, only ${JSON.stringify(seen)}.`);
        seen += String(value);
      }
      const end = seen.indexOf(expected) + expected.length;
      const read = seen.slice(0, end);
      seen = seen.slice(end);
      return read;
    },
  };
};

/** Its exit code and its signal, also when it has ended already. */
export const exitOf = async (child: ChildProcessWithoutNullStreams): Promise<[number | null, NodeJS.Signals | null]> => {
  if (child.exitCode === null && child.signalCode === null) await new Promise((resolve) => void child.once('exit', resolve));
  return [child.exitCode, child.signalCode];
};
