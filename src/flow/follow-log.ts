import type { Cluster, LogOptions } from '../cluster/cluster.ts';
import type { Kinds } from '../cluster/kinds.ts';
import type { Clock } from '../domain/clock.ts';
import { AccessError, FailedError, KaitoError, NotFoundError } from '../domain/errors.ts';
import type { Event } from '../domain/event.ts';
import { containerStatuses } from './diagnose.ts';
import { createLogLines } from './log-lines.ts';
import { pause } from './wait.ts';

/** How long a log may be out of reach without a break: as long as what is watched. */
const outageMs = 300_000;
/** An API server that has just started knows no roles yet, and refuses everybody. */
const refusalMs = 60_000;
/** Open for so long, a connection counts as one that works. */
const healthyMs = 10_000;
const longestPauseMs = 10_000;
/** A log ends a moment before the kubelet says that its container has. */
const lateStatusMs = 5_000;

export interface FollowedContainer {
  pod: Kinds['Pod'];
  name: string;
}

interface Reach {
  cluster: Cluster;
  clock: Clock;
  signal: AbortSignal;
}

/**
 * The log of a container to its end, in pieces of text. A connection that breaks, as every one does when the API server
 * restarts, is taken up again after the last line; that is told, and is bounded.
 */
export async function* followLog({ cluster, clock, signal }: Reach, container: FollowedContainer, tailLines: number | undefined): AsyncGenerator<string | Event, void> {
  const { name, namespace = cluster.target.namespace } = container.pod.metadata;
  const lines = createLogLines();
  const readOn = async function* (which: Pick<LogOptions, 'follow' | 'previous'>): AsyncGenerator<string, void> {
    const since = lines.since();
    lines.begin();
    const from = since !== undefined ? { sinceTime: since } : tailLines === undefined ? {} : { tailLines };
    for await (const piece of cluster.logs(name, { namespace, container: container.name, timestamps: true, ...from, ...which, signal })) {
      const text = lines.read(piece);
      if (text !== '') yield text;
    }
  };

  let brokenAt: number | undefined;
  let isBreakTold = false;
  let pauseMs = 1_000;
  while (!signal.aborted) {
    const openedAt = clock.now();
    let failure: KaitoError | undefined;
    try {
      for await (const text of readOn({ follow: true })) {
        if (isBreakTold) yield { type: 'note', message: 'The log goes on where it broke off.' };
        isBreakTold = false;
        brokenAt = undefined;
        pauseMs = 1_000;
        yield text;
      }
    } catch (error) {
      if (!(error instanceof KaitoError)) throw error;
      const wasNeverOpen = brokenAt === undefined && lines.since() === undefined && error.reason !== 'ConnectionLost';
      if (wasNeverOpen) throw error;
      failure = error;
    }
    if (brokenAt === undefined || clock.now() - openedAt > healthyMs) brokenAt = clock.now();
    const isOver = clock.now() - brokenAt > outageMs;
    if (failure && (isOver || !mayPass(failure, clock.now() - brokenAt))) throw failure;

    const state = await lookAt(container, { cluster, clock, signal }, failure ? 0 : lateStatusMs);
    if (signal.aborted) return;
    if (state === 'ended' && !failure) return;
    if (state === 'gone') {
      if (failure) yield { type: 'warning', message: `Pod ${name} is gone, and the end of its log may be missing.` };
      return;
    }
    if (state === 'restarted') {
      yield* readOn({ previous: true });
      return;
    }
    if (failure instanceof NotFoundError) throw failure;
    if (isOver) throw new FailedError(`The log of container ${container.name} ends again and again, although it runs.`, { reason: 'LogEnds', hints: [`kubectl describe pod ${name} -n ${namespace}`] });
    if (failure && !isBreakTold) yield { type: 'warning', message: `The log broke off, and is taken up again: ${failure.message}` };
    isBreakTold ||= failure !== undefined;
    await pause(pauseMs, clock, signal);
    pauseMs = Math.min(2 * pauseMs, longestPauseMs);
  }
}

const mayPass = (failure: KaitoError, brokenForMs: number): boolean => failure instanceof FailedError || failure instanceof NotFoundError || (failure instanceof AccessError && brokenForMs < refusalMs);

type ContainerState = 'runs' | 'ended' | 'restarted' | 'gone' | 'unknown';

/** Looks until the container is not said to run any more, at most so long. */
const lookAt = async (container: FollowedContainer, { cluster, clock, signal }: Reach, patienceMs: number): Promise<ContainerState> => {
  const until = clock.now() + patienceMs;
  for (;;) {
    const state = await lookOnce(container, cluster, signal);
    if (state !== 'runs' || clock.now() >= until || signal.aborted) return state;
    await pause(250, clock, signal);
  }
};

const lookOnce = async ({ pod, name }: FollowedContainer, cluster: Cluster, signal: AbortSignal): Promise<ContainerState> => {
  const { metadata } = pod;
  try {
    const [now] = await cluster.list('Pod', { ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }), fieldSelector: `metadata.name=${metadata.name}`, signal });
    if (!now || now.metadata.uid !== metadata.uid) return 'gone';
    const [before, status] = [pod, now].map((each) => containerStatuses(each).find((candidate) => candidate.name === name));
    if ((status?.restartCount ?? 0) > (before?.restartCount ?? 0)) return 'restarted';
    return status?.state?.terminated || (status?.state?.waiting && status.lastState?.terminated) ? 'ended' : 'runs';
  } catch (error) {
    if (error instanceof KaitoError) return 'unknown';
    throw error;
  }
};
