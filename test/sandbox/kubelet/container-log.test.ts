import { describe, expect, it } from 'vitest';
import { createContainerLog } from '../../../src/sandbox/kubelet/container-log.ts';

const createLog = () => {
  const log = createContainerLog(() => new Date(0));
  return { log, texts: () => log.entries().map(({ text }) => text) };
};

describe('the log of a container', () => {
  it('is told line by line, and what has no end yet at the end of the container', () => {
    const { log, texts } = createLog();
    log.write('stdout', 'one\ntw');
    expect(texts()).toEqual(['one\n']);
    log.write('stdout', 'o');
    log.end();
    expect(texts()).toEqual(['one\n', 'two']);
  });

  it('keeps a bar back that only returns the carriage, in pieces of 16 KiB, and puts the other stream between them', () => {
    const { log, texts } = createLog();
    const bar = `\r${'█'.repeat(400)}`;
    for (let drawn = 0; drawn < 20; drawn += 1) {
      log.write('stderr', bar);
      log.write('stdout', `${drawn}\n`);
    }
    const sizes = texts().filter((text) => text.startsWith('\r')).map((text) => Buffer.byteLength(text));
    expect(sizes).toHaveLength(1);
    expect(sizes[0]).toBeGreaterThan(16 * 1024 - 4);
    expect(sizes[0]).toBeLessThanOrEqual(16 * 1024);
    expect(texts().filter((text) => text.endsWith('\n'))).toHaveLength(20);
    log.end();
    expect(texts().filter((text) => !text.endsWith('\n')).join('')).toBe(bar.repeat(20));
  });
});
