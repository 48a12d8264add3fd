import { expect, it } from 'vitest';
import { renderBar } from '../../../src/sandbox/programs/trainer-bars.ts';

it.each([
  [1, 6, ' 17%'],
  [1, 8, ' 12%'],
  [3, 8, ' 38%'],
  [199, 200, '100%'],
])('shows %i of %i as Python rounds it: %s', (done, total, percent) => {
  expect(renderBar({ done, total, elapsedSeconds: 10 }).startsWith(`${percent}|`)).toBe(true);
});
