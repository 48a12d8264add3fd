import { Chalk as ChalkConstructor, type ChalkInstance } from 'chalk';

export type Chalk = ChalkInstance;

/** Colours by what is said: everything must be understandable without them. */
export const createStyle = (level: 0 | 1 | 2 | 3): Chalk => new ChalkConstructor({ level });
