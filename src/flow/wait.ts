import type { Cluster, ListOptions } from '../cluster/cluster.ts';
import type { Kind, Kinds } from '../cluster/kinds.ts';
import type { Clock } from '../domain/clock.ts';
import { formatDuration } from '../domain/duration.ts';
import { TimeoutError, type KaitoError } from '../domain/errors.ts';
import type { Event } from '../domain/event.ts';
import { merge } from './merge.ts';

/** What the objects seen so far mean. */
export type Verdict<T> = { state: 'waiting'; reason: string } | { state: 'done'; value: T } | { state: 'failed'; error: KaitoError };

export interface Wait<T> {
  /** What is awaited, as the subject of a sentence: `the node`. */
  what: string;
  timeoutMs: number;
  clock: Clock;
  signal: AbortSignal;
  /** Each yields when something changed, or an event to be passed on. All are ended when the wait is over. */
  sources(signal: AbortSignal): AsyncIterable<Event | 'changed'>[];
  judge(): Verdict<T>;
  /** The bound was reached; `reason` is what was still awaited. */
  onTimeout?(reason: string): KaitoError;
  /** How often a wait whose reason does not change is told again. */
  heartbeatMs?: number;
}

/**
 * The one way in which this program waits: on watches, with a bound, ending on failure as well as on success, and telling
 * why it waits each time the reason changes.
 */
export async function* waitFor<T>(wait: Wait<T>): AsyncGenerator<Event, T> {
  const { what, timeoutMs, clock, signal, heartbeatMs = 30_000 } = wait;
  const startedAt = clock.now();
  const over = new AbortController();
  const inner = AbortSignal.any([signal, over.signal]);
  let toldReason = '';
  let toldAt = startedAt;
  try {
    for await (const update of merge([...wait.sources(inner), ticks(clock, Math.min(heartbeatMs, timeoutMs), startedAt + timeoutMs, inner)])) {
      if (typeof update === 'object') yield update;
      const verdict = wait.judge();
      if (verdict.state === 'done') return verdict.value;
      if (verdict.state === 'failed') throw verdict.error;
      const elapsedMs = clock.now() - startedAt;
      if (elapsedMs >= timeoutMs) throw wait.onTimeout?.(verdict.reason) ?? timedOut(what, verdict.reason, timeoutMs);
      if (verdict.reason !== toldReason || clock.now() - toldAt >= heartbeatMs) {
        toldReason = verdict.reason;
        toldAt = clock.now();
        yield { type: 'waiting', what, reason: verdict.reason, elapsedMs, timeoutMs };
      }
    }
  } finally {
    over.abort();
  }
  signal.throwIfAborted();
  throw timedOut(what, toldReason, timeoutMs);
}

const timedOut = (what: string, reason: string, timeoutMs: number): TimeoutError =>
  new TimeoutError(`Waited ${formatDuration(timeoutMs)} for ${what}, in vain.`, { reason: 'Timeout', fact: reason });

async function* ticks(clock: Clock, everyMs: number, endsAt: number, signal: AbortSignal): AsyncGenerator<'changed'> {
  while (!signal.aborted) {
    const leftMs = endsAt - clock.now();
    try {
      await clock.sleep(Math.max(0, leftMs > 0 ? Math.min(everyMs, leftMs) : everyMs), signal);
    } catch {
      return;
    }
    yield 'changed';
  }
}

/** Undefined when the signal aborts first. */
export const untilDefined = async <T>(find: () => T | undefined, clock: Clock, signal: AbortSignal): Promise<T | undefined> => {
  while (!signal.aborted) {
    const found = find();
    if (found !== undefined) return found;
    await pause(200, clock, signal);
  }
  return undefined;
};

/** Ends early, and quietly, when the signal aborts. */
export const pause = async (durationMs: number, clock: Clock, signal: AbortSignal): Promise<void> => {
  try {
    await clock.sleep(durationMs, signal);
  } catch {
    // What was waited for is over.
  }
};

/** Objects by name, as the cluster has them. Before they are complete, one that is not here may be there all the same. */
export class Tracked<K extends Kind> extends Map<string, Kinds[K]> {
  isComplete = false;
}

/** Keeps `objects` as the cluster has them, and yields from the moment in which they are complete. */
export async function* track<K extends Kind>(
  cluster: Cluster,
  kind: K,
  options: ListOptions,
  objects: Tracked<K>,
  signal: AbortSignal,
): AsyncGenerator<'changed'> {
  for await (const event of cluster.watch(kind, { ...options, signal })) {
    if (event.type === 'synced') objects.isComplete = true;
    else if (event.type === 'deleted') objects.delete(event.object.metadata.name);
    else objects.set(event.object.metadata.name, event.object);
    if (objects.isComplete) yield 'changed';
  }
}
