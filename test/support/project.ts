import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const projectFolder = fileURLToPath(new URL('../..', import.meta.url));

/** Facts about the outside world that some tests hold this program to, where they are laid beside the checkout. */
export const dataFolder = fileURLToPath(new URL('../../../shared/data', import.meta.url));

export const hasData = existsSync(dataFolder);
