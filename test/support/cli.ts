import { join } from 'node:path';
import { execa } from 'execa';
import { projectFolder } from './project.ts';

export interface CliResult {
  stdout: string;
  stderr: string;
  exitCode: number | undefined;
}

export interface CliOptions {
  /** Whole environment beside PATH; nothing of the tester's own leaks in. */
  environment?: Record<string, string>;
  input?: string;
  timeoutMs?: number;
  workingDirectory?: string;
}

export const binary = join(projectFolder, 'bin/kaito-ts.js');

/** Runs the built command line as a user's shell would, in a pipe. */
export const runCli = async (args: readonly string[], { environment = {}, input = '', timeoutMs = 150_000, workingDirectory = projectFolder }: CliOptions = {}): Promise<CliResult> => {
  const { stdout, stderr, exitCode } = await execa(process.execPath, [binary, ...args], {
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...environment },
    extendEnv: false,
    input,
    reject: false,
    timeout: timeoutMs,
    cwd: workingDirectory,
    stripFinalNewline: false,
  });
  return { stdout, stderr, exitCode };
};
