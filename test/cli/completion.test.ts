import { describe, expect, it } from 'vitest';
import type { Command } from '../../src/cli/command.ts';
import { completeCommands } from '../../src/cli/completion.ts';
import { completionScripts } from '../../src/cli/completion-scripts.ts';
import { choice, text, texts, toggle, type Options } from '../../src/cli/options.ts';

const commandWith = (options: Options, changes: Partial<Command> = {}): Command => ({ summary: 'Do it', usesCluster: false, arguments: [], options, examples: [], async *run() {}, ...changes });

const optionsOf = (command: Command) => completeCommands(new Map([['do', command]]), { options: { preset: ['phi-4'] }, arguments: {} }, [])[0]?.options ?? [];
const optionOf = (options: Options) => optionsOf(commandWith(options))[0];

describe('what can be typed', () => {
  it('is read from the options themselves', () => {
    expect(optionOf({ wait: toggle('--no-wait', 'leave it') })).toEqual({ flags: ['--no-wait'], description: 'leave it', values: [], isFile: false, isRepeatable: false });
    expect(optionOf({ kind: choice('-k, --kind <kind>', 'which', ['a', 'b']) })).toMatchObject({ flags: ['-k', '--kind'], placeholder: 'kind', values: ['a', 'b'] });
    expect(optionOf({ files: texts('-f, --filename <file>', 'which') })).toMatchObject({ isFile: true, isRepeatable: true, values: [] });
    expect(optionOf({ where: text('--where <here|there>', 'where') })).toMatchObject({ values: ['here', 'there'] });
    expect(optionOf({ adapter: text('--adapter <name|name=image>', 'which') })).toMatchObject({ values: [] });
    expect(optionOf({ preset: text('--preset <name>', 'which') })).toMatchObject({ values: ['phi-4'] });
  });

  it('leaves out hidden options, and those of a cluster where there is none', () => {
    const flags = (command: Command): string[] => optionsOf(command).flatMap((option) => option.flags);
    expect(flags(commandWith({ secret: { ...text('--secret <x>', 'x'), isHidden: true } }))).toEqual(['-o', '--output', '-q', '--quiet', '-h', '--help']);
    expect(flags(commandWith({}, { usesCluster: true }))).toContain('--kubeconfig');
  });

  it('holds the help of commands and topics', () => {
    expect(completeCommands(new Map([['do', commandWith({})]]), { options: {}, arguments: {} }, ['exit-codes']).at(-1)).toMatchObject({ name: 'help', argumentValues: ['do', 'exit-codes'] });
  });
});

describe('texts of commands in a script', () => {
  const [command] = completeCommands(new Map([['do', commandWith({ a: text('--a <b>', "what's [this]: it\\") }, { summary: "Don't: do" })]]), { options: {}, arguments: {} }, []);
  const scripts = command ? { zsh: completionScripts.zsh([command]), fish: completionScripts.fish([command]), powershell: completionScripts.powershell([command]) } : undefined;

  it('cannot end a quotation in zsh', () => {
    expect(scripts?.zsh).toContain(String.raw`'--a=[what'\''s \[this\]\: it\\]:b:'`);
    expect(scripts?.zsh).toContain(String.raw`'do:Don'\''t\: do'`);
  });
  it('cannot end a quotation in fish', () => expect(scripts?.fish).toContain(String.raw`-l a -x -d 'what\'s [this]: it\\'`));
  it('are not in the one of PowerShell, which is JSON in single quotes', () => expect(/'(\{.*\})' \| ConvertFrom-Json/.exec(scripts?.powershell ?? '')?.[1]).toMatch(/^\{"do":\{"words":\["--a",/));
});
