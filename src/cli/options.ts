import { formatDuration, parseDurationMs } from '../domain/duration.ts';
import { UsageError } from '../domain/errors.ts';

/**
 * Option types own their values: text becomes a value once, here, and a wrong text is answered with what would be right.
 * The key of an option in a command is the camel-cased long flag, which is also its name in a configuration file; its
 * environment variable is `KAITO_` and the flag in upper case.
 */
export interface Option<T> {
  /** As commander writes them: `-n, --namespace <name>`. */
  flags: string;
  description: string;
  /** Undefined stands for "not given", by flag, environment or file. */
  parse(texts: readonly string[]): T;
  /** Takes no value. */
  isSwitch?: boolean;
  isRepeatable?: boolean;
  /** For completion and help. */
  choices?: readonly string[];
  /** Told in help: what happens when it is not given. */
  defaultText?: string;
  isHidden?: boolean;
}

export type Options = Record<string, Option<unknown>>;

export type Values<O extends Options> = { [Key in keyof O]: O[Key] extends Option<infer T> ? T : never };

/** Where a value came from: said in plans, so that nobody wonders. */
export type Origin = 'flag' | 'environment' | 'file' | 'default';

export type Origins<O extends Options> = Record<keyof O, { from: Origin; name: string }>;

interface Extra {
  defaultText?: string;
}

const last = (texts: readonly string[]): string | undefined => texts.at(-1);

export const text = (flags: string, description: string, extra: Extra = {}): Option<string | undefined> => ({ flags, description, ...extra, parse: last });

/** Repeated, or separated by commas, except where a value may hold a comma itself. */
export const texts = (flags: string, description: string, { keepsCommas = false, ...extra }: Extra & { keepsCommas?: boolean } = {}): Option<string[]> => ({
  flags,
  description,
  ...extra,
  isRepeatable: true,
  parse: (given) => given.flatMap((value) => (keepsCommas ? [value] : value.split(','))).filter((value) => value !== ''),
});

export const toggle = (flags: string, description: string, extra: Extra = {}): Option<boolean> => ({
  flags,
  description,
  ...extra,
  isSwitch: true,
  parse: (given) => {
    const value = last(given);
    if (value === undefined) return false;
    if (['true', '1', 'yes', 'on', ''].includes(value.toLowerCase())) return true;
    if (['false', '0', 'no', 'off'].includes(value.toLowerCase())) return false;
    throw new UsageError(`${longFlag(flags)} is on or off, and was given ${JSON.stringify(value)}.`, { hints: [`Use true or false.`] });
  },
});

export function choice<const T extends string>(flags: string, description: string, values: readonly T[], fallback: NoInfer<T>): Option<T>;
export function choice<const T extends string>(flags: string, description: string, values: readonly T[]): Option<T | undefined>;
export function choice(flags: string, description: string, values: readonly string[], fallback?: string): Option<string | undefined> {
  return {
    flags,
    description,
    choices: values,
    ...(fallback === undefined ? {} : { defaultText: fallback }),
    parse: (given) => {
      const value = last(given);
      if (value === undefined) return fallback;
      const found = values.find((candidate) => candidate === value.toLowerCase());
      if (found !== undefined) return found;
      throw new UsageError(`${longFlag(flags)} does not know ${JSON.stringify(value)}.`, { hints: [`Choose one of: ${values.join(', ')}.`] });
    },
  };
}

export const count = (flags: string, description: string, extra: Extra & { minimum?: number } = {}): Option<number | undefined> => ({
  flags,
  description,
  ...(extra.defaultText === undefined ? {} : { defaultText: extra.defaultText }),
  parse: (given) => {
    const value = last(given);
    if (value === undefined) return undefined;
    const number = Number(value);
    const minimum = extra.minimum ?? 1;
    if (/^\d+$/.test(value) && Number.isSafeInteger(number) && number >= minimum) return number;
    throw new UsageError(`${longFlag(flags)} is a whole number of at least ${minimum}, and was given ${JSON.stringify(value)}.`);
  },
});

export const decimal = (flags: string, description: string, extra: Extra = {}): Option<number | undefined> => ({
  flags,
  description,
  ...extra,
  parse: (given) => {
    const value = last(given);
    if (value === undefined) return undefined;
    const number = Number(value);
    if (value.trim() !== '' && Number.isFinite(number)) return number;
    throw new UsageError(`${longFlag(flags)} is a number, and was given ${JSON.stringify(value)}.`);
  },
});

/** Durations as kubectl and Go write them, `90s`, `45m`, `1h30m`, in milliseconds. */
export function duration(flags: string, description: string, fallbackMs: number): Option<number>;
export function duration(flags: string, description: string): Option<number | undefined>;
export function duration(flags: string, description: string, fallbackMs?: number): Option<number | undefined> {
  return {
    flags,
    description,
    ...(fallbackMs === undefined ? {} : { defaultText: formatDuration(fallbackMs) }),
    parse: (given) => {
      const value = last(given);
      if (value === undefined) return fallbackMs;
      const durationMs = parseDurationMs(value);
      // No wait of this program is without a bound, and one of no time at all is over before it begins.
      if (durationMs === 0) throw new UsageError(`${longFlag(flags)} is longer than no time at all, and was given ${JSON.stringify(value)}.`, { hints: [`For example: ${longFlag(flags)} 45m`] });
      if (durationMs !== undefined) return durationMs;
      throw new UsageError(`${longFlag(flags)} is a duration such as 90s, 45m or 1h30m, and was given ${JSON.stringify(value)}.`);
    },
  };
}

/** `--namespace` out of `-n, --namespace <name>`. */
export const longFlag = (flags: string): string => /--[a-z-]+/.exec(flags)?.[0] ?? flags;

/** `KAITO_NAMESPACE`, and `KAITO_NO_WAIT` for `--no-wait`: what is true of the one is true of the other. */
export const environmentVariable = (flags: string): string => `KAITO_${longFlag(flags).replace(/^--/, '').replaceAll('-', '_').toUpperCase()}`;
