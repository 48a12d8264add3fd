import { readdirSync } from 'node:fs';
import { defineCommand } from '../cli/command.ts';
import { UsageError } from '../domain/errors.ts';

/** The same distance from here in the sources and in the bundle. Its file names are the names of presets, and reading them all would take longer than anybody waits for a Tab. */
const presetFolder = new URL('../../presets/', import.meta.url);

export default defineCommand({
  summary: 'Print a completion script for your shell',
  description: [
    'It completes commands, options, presets, instance types and whatever else is known beforehand. Everything is in the script: pressing Tab starts no program and asks no cluster.',
    'bash: source <(kaito-ts completion bash), in ~/.bashrc. zsh: the same with zsh, in ~/.zshrc after compinit. fish: kaito-ts completion fish > ~/.config/fish/completions/kaito-ts.fish. PowerShell: kaito-ts completion powershell | Out-String | Invoke-Expression, in $PROFILE.',
  ].join('\n\n'),
  usesCluster: false,
  arguments: [{ usage: '<bash|zsh|fish|powershell>', description: 'the shell' }],
  options: {},
  examples: ['completion bash', 'completion zsh', 'completion fish', 'completion powershell'],
  async *run({ arguments: [shell = ''] }) {
    const [{ completionScripts }, { completeCommands }, { commandNames, loadCommand }, { topics }, { azureInstanceTypes }] = await Promise.all([
      import('../cli/completion-scripts.ts'),
      import('../cli/completion.ts'),
      import('../cli/find.ts'),
      import('../cli/topics.ts'),
      import('../domain/azure-instance-types.ts'),
    ]);
    if (!isShell(shell, completionScripts)) throw new UsageError(`There is no completion for ${JSON.stringify(shell)}.`, { hints: [`Choose one of: ${Object.keys(completionScripts).join(', ')}.`] });
    const commands = new Map(await Promise.all((await commandNames()).map(async (name) => [name, await loadCommand(name)] as const)));
    const presets = readdirSync(presetFolder).filter((file) => file.endsWith('.yaml')).map((file) => file.slice(0, -'.yaml'.length)).sort();
    const known = { options: { preset: presets, instanceType: azureInstanceTypes.map(({ name }) => name) }, arguments: { presets } };
    yield { type: 'text', text: completionScripts[shell](completeCommands(commands, known, Object.keys(topics))) };
  },
});

const isShell = <S extends object>(name: string, scripts: S): name is string & keyof S => Object.hasOwn(scripts, name);
