import { readdir } from 'node:fs/promises';
import type { Command } from './command.ts';

/** Commands are the files of one folder, and nothing lists them. The build puts its list in the place of this. */
const folder = new URL('../commands/', import.meta.url);

export const commandNames = async (): Promise<string[]> => {
  const files = await readdir(folder);
  return files.map((file) => file.replace(/\.ts$/, '')).sort();
};

export const loadCommand = async (name: string): Promise<Command> => {
  const module: { default: Command } = await import(new URL(`${name}.ts`, folder).href);
  return module.default;
};
