import { Command as Commander, CommanderError, Option as CommanderOption } from 'commander';
import { BugError, UsageError } from '../domain/errors.ts';
import type { Command, Input } from './command.ts';
import type { Configuration } from './configuration.ts';
import { clusterOptions, globalOptions, outputOptions, type GlobalValues } from './globals.ts';
import { environmentVariable, longFlag, type Option, type Options, type Origin, type Origins, type Values } from './options.ts';
import { toKey } from './configuration.ts';

/** One parsed command line. */
export interface Invocation {
  name: string;
  command: Command;
  input: Input;
  globals: GlobalValues;
}

/** Commander ended by itself: help or version were printed, or the command line is wrong. */
export type Parsed = { kind: 'invocation'; invocation: Invocation } | { kind: 'answered'; exitCode: 0 };

export interface ProgramSettings {
  version: string;
  commands: ReadonlyMap<string, Command>;
  configuration(): Promise<Configuration>;
  write(text: string): void;
  columns: number;
}

/** Reads a command line; throws UsageError with commander's own words when it is wrong. */
export const parseCommandLine = async (argv: readonly string[], settings: ProgramSettings): Promise<Parsed> => {
  let chosen: { name: string; command: Command; commander: Commander } | undefined;
  const program = buildProgram(settings, (name, command, commander) => {
    chosen = { name, command, commander };
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: 'answered', exitCode: 0 };
    if (error.code === 'commander.help') {
      // No command at all. Commander takes that for a mistake, and writes its help where mistakes are told.
      program.outputHelp();
      return { kind: 'answered', exitCode: 0 };
    }
    // Commander puts its suggestion on a line of its own.
    const [message = '', suggestion] = error.message.split('\n');
    throw new UsageError(sentence(message), { cause: error, hints: [...(suggestion ? [suggestion.replace(/^\((.*)\)$/, '$1')] : []), `kaito-ts ${commandInArgv(argv, settings.commands)}--help`] });
  }
  if (!chosen) throw new BugError('A command line was neither answered nor understood.');
  const { name, command, commander } = chosen;
  const options = { ...(command.usesCluster ? globalOptions : outputOptions), ...command.options };
  const configuration = await settings.configuration();
  const { values, origins } = readValues(options, commander, configuration);
  return {
    kind: 'invocation',
    invocation: {
      name,
      command,
      input: { arguments: commander.args, options: values, origins },
      globals: globalsFrom(values, origins),
    },
  };
};

const buildProgram = (settings: Omit<ProgramSettings, 'configuration'>, onChosen: (name: string, command: Command, commander: Commander) => void): Commander => {
  const program = new Commander('kaito-ts')
    .description('Fine-tune, serve and chat with open models on Kubernetes GPU nodes.')
    .version(settings.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print help for a command')
    .exitOverride()
    .enablePositionalOptions()
    .configureOutput({
      writeOut: settings.write,
      // Commander's message comes back in the error that it throws, and is told once, in this program's own form.
      writeErr: () => {},
      getOutHelpWidth: () => settings.columns,
    });
  for (const [name, command] of settings.commands) {
    const commander = addCommand(program, name, command, onChosen);
    commander.copyInheritedSettings(program);
  }
  program.addHelpText('after', '\nExit codes: kaito-ts help exit-codes. Try it with no cluster: kaito-ts sandbox --demo.');
  return program;
};

const addCommand = (program: Commander, name: string, command: Command, onChosen: (name: string, command: Command, commander: Commander) => void): Commander => {
  const commander = program.command(name).summary(command.summary).description([`${command.summary}.`, command.description].filter(Boolean).join('\n\n'));
  for (const argument of command.arguments) commander.argument(argument.usage, argument.description);
  if (command.passesThrough) commander.passThroughOptions();
  addOptions(commander, command.options, 'Options:');
  addOptions(commander, outputOptions, 'Output:');
  if (command.usesCluster) addOptions(commander, clusterOptions, 'Cluster:');
  commander.addHelpText('after', `\nExamples:\n${command.examples.map((example) => `  $ kaito-ts ${example}`).join('\n')}`);
  commander.action(() => onChosen(name, command, commander));
  return commander;
};

const addOptions = (commander: Commander, options: Options, heading: string): void => {
  commander.optionsGroup(heading);
  for (const option of Object.values(options)) {
    const notes = [option.choices?.join(', '), option.defaultText && `default: ${option.defaultText}`].filter(Boolean);
    const shown = new CommanderOption(option.flags, notes.length > 0 ? `${option.description} (${notes.join('; ')})` : option.description);
    if (option.isRepeatable) shown.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value]);
    if (option.isHidden) shown.hideHelp();
    commander.addOption(shown);
  }
};

