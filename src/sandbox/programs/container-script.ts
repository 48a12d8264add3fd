import type { ContainerCommand, ContainerFiles } from './program.ts';

/** Whether a container of one of these images runs a shell script that mentions all of these variables. */
export const isScript = ({ image, command, args }: ContainerCommand, images: RegExp, variables: readonly string[]): boolean => {
  const text = [...command, ...args].join('\n');
  return images.test(image) && variables.every((name) => text.includes(name));
};

/** What `ls -l` prints of a folder's own files. */
export const listFolder = (files: ContainerFiles, folder: string, now: Date): string => {
  const names = files.list(folder).filter((path) => !path.slice(folder.length + 1).includes('/'));
  const time = `${now.toLocaleString('en-US', { month: 'short', timeZone: 'UTC' })} ${String(now.getUTCDate()).padStart(2)} ${now.toISOString().slice(11, 16)}`;
  const rows = names.map((path) => ({ name: path.slice(folder.length + 1), sizeBytes: files.read(path)?.length ?? 0 }));
  const blocks = rows.reduce((sum, { sizeBytes }) => sum + Math.ceil(sizeBytes / 4096) * 4, 0);
  return [`total ${blocks}`, ...rows.map(({ name, sizeBytes }) => `-rw-r--r--    1 root     root     ${String(sizeBytes).padStart(9)} ${time} ${name}`)].map((line) => `${line}\n`).join('');
};
