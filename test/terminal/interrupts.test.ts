import { describe, expect, it } from 'vitest';
import { createInterrupts } from '../../src/terminal/interrupts.ts';

const setUp = () => {
  const exits: number[] = [];
  return { exits, interrupts: createInterrupts((code) => exits.push(code)) };
};

describe('createInterrupts', () => {
  it('asks the program to stop at the first Ctrl-C and exits at the second', () => {
    const { exits, interrupts } = setUp();
    interrupts.interrupt();
    expect(interrupts.signal.reason).toMatchObject({ exitCode: 130 });
    expect(exits).toEqual([]);
    interrupts.interrupt();
    expect(exits).toEqual([130]);
  });

  it('exits with 143 at the second SIGTERM', () => {
    const { exits, interrupts } = setUp();
    interrupts.end('SIGTERM');
    interrupts.end('SIGTERM');
    expect(interrupts.signal.reason).toMatchObject({ exitCode: 143 });
    expect(exits).toEqual([143]);
  });

  it('gives Ctrl-C to the handler added last, until it is removed', () => {
    const { interrupts } = setUp();
    const calls: string[] = [];
    const removeOuter = interrupts.onInterrupt(() => calls.push('outer'));
    const removeInner = interrupts.onInterrupt(() => calls.push('inner'));
    interrupts.interrupt();
    removeInner();
    removeInner();
    interrupts.interrupt();
    removeOuter();
    expect(calls).toEqual(['inner', 'outer']);
    expect(interrupts.signal.aborted).toBe(false);
    interrupts.interrupt();
    expect(interrupts.signal.aborted).toBe(true);
  });

  it('ends the program on SIGTERM although somebody handles Ctrl-C', () => {
    const { interrupts } = setUp();
    interrupts.onInterrupt(() => {});
    interrupts.end('SIGTERM');
    expect(interrupts.signal.reason).toMatchObject({ exitCode: 143 });
  });

  it('exits at the next Ctrl-C when the program is already ending, whoever handles it', () => {
    const { exits, interrupts } = setUp();
    interrupts.onInterrupt(() => {});
    interrupts.end('SIGTERM');
    interrupts.interrupt();
    expect(exits).toEqual([130]);
  });
});
