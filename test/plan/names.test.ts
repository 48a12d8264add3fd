import { describe, expect, it } from 'vitest';
import { parseWorkspaceName, toWorkspaceName } from '../../src/plan/names.ts';

describe('a workspace\'s name', () => {
  it.each(['a', 'phi-3-mini', 'a1', 'a'.repeat(52)])('may be %s', (name) => {
    expect(parseWorkspaceName(name)).toBe(name);
  });

  it.each(['', '1a', '-a', 'a-', 'A', 'a_b', 'a.b', 'a b', 'ä', 'a'.repeat(53)])('may not be %j, and another is offered', (name) => {
    expect(() => parseWorkspaceName(name)).toThrow(expect.objectContaining({ name: 'UsageError', reason: 'InvalidName', hints: [expect.stringMatching(/^For example: [a-z][-a-z0-9]*$/)] }));
  });

  it.each([
    ['llama-3.1-8b-instruct', 'llama-3-1-8b-instruct'],
    ['My Tuning', 'my-tuning'],
    ['42-answers', 'answers'],
    ['---', 'my-workspace'],
    ['', 'my-workspace'],
    [`${'a'.repeat(51)}-b`, 'a'.repeat(51)],
  ])('is made of %j as %s', (text, name) => {
    expect(toWorkspaceName(text)).toBe(name);
    expect(parseWorkspaceName(name)).toBe(name);
  });
});
