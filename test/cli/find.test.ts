import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { optionKeys } from '../../src/cli/configuration.ts';
import { commandNames, loadCommand } from '../../src/cli/find.ts';
import { globalOptions } from '../../src/cli/globals.ts';
import { environmentVariable, longFlag } from '../../src/cli/options.ts';
import { topics } from '../../src/cli/topics.ts';
import { exitCodes } from '../../src/domain/errors.ts';
import { projectFolder } from '../support/project.ts';

const names = await commandNames();
const commands = await Promise.all(names.map(async (name) => [name, await loadCommand(name)] as const));

describe('the commands', () => {
  it('are the files of their folder, in order', () => {
    const files = readdirSync(join(projectFolder, 'src/commands')).map((file) => file.replace(/\.ts$/, ''));
    expect(names).toEqual(files.sort());
    expect(names.length).toBeGreaterThan(5);
  });

  it.each(commands)('%s says what it does in one line without a full stop, and how it is used', (name, command) => {
    expect(command.summary).toMatch(/^[A-Z][^\n]*[^.\n]$/);
    expect(command.examples.length).toBeGreaterThan(0);
    expect(command.examples.some((example) => example.startsWith(name))).toBe(true);
  });

  it.each(commands)('%s calls its options in the code as on the command line', (_, command) => {
    for (const [key, option] of Object.entries({ ...globalOptions, ...command.options })) expect(optionKeys({ [key]: option })).toEqual([key]);
  });

  it.each(commands)('%s has no two options of one name or variable', (_, command) => {
    const options = Object.values({ ...globalOptions, ...command.options });
    for (const nameOf of [longFlag, environmentVariable]) expect(new Set(options.map(({ flags }) => nameOf(flags))).size).toBe(options.length);
  });

  it.each(commands)('%s has no two short flags alike', (_, command) => {
    const shorts = Object.values({ ...globalOptions, ...command.options }).flatMap(({ flags }) => /^-\w/.exec(flags)?.[0] ?? []);
    expect(new Set(shorts).size).toBe(shorts.length);
  });
});

describe('help topics', () => {
  it('list every exit code', () => {
    const text = topics['exit-codes']?.() ?? '';
    for (const code of Object.values(exitCodes)) expect(text).toMatch(new RegExp(`^ +${code} {2}\\S`, 'm'));
  });

  it('list the variables that are read', () => {
    expect(topics['environment']?.()).toMatch(/KUBECONFIG/);
  });
});
