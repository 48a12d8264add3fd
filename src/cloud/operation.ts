import type { AgentPool, StartedOperation } from '../domain/azure.ts';
import type { Clock } from '../domain/clock.ts';
import { AccessError, FailedError, UnseenError } from '../domain/errors.ts';
import type { KaitoError } from '../domain/errors.ts';
import { describeAgentPool, isTerminalState } from './agent-pool.ts';
import { mayRecover } from './errors.ts';
import type { CloudFailure } from './failure.ts';

/** In place of the SDK's state: the operation's address is not known, and the pool itself tells how it goes. */
export const followsAgentPool = 'agent-pool';

/** Azure's own pace; `Retry-After` overrides it. */
const pollIntervalMs = 10_000;
const longestTroubleIntervalMs = 60_000;
/** How long Azure may be out of sight without a break. The operation goes on meanwhile, and most outages are shorter. */
const outOfSightMs = 15 * 60_000;

/** One look at the operation. */
export type Poll =
  | { outcome: 'running'; state: string; word: string; retryAfterMs?: number }
  | { outcome: 'succeeded'; pool?: AgentPool }
  | { outcome: 'failed'; failure: CloudFailure }
  | { outcome: 'canceled' }
  | Unreadable;

/** The look failed, which says nothing about the operation. */
export interface Unreadable {
  outcome: 'unreadable';
  error: KaitoError;
  /** Trying again would not help: the address is gone, or this login may not read it. */
  isForGood: boolean;
  retryAfterMs?: number;
}

/** One look at the pool. */
export type Sight = { pool: AgentPool | undefined; failure?: CloudFailure } | Unreadable;

export interface Observation {
  operation: StartedOperation;
  poll: (state: string) => Promise<Poll>;
  look: () => Promise<Sight>;
  toError: (failure: CloudFailure) => KaitoError;
  clock: Clock;
  signal?: AbortSignal | undefined;
  onPoll?: ((state: string) => void) | undefined;
}

/**
 * Looks until the operation has ended, and answers the pool, or undefined when it is gone. Only Azure's own word that the
 * operation failed is a failure; whatever hinders the looking is waited out, or gone around by looking at the pool.
 */
export const followOperation = async (observation: Observation): Promise<AgentPool | undefined> => {
  const { operation, clock, signal, onPoll } = observation;
  let state = operation.state;
  let troubleSinceMs: number | undefined;
  let troubleCount = 0;
  let hasSeen = false;
  for (;;) {
    signal?.throwIfAborted();
    const followed = state === followsAgentPool;
    const poll = followed ? await lookAtPool(observation) : await observation.poll(state);
    let waitMs = pollIntervalMs;
    if (poll.outcome === 'unreadable') {
      if (poll.isForGood && !followed) {
        onPoll?.('the operation cannot be read, looking at the agent pool instead');
        state = followsAgentPool;
        continue;
      }
      troubleSinceMs ??= clock.now();
      // A login that does not work with a new token either will not mend itself; one that has expired may be renewed elsewhere.
      if (poll.isForGood || (poll.error instanceof AccessError && !hasSeen && troubleCount > 0) || clock.now() - troubleSinceMs >= outOfSightMs) throw outOfSight(poll.error, operation);
      waitMs = poll.retryAfterMs ?? Math.min(longestTroubleIntervalMs, 2000 * 2 ** troubleCount);
      troubleCount += 1;
      onPoll?.(`${poll.error.reason}: looking again in ${Math.ceil(waitMs / 1000)} s`);
    } else {
      hasSeen = true;
      troubleSinceMs = undefined;
      troubleCount = 0;
      if (poll.outcome === 'succeeded') return poll.pool;
      if (poll.outcome === 'running') {
        state = poll.state;
        onPoll?.(poll.word);
        waitMs = poll.retryAfterMs ?? waitMs;
      } else {
        const verdict = await judgeEnd(observation, poll, followed);
        if (verdict !== 'goes on') return verdict.pool;
        state = followsAgentPool;
        onPoll?.('Azure goes on trying');
      }
    }
    await clock.sleep(waitMs, signal);
  }
};

/** Before anything is called failed, the pool is looked at: it holds the details, and it may have come to a good end. */
const judgeEnd = async (
  { operation, look, toError }: Observation,
  end: Extract<Poll, { outcome: 'failed' | 'canceled' }>,
  followed: boolean,
): Promise<{ pool: AgentPool | undefined } | 'goes on'> => {
  const sight = await look();
  const isSeen = !('outcome' in sight);
  const failure = mergeFailures(end.outcome === 'failed' ? end.failure : undefined, isSeen ? sight.failure : undefined);
  if (isSeen) {
    const { pool } = sight;
    if (operation.kind === 'delete' && pool === undefined) return { pool };
    if (operation.kind === 'create' && pool?.provisioningState === 'Succeeded') return { pool };
    if (!followed && pool && !isTerminalState(pool.provisioningState) && failure && mayRecover(failure)) return 'goes on';
  }
  if (failure) throw toError(failure);
  throw new FailedError(`${operation.kind === 'create' ? 'Creating' : 'Deleting'} agent pool ${operation.agentPool} was ${end.outcome === 'canceled' ? 'canceled in Azure' : 'given up by Azure'}.`, {
    reason: end.outcome === 'canceled' ? 'OperationCanceled' : 'OperationFailed',
    fact: isSeen && sight.pool ? describeAgentPool(sight.pool) : 'Azure gave no reason.',
    hints: ['Run the same command again.'],
  });
};

const lookAtPool = async ({ operation, look }: Observation): Promise<Poll> => {
  const sight = await look();
  if ('outcome' in sight) return sight;
  const { pool, failure } = sight;
  if (!pool) {
    if (operation.kind === 'delete') return { outcome: 'succeeded' };
    return { outcome: 'failed', failure: { code: 'AgentPoolGone', message: `The agent pool ${operation.agentPool} is not there any more: it was deleted while it was created.` } };
  }
  const { provisioningState } = pool;
  if (!isTerminalState(provisioningState)) return { outcome: 'running', state: followsAgentPool, word: provisioningState };
  if (provisioningState === 'Canceled') return { outcome: 'canceled' };
  if (provisioningState === 'Succeeded' && operation.kind === 'create') return { outcome: 'succeeded', pool };
  const message = operation.kind === 'delete' ? `The agent pool is still there, and its state is ${provisioningState}.` : 'Azure gave no reason.';
  return { outcome: 'failed', failure: failure ?? { code: `ProvisioningState${provisioningState}`, message } };
};

const mergeFailures = (operation: CloudFailure | undefined, pool: CloudFailure | undefined): CloudFailure | undefined => {
  if (!operation || !pool) return operation ?? pool;
  return { ...operation, details: [...(operation.details ?? []), pool] };
};

const outOfSight = (error: KaitoError, { kind, agentPool }: StartedOperation): UnseenError =>
  new UnseenError(`Azure cannot be asked how agent pool ${agentPool} ${kind === 'create' ? 'comes along; it may be there all the same' : 'is removed; it may be there still'}, and then it costs money.`, {
    fact: [error.message, error.fact].filter(Boolean).join('\n'),
    hints: [...error.hints, 'Run the same command again when Azure can be asked: it takes up the operation where it is.'],
    cause: error,
  });
