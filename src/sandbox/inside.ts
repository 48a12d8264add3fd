import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { NotFoundError } from '../domain/errors.ts';

/** How to start kaito-ts itself. */
export interface Program {
  executable: string;
  arguments: string[];
}

/** What the demo runs, as a user would. */
export const demoCommands: readonly string[][] = [
  ['kaito-ts', 'tune', '--preset', 'phi-3-mini', '--method', 'qlora'],
  ['kaito-ts', 'serve', '--preset', 'phi-3-mini', '--adapter', 'phi-3-mini-128k-instruct-qlora'],
  ['kaito-ts', 'status'],
  ['kaito-ts', 'chat', 'What is a tuning adapter?'],
];

/** A folder for PATH in which `kaito-ts` is this very program, so that shells and scripts find it too. */
export const writeShim = async (folder: string, program: Program): Promise<string> => {
  const shim = join(folder, 'bin');
  await mkdir(shim);
  const words = [program.executable, ...program.arguments].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  await writeFile(join(shim, 'kaito-ts'), `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`, { mode: 0o755 });
  return shim;
};

/** Runs a command with the sandbox's environment and this terminal; resolves to its exit code. */
export const runInside = async (command: readonly string[], environment: Record<string, string | undefined>, program: Program, signal: AbortSignal): Promise<number> => {
  const [name = '', ...rest] = command;
  const [file, ...first] = name === 'kaito-ts' ? [program.executable, ...program.arguments] : [name];
  // Ctrl-C reaches the child from the terminal itself; SIGTERM is passed on.
  const result = await execa(file ?? name, [...first, ...rest], { env: environment, extendEnv: false, stdio: 'inherit', reject: false, cancelSignal: signal, forceKillAfterDelay: 10_000 });
  if (result.exitCode !== undefined) return result.exitCode;
  if (result.code === 'ENOENT') throw new NotFoundError(`There is no program ${JSON.stringify(name)} to run in the sandbox.`, { reason: 'ProgramNotFound', hints: [`kaito-ts sandbox -- kaito-ts ${command.join(' ')}   # if a command of kaito-ts was meant`] });
  return result.signal === 'SIGTERM' ? 143 : 130;
};
