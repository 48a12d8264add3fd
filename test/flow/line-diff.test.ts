import { describe, expect, it } from 'vitest';
import { unifiedDiff } from '../../src/flow/line-diff.ts';

const lines = (...texts: (string | number)[]): string => texts.map((text) => `${text}\n`).join('');

describe('a unified diff', () => {
  it('of the same text is empty', () => {
    expect(unifiedDiff(lines(1, 2), lines(1, 2))).toBe('');
    expect(unifiedDiff('', '')).toBe('');
  });

  it('shows a changed line between three of context on each side', () => {
    expect(unifiedDiff(lines(1, 2, 3, 4, 5, 6, 7, 8, 9), lines(1, 2, 3, 4, 'five', 6, 7, 8, 9))).toBe(lines('@@ -2,7 +2,7 @@', ' 2', ' 3', ' 4', '-5', '+five', ' 6', ' 7', ' 8'));
  });

  it('has one hunk for each place, numbered in both texts', () => {
    const before = lines(...Array.from({ length: 20 }, (_, index) => index));
    const after = before.replace('1\n', '').replace('17\n', '17\nnew\n');
    expect(unifiedDiff(before, after).match(/^@@.*@@$/gm)).toEqual(['@@ -1,5 +1,4 @@', '@@ -16,5 +15,6 @@']);
  });

  it('of nothing and something is all of it', () => {
    expect(unifiedDiff('', lines('a', 'b'))).toBe(lines('@@ -0,0 +1,2 @@', '+a', '+b'));
    expect(unifiedDiff(lines('a'), '')).toBe(lines('@@ -1,1 +0,0 @@', '-a'));
  });
});
