import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runCli } from '../support/cli.ts';

const hook = fileURLToPath(new URL('../support/loaded-files.mjs', import.meta.url));

/** Text that stands in the bundle of each library and nowhere else. */
const marks = { '@azure/arm-containerservice': 'agentPoolName', '@azure/identity': 'DefaultAzureCredential', '@kubernetes/client-node': 'loadFromDefault', openai: 'OpenAI-Organization', ora: 'cliSpinners|dots12', yaml: 'YAMLParseError', execa: 'ExecaError' };

const loadedBy = async (args: string[]): Promise<string[]> => {
  const { stderr } = await runCli(args, { environment: { NODE_OPTIONS: `--import=${hook}` } });
  const files: string[] = JSON.parse(/^LOADED (.*)$/m.exec(stderr)?.[1] ?? '[]');
  return files.filter((file) => file.includes('/dist/'));
};

describe.each([
  ['--help'],
  ['--version'],
  ['tune --help'],
])('kaito-ts %s', (args) => {
  it('loads no SDK', async () => {
    const files = await loadedBy(args.split(' '));
    expect(files.length).toBeGreaterThan(1);
    const texts = files.map((file) => readFileSync(file, 'utf8'));
    const heavy = Object.entries(marks).filter(([, mark]) => texts.some((text) => new RegExp(mark).test(text)));
    expect(heavy.map(([library]) => library)).toEqual([]);
  });
});

describe('the marks', () => {
  it('are found where the libraries are used, or the test above would prove nothing', async () => {
    const files = await loadedBy(['render', '--preset', 'phi-4']);
    expect(files.some((file) => new RegExp(marks.yaml).test(readFileSync(file, 'utf8')))).toBe(true);
  });
});
