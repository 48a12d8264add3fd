import { describe, expect, it } from 'vitest';
import { createLogLines } from '../../src/flow/log-lines.ts';

const at = (second: number, nanos = '000000001', text = `line ${second}.${nanos}`): string => `2026-01-01T00:00:${String(second).padStart(2, '0')}.${nanos}Z ${text}\n`;

/** What a new connection tells, as the kubelet does: everything since a full second. */
const toldAgain = (lines: readonly string[], since: string | undefined): string => lines.filter((line) => since === undefined || line.slice(0, 19) >= since.slice(0, 19)).join('');

describe('createLogLines', () => {
  it('takes the timestamps away, however the pieces are cut', () => {
    const text = at(1) + at(2, '5', 'two words') + at(3, '7', '10%\r20%');
    for (let size = 1; size < text.length; size += 1) {
      const lines = createLogLines();
      let read = '';
      for (let start = 0; start < text.length; start += size) read += lines.read(text.slice(start, start + size));
      expect(read).toBe('line 1.000000001\ntwo words\n10%\r20%\n');
    }
  });

  it('tells a log that breaks off anywhere exactly once', () => {
    // Lines of the same time, and one that was written after a later one of the other stream.
    const all = [at(1), at(1, '9'), at(2, '3'), at(2, '3', 'again'), at(4, '5'), at(3, '9', 'late'), at(4, '6', ''), at(5)];
    const text = all.join('');
    const whole = createLogLines().read(text);
    for (let first = 0; first <= text.length; first += 1) {
      for (const second of [0, 10, 45, 90, text.length]) {
        const lines = createLogLines();
        lines.begin();
        let read = lines.read(text.slice(0, first));
        for (const length of [second, text.length]) {
          const since = lines.since();
          lines.begin();
          read += lines.read(toldAgain(all, since).slice(0, length));
        }
        expect(read, `broken after ${first}, then after ${second}`).toBe(whole);
      }
    }
  });

  it('ends a line whose rest is lost, before it goes on with the next', () => {
    const lines = createLogLines();
    lines.read(`${at(1)}2026-01-01T00:00:02.000000001Z half a li`);
    lines.begin();
    expect(lines.read(at(9, '1', 'another file'))).toBe('\nanother file\n');
  });

  it('passes on what has no timestamp', () => {
    const lines = createLogLines();
    expect(lines.read('unable to say more\n') + lines.read(at(1))).toBe('unable to say more\nline 1.000000001\n');
    expect(createLogLines().since()).toBeUndefined();
  });

  it('asks from a second before the last line, in the form that the API takes', () => {
    const lines = createLogLines();
    lines.read(at(7, '999999999'));
    expect(lines.since()).toBe('2026-01-01T00:00:06Z');
  });

  it('remembers no more than it needs to know lines again', () => {
    const lines = createLogLines();
    lines.read(at(1) + at(9));
    lines.begin();
    expect(lines.read(at(1) + at(9))).toBe('line 1.000000001\n');
  });
});
