import { describe, expect, it } from 'vitest';
import { newestPod } from '../../src/flow/newest-pod.ts';
import { pod } from './support.ts';

describe('newestPod', () => {
  const first = pod({ name: 'first', phase: 'Failed', reason: 'Evicted', createdAt: '2026-01-01T00:00:00Z' });
  const turnedAway = pod({ name: 'turned-away', phase: 'Failed', reason: 'Evicted', createdAt: '2026-01-01T00:10:00Z' });
  const successor = pod({ name: 'successor', phase: 'Pending', createdAt: '2026-01-01T00:10:00Z' });

  it.each([
    [[first, turnedAway, successor]],
    [[successor, turnedAway, first]],
    [[turnedAway, successor, first]],
  ])('is the one that lives where others of the same second were turned away (%#)', (pods) => {
    expect(newestPod(pods)).toBe(successor);
  });

  it('is the one that was made last where all have ended', () => {
    expect(newestPod([first, turnedAway])).toBe(turnedAway);
    expect(newestPod([])).toBeUndefined();
  });
});
