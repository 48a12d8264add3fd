import { beforeEach, describe, expect, it } from 'vitest';
import { TimeoutError, WorkloadError } from '../../src/domain/errors.ts';
import type { Event } from '../../src/domain/event.ts';
import { createChannel, type Channel } from '../../src/flow/channel.ts';
import { track, Tracked, waitFor, type Verdict, type Wait } from '../../src/flow/wait.ts';
import { createFakeCluster } from '../support/fakes.ts';
import { follow } from '../support/following.ts';
import { createManualClock, settled, type ManualClock } from '../support/manual-clock.ts';

describe('waitFor', () => {
  let clock: ManualClock;
  let changes: Channel<Event | 'changed'>;
  let verdict: Verdict<string>;
  let interrupt: AbortController;
  let sourceSignal: AbortSignal | undefined;

  beforeEach(() => {
    clock = createManualClock();
    changes = createChannel();
    verdict = { state: 'waiting', reason: 'not yet' };
    interrupt = new AbortController();
    sourceSignal = undefined;
  });

  const wait = (options: Partial<Wait<string>> = {}) =>
    follow(
      waitFor<string>({
        what: 'the thing',
        timeoutMs: 600_000,
        clock,
        signal: interrupt.signal,
        sources: (signal) => {
          sourceSignal = signal;
          return [changes];
        },
        judge: () => verdict,
        ...options,
      }),
    );

  const become = async (next: Verdict<string>): Promise<void> => {
    verdict = next;
    changes.push('changed');
    await settled();
  };

  const told = (items: Event[]) => items.map((event) => (event.type === 'waiting' ? `${event.elapsedMs / 1000} s: ${event.reason}` : event.type));

  it('ends with the value as soon as a change makes it so, and ends its sources', async () => {
    const waiting = wait();
    await become({ state: 'done', value: 'there' });
    await expect(waiting.result).resolves.toBe('there');
    expect(sourceSignal?.aborted).toBe(true);
    expect(clock.sleeperCount()).toBe(0);
  });

  it('fails as soon as a change is a failure, and ends its sources', async () => {
    const waiting = wait();
    await become({ state: 'failed', error: new WorkloadError('broken') });
    await expect(waiting.result).rejects.toThrow('broken');
    expect(sourceSignal?.aborted).toBe(true);
    expect(clock.sleeperCount()).toBe(0);
  });

  it('tells a reason when it changes, and not again with every change', async () => {
    const waiting = wait();
    await become({ state: 'waiting', reason: 'pulling' });
    await become({ state: 'waiting', reason: 'pulling' });
    await clock.advance(5_000);
    await become({ state: 'waiting', reason: 'starting' });
    expect(told(waiting.items)).toEqual(['0 s: pulling', '5 s: starting']);
  });

  it('tells an unchanged reason again every 30 seconds', async () => {
    const waiting = wait();
    await become({ state: 'waiting', reason: 'pulling' });
    await clock.advance(95_000);
    expect(told(waiting.items)).toEqual(['0 s: pulling', '30 s: pulling', '60 s: pulling', '90 s: pulling']);
  });

  it('says what is awaited and how long that may take', async () => {
    const waiting = wait();
    await become({ state: 'waiting', reason: 'pulling' });
    expect(waiting.items).toEqual([{ type: 'waiting', what: 'the thing', reason: 'pulling', elapsedMs: 0, timeoutMs: 600_000 }]);
  });

  it('gives up at its bound although nothing ever changes, with the reason as the fact', async () => {
    const waiting = wait({ timeoutMs: 90_000 });
    await clock.advance(89_999);
    expect(sourceSignal?.aborted).toBe(false);
    await clock.advance(1);
    await expect(waiting.result).rejects.toMatchObject({ name: 'TimeoutError', message: 'Waited 1m30s for the thing, in vain.', fact: 'not yet' });
    expect(sourceSignal?.aborted).toBe(true);
    expect(clock.sleeperCount()).toBe(0);
  });

  it('gives up with the error that the caller has for it', async () => {
    const waiting = wait({ timeoutMs: 1_000, onTimeout: (reason) => new TimeoutError(`still ${reason}`) });
    await clock.advance(1_000);
    await expect(waiting.result).rejects.toThrow('still not yet');
  });

  it('gives up at once when it may take no time', async () => {
    const waiting = wait({ timeoutMs: 0 });
    await clock.advance(0);
    await expect(waiting.result).rejects.toBeInstanceOf(TimeoutError);
  });

  it('still sees a good end that comes with the bound', async () => {
    const waiting = wait({ timeoutMs: 60_000 });
    await clock.advance(59_000);
    verdict = { state: 'done', value: 'just in time' };
    await clock.advance(1_000);
    await expect(waiting.result).resolves.toBe('just in time');
  });

  it('keeps its bound when all its sources have ended', async () => {
    const waiting = wait({ timeoutMs: 60_000 });
    changes.close();
    await clock.advance(60_000);
    await expect(waiting.result).rejects.toBeInstanceOf(TimeoutError);
  });

  it('passes on what a source tells', async () => {
    const waiting = wait();
    changes.push({ type: 'note', message: 'by the way' });
    await settled();
    expect(told(waiting.items)).toEqual(['note', '0 s: not yet']);
  });

  it('fails when a source fails', async () => {
    const waiting = wait({
      sources: () => [
        (async function* () {
          yield 'changed' as const;
          throw new Error('the source broke');
        })(),
      ],
    });
    await expect(waiting.result).rejects.toThrow('the source broke');
    expect(clock.sleeperCount()).toBe(0);
  });

  it('stops with the reason of the interruption', async () => {
    const waiting = wait({ sources: () => [] });
    await settled();
    interrupt.abort(new Error('Ctrl-C'));
    await expect(waiting.result).rejects.toThrow('Ctrl-C');
    expect(clock.sleeperCount()).toBe(0);
  });

  it('does not begin when it is interrupted already', async () => {
    interrupt.abort(new Error('before'));
    await expect(wait({ sources: () => [] }).result).rejects.toThrow('before');
  });

  it('ends its sources when nobody listens any more', async () => {
    const stream = waitFor<string>({ what: 'the thing', timeoutMs: 1_000, clock, signal: interrupt.signal, sources: (signal) => ((sourceSignal = signal), [changes]), judge: () => verdict });
    changes.push('changed');
    await stream.next();
    await stream.return('left');
    expect(sourceSignal?.aborted).toBe(true);
    expect(clock.sleeperCount()).toBe(0);
  });
});

