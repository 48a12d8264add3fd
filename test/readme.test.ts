import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { projectFolder } from './support/project.ts';
import { renderReadme } from './support/write-docs.ts';

it('shows in README the help that the program prints: run `npm run docs` to refresh it', async () => {
  const text = readFileSync(join(projectFolder, 'README.md'), 'utf8');
  expect(text).toContain('<!-- help: ');
  expect(await renderReadme(text)).toBe(text);
});
