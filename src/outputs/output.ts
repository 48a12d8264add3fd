import type { Chalk } from './style.ts';
import type { Event } from '../domain/event.ts';

/** Decides how events look. Data goes to stdout, narration to stderr; nothing else writes to either. */
export interface Output {
  handle(event: Event): Promise<void>;
  /** The command is over, well or not: whatever moved on the screen stops. */
  finish(): Promise<void>;
}

/** What an output may write to. */
export interface OutputTarget {
  writeOut(text: string): Promise<void>;
  writeErr(text: string): Promise<void>;
  columns: number;
  /** Whether they are shown by a terminal, so many columns wide. */
  isOutTty: boolean;
  isErrTty: boolean;
  /** Somebody is watching stderr: a spinner may turn there. */
  isLive: boolean;
  isQuiet: boolean;
  outStyle: Chalk;
  errStyle: Chalk;
  now(): number;
  /** Without what could steer a terminal. */
  plain(text: string): string;
}
