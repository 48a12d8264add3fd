import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The end of a component's log, for the message of a failure. */
export const logOf = (folder: string, component: string): string => {
  const file = join(folder, 'log', `${component.replace(':', '-')}.log`);
  if (!existsSync(file)) return '';
  return `The end of ${file}:\n${readFileSync(file, 'utf8').trimEnd().split('\n').slice(-8).join('\n')}`;
};
