import type { Event } from '../../src/domain/event.ts';
import type { Output, OutputTarget } from '../../src/outputs/output.ts';
import { createStyle } from '../../src/outputs/style.ts';
import { sanitise } from '../../src/terminal/sanitise.ts';
import { startOfTime } from '../support/manual-clock.ts';

export interface FakeTarget extends OutputTarget {
  stdout: string;
  stderr: string;
  /** Both as they were written, `out: ` or `err: ` before each piece. */
  readonly written: string[];
  advance(durationMs: number): void;
}

/** A pipe without colours, unless said otherwise. */
export const createTarget = (changes: Partial<Pick<OutputTarget, 'isQuiet' | 'columns' | 'isOutTty' | 'isErrTty'>> & { colorLevel?: 0 | 1 } = {}): FakeTarget => {
  let now = startOfTime;
  const { colorLevel = 0, ...rest } = changes;
  return {
    stdout: '',
    stderr: '',
    written: [],
    async writeOut(text) {
      this.stdout += text;
      this.written.push(`out: ${text}`);
    },
    async writeErr(text) {
      this.stderr += text;
      this.written.push(`err: ${text}`);
    },
    columns: 80,
    isOutTty: false,
    isErrTty: false,
    isLive: false,
    isQuiet: false,
    outStyle: createStyle(colorLevel),
    errStyle: createStyle(colorLevel),
    now: () => now,
    plain: sanitise,
    advance(durationMs) {
      now += durationMs;
    },
    ...rest,
  };
};

export const play = async (output: Output, events: readonly Event[]): Promise<void> => {
  for (const event of events) await output.handle(event);
  await output.finish();
};
