import type { Options, Origin } from './options.ts';

/** Whether the command line has a flag that the one command knows and the other does not: then the one is meant. */
export const hasFlagOfItsOwn = (own: Options, other: Options, origins: Readonly<Record<string, { from: Origin }>>): boolean => Object.keys(own).some((key) => !(key in other) && origins[key]?.from === 'flag');