/** Flags, then `KAITO_*`, then files, then the option's own default. */
const readValues = (options: Options, commander: Commander, configuration: Configuration): { values: Values<Options>; origins: Origins<Options> } => {
  const values: Record<string, unknown> = {};
  const origins: Record<string, { from: Origin; name: string }> = {};
  const given: Record<string, unknown> = commander.opts();
  for (const [key, option] of Object.entries(options)) {
    // `--no-wait` is stored by commander as `wait: false`.
    const negated = longFlag(option.flags).startsWith('--no-');
    const stored = given[negated ? toKey(longFlag(option.flags).replace(/^--no-/, '')) : toKey(longFlag(option.flags))];
    const fromFlag = negated ? (stored === false ? ['true'] : undefined) : toTexts(stored);
    const found = fromFlag ? { texts: fromFlag, from: 'flag' as const, name: longFlag(option.flags) } : configuration.find(toKey(longFlag(option.flags)), option.flags);
    try {
      values[key] = option.parse(found?.texts ?? []);
    } catch (error) {
      if (!(error instanceof UsageError) || !found || found.from === 'flag') throw error;
      throw new UsageError(error.message, { hints: [...error.hints, `It came from ${found.name}.`], cause: error });
    }
    origins[key] = found ? { from: found.from, name: found.name } : { from: 'default', name: environmentVariable(option.flags) };
  }
  return { values, origins };
};

/** What commander stores: a text, a list of them, or true for a switch. */
const toTexts = (stored: unknown): string[] | undefined => {
  if (Array.isArray(stored)) return stored.map(String);
  if (typeof stored === 'string') return [stored];
  return stored === true ? ['true'] : undefined;
};

/** Commands that need no cluster still get a whole value, with nothing in it. */
const globalsFrom = (values: Values<Options>, origins: Origins<Options>): GlobalValues => ({
  ...collect(globalOptions, (key, option) => (key in values ? values[key] : option.parse([]))),
  origins: collectOrigins(globalOptions, (key, option) => origins[key] ?? { from: 'default', name: environmentVariable(option.flags) }),
});

function collect<O extends Options>(options: O, read: (key: string, option: Option<unknown>) => unknown): Values<O>;
function collect(options: Options, read: (key: string, option: Option<unknown>) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).map(([key, option]) => [key, read(key, option)]));
}

function collectOrigins<O extends Options>(options: O, read: (key: string, option: Option<unknown>) => { from: Origin; name: string }): Origins<O>;
function collectOrigins(options: Options, read: (key: string, option: Option<unknown>) => { from: Origin; name: string }): Record<string, { from: Origin; name: string }> {
  return Object.fromEntries(Object.entries(options).map(([key, option]) => [key, read(key, option)]));
}

const sentence = (message: string): string => {
  const words = message.replace(/^error: /, '').trim();
  const text = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.?)]$/.test(text) ? text : `${text}.`;
};

const commandInArgv = (argv: readonly string[], commands: ReadonlyMap<string, Command>): string => {
  const name = argv.find((argument) => commands.has(argument));
  return name ? `${name} ` : '';
};