describe('track', () => {
  const node = (name: string) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name } });

  it('says nothing before the objects are complete, and then tells each change', async () => {
    const cluster = createFakeCluster([node('a'), node('b')]);
    const release = cluster.hold('Node');
    const nodes = new Tracked<'Node'>();
    const stop = new AbortController();
    const tracking = follow(track(cluster, 'Node', {}, nodes, stop.signal));
    await settled();
    expect([tracking.items.length, nodes.isComplete]).toEqual([0, false]);
    release();
    await settled();
    expect([tracking.items.length, nodes.isComplete, [...nodes.keys()]]).toEqual([1, true, ['a', 'b']]);
    cluster.put(node('c'));
    cluster.remove('Node', 'a');
    await settled();
    expect([tracking.items.length, [...nodes.keys()]]).toEqual([3, ['b', 'c']]);
    stop.abort();
    await tracking.result;
    expect(cluster.openWatchCount()).toBe(0);
  });

  it('is complete when there is nothing', async () => {
    const nodes = new Tracked<'Node'>();
    const stop = new AbortController();
    const tracking = follow(track(createFakeCluster(), 'Node', {}, nodes, stop.signal));
    await settled();
    expect([tracking.items.length, nodes.isComplete]).toEqual([1, true]);
    stop.abort();
    await tracking.result;
  });
});
