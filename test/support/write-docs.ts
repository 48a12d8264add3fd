import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCli } from './cli.ts';
import { projectFolder } from './project.ts';

/** README with each help block between its markers as the program prints it now. */
export const renderReadme = async (text: string): Promise<string> => {
  let rendered = text;
  for (const [block, command = ''] of text.matchAll(/<!-- help: (.*?) -->\n[\s\S]*?<!-- end -->/g)) {
    const { stdout } = await runCli(command.split(' '), { environment: { COLUMNS: '100' } });
    rendered = rendered.replace(block, () => `<!-- help: ${command} -->\n\n\`\`\`text\n${stdout.trimEnd()}\n\`\`\`\n\n<!-- end -->`);
  }
  return rendered;
};

const isMain = process.argv[1] === fileURLToPath(import.meta.url);
if (isMain) {
  const path = join(projectFolder, 'README.md');
  writeFileSync(path, await renderReadme(readFileSync(path, 'utf8')));
}
