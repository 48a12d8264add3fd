import { readdir } from 'node:fs/promises';
import type { Command } from './command.ts';

/** Commands are the files of one folder, in the sources and in the bundle alike: nothing lists them. */
const folder = new URL('../commands/', import.meta.url);
// In the bundle this module is part of a file beside the folder, in the sources it is one level down.
const bundledFolder = new URL('commands/', import.meta.url);

const isBundled = import.meta.url.endsWith('.mjs');
const commandsFolder = isBundled ? bundledFolder : folder;
const extension = isBundled ? '.mjs' : '.ts';

export const commandNames = async (): Promise<string[]> => {
  const files = await readdir(commandsFolder);
  return files
    .filter((file) => file.endsWith(extension))
    .map((file) => file.slice(0, -extension.length))
    .sort();
};

export const loadCommand = async (name: string): Promise<Command> => {
  const module: { default: Command } = await import(new URL(`${name}${extension}`, commandsFolder).href);
  return module.default;
};
