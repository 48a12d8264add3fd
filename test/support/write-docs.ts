import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Limit, limits } from '../../src/sandbox/kube/limits.ts';
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

export const sandboxPage = join(projectFolder, 'docs/sandbox.md');

/** What the sandbox's Kubernetes does not do, from the list that it refuses by. */
export const renderSandboxPage = (): string => {
  const row = ({ what, note, paths }: Limit): string => `| ${what} | ${paths ? '501' : ''} | ${note} |`;
  return `# What the sandbox does not do

The sandbox's Kubernetes API answers as Kubernetes ${recordedVersion} does, down to the words of its refusals: \`test/conformance\` compares the two. What it does not have it refuses with \`501 NotImplemented\`, so that nobody takes it for a cluster that lacks something. Where its answers differ, that is written here too.

| not there | answer | |
| --- | --- | --- |
${limits.map(row).join('\n')}

This page is written by \`npm run docs\` from \`src/sandbox/kube/limits.ts\`.
`;
};

const recordedVersion = '1.36.3';

const isMain = process.argv[1] === fileURLToPath(import.meta.url);
if (isMain) {
  const path = join(projectFolder, 'README.md');
  writeFileSync(path, await renderReadme(readFileSync(path, 'utf8')));
  writeFileSync(sandboxPage, renderSandboxPage());
}
