import type { Command } from './command.ts';
import { outputOptions, clusterOptions } from './globals.ts';
import { longFlag, type Option } from './options.ts';

/** What can be typed, as plain data: what a shell's completion script is made of. */
export interface CompletedCommand {
  name: string;
  summary: string;
  options: CompletedOption[];
  /** Values that its arguments may have, as far as they are known beforehand. */
  argumentValues: readonly string[];
}

export interface CompletedOption {
  /** `-o`, `--output`. */
  flags: string[];
  description: string;
  /** What the value is called; absent: it takes none. */
  placeholder?: string;
  values: readonly string[];
  isFile: boolean;
  isRepeatable: boolean;
}

/** Values that no option lists itself, by the key of the option and by the name of the command whose arguments they are. */
export interface KnownValues {
  options: Readonly<Record<string, readonly string[]>>;
  arguments: Readonly<Record<string, readonly string[]>>;
}

export const completeCommands = (commands: ReadonlyMap<string, Command>, known: KnownValues, helpTopics: readonly string[]): CompletedCommand[] => [
  ...[...commands].map(([name, command]) => ({
    name,
    summary: command.summary,
    options: [
      ...Object.entries({ ...command.options, ...outputOptions, ...(command.usesCluster ? clusterOptions : {}) })
        .filter(([, { isHidden }]) => !isHidden)
        .map(([key, option]) => completeOption(option, known.options[key] ?? [])),
      helpOption,
    ],
    argumentValues: known.arguments[name] ?? command.arguments.flatMap(({ usage }) => alternatives(usage.slice(1, -1))),
  })),
  { name: 'help', summary: 'print help for a command', options: [], argumentValues: [...commands.keys(), ...helpTopics] },
];

const helpOption: CompletedOption = { flags: ['-h', '--help'], description: 'print this help', values: [], isFile: false, isRepeatable: false };

const completeOption = (option: Option<unknown>, known: readonly string[]): CompletedOption => {
  const short = /^-\w\b/.exec(option.flags)?.[0];
  const placeholder = /<([^>]+)>/.exec(option.flags)?.[1];
  return {
    flags: [...(short ? [short] : []), longFlag(option.flags)],
    description: option.description,
    ...(placeholder === undefined ? {} : { placeholder }),
    values: option.choices ?? (known.length > 0 ? known : alternatives(placeholder ?? '')),
    isFile: /^(file|folder|directory)\b/.test(placeholder ?? ''),
    isRepeatable: option.isRepeatable ?? false,
  };
};

/** `aks|byo` names all that can be given. */
const alternatives = (placeholder: string): string[] => (/^[\w-]+(\|[\w-]+)+$/.test(placeholder) ? placeholder.split('|') : []);
