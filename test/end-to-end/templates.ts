import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'vitest';
import { projectFolder } from '../support/project.ts';

export type OnTestFinished = TestContext['onTestFinished'];

/** A folder for `--templates` with one template changed; deleted with the test. */
export const changedTemplate = async (name: string, change: (text: string) => string, onTestFinished: OnTestFinished): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'kaito-ts-templates-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const before = await readFile(join(projectFolder, 'templates', name), 'utf8');
  const after = change(before);
  if (after === before) throw new Error(`The change did nothing to ${name}.`);
  await mkdir(dirname(join(folder, name)), { recursive: true });
  await writeFile(join(folder, name), after);
  return folder;
};
