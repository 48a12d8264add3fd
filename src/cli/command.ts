import type { Cloud } from '../cloud/cloud.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Clock } from '../domain/clock.ts';
import type { Event } from '../domain/event.ts';
import type { Preset } from '../domain/preset.ts';
import type { Hub } from '../hub/hub.ts';
import type { Templates } from '../manifests/files.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { GlobalValues } from './globals.ts';
import type { Options, Origins, Values } from './options.ts';

/** A subcommand as one object. Its file's name is its name: adding a command is adding a file to `commands/`. */
export interface Command<O extends Options = Options> {
  /** One line, no full stop. */
  summary: string;
  /** Paragraphs for the command's own help. */
  description?: string;
  arguments: Argument[];
  options: O;
  /** Command lines without the program's name; the first must work in the sandbox. */
  examples: string[];
  /** Whether the options that name a cluster apply. */
  usesCluster: boolean;
  /** Everything after the arguments is passed on untouched, as in `sandbox -- <command>`. */
  passesThrough?: boolean;
  run(input: Input<O>, context: Context): AsyncIterable<Event>;
}

export interface Argument {
  /** `[name]` or `<name>`. */
  usage: string;
  description: string;
}

export interface Input<O extends Options = Options> {
  arguments: string[];
  options: Values<O>;
  origins: Origins<O>;
}

/**
 * What a command may reach. Cheap things are values, costly ones functions: the SDKs load only inside the command that
 * asks for them, and asking twice gives the same one.
 */
export interface Context {
  terminal: Terminal;
  clock: Clock;
  /** Aborts at Ctrl-C and SIGTERM with an InterruptedError. */
  signal: AbortSignal;
  environment: Readonly<Record<string, string | undefined>>;
  globals: GlobalValues;
  /** `namespace` is a file's, and counts where no flag names one; only the first call decides. */
  cluster(namespace?: string): Promise<Cluster>;
  cloud(): Promise<Cloud>;
  /** The catalogue. */
  presets(): Promise<readonly Preset[]>;
  /** Every other model. */
  hub(): Promise<Hub>;
  /** Those of a user's directory take the place of ours. */
  templates(overrides?: string): Promise<Templates>;
  /** How to start this same program as a child process. */
  program: { executable: string; arguments: string[] };
}

/** Lets `run` see the types of its own options. */
export const defineCommand = <O extends Options>(command: Command<O>): Command<O> => command;
