import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';

/** Some tools lie where only an administrator's PATH looks, and Go where only its own instructions put it. */
const searchPath = [...new Set([...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/go/bin', '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'])];

export const findProgram = (name: string): string | undefined => (name.startsWith('/') ? [name] : searchPath.map((folder) => join(folder, name))).find((file) => isExecutable(file));

const isExecutable = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

export const toolEnvironment = { PATH: searchPath.join(delimiter) };

export interface ToolOptions {
  cwd?: string;
  env?: Record<string, string>;
  timeoutMs?: number;
}

/** What it prints. Rejects with the command and its own words when it fails. */
export const runTool = async (words: readonly [string, ...string[]], { cwd, env = {}, timeoutMs = 180_000 }: ToolOptions = {}): Promise<string> => {
  const [program, ...rest] = words;
  const result = await execa(program, rest, { env: { ...toolEnvironment, ...env }, timeout: timeoutMs, ...(cwd !== undefined && { cwd }) });
  return result.stdout;
};

/** What the tool itself said of its failure, without the command. */
export const wordsOf = (error: unknown): string => {
  const { stderr, message } = error as Error & { stderr?: string };
  return (stderr === undefined || stderr.trim() === '' ? message : stderr).trim();
};

export const isOffline = (error: unknown): boolean => /dial tcp|no such host|i\/o timeout|proxyconnect|module lookup disabled/u.test(String(error));
