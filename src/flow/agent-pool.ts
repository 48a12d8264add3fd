import { followsAgentPool } from '../cloud/operation.ts';
import { isAgentPoolOf } from '../domain/agent-pool-tags.ts';
import type { AgentPool, StartedOperation } from '../domain/azure.ts';
import { formatDuration } from '../domain/duration.ts';
import { BugError, ConflictError, FailedError, TimeoutError, UnseenError } from '../domain/errors.ts';
import type { Event } from '../domain/event.ts';
import type { CreateAgentPoolStep, DeleteAgentPoolStep } from '../domain/plan.ts';
import type { NodePoolRecord, OwnerRecord } from '../domain/record.ts';
import { createChannel } from './channel.ts';
import { describeNodes } from './nodes.ts';
import { isRecordDeleted, type Session } from './session.ts';
import { track, Tracked, waitFor } from './wait.ts';

/** Adds the pool, or takes up what an earlier run began, and awaits Azure's operation while the nodes join. */
export async function* createAgentPool(step: CreateAgentPoolStep, session: Session): AsyncGenerator<Event, string> {
  const { pool } = step;
  if (step.resume?.kind === 'delete') yield* awaitDeletion({ ...step.resume, kind: 'delete', agentPool: pool.name }, step.timeoutMs, session);
  const operation: StartedOperation | undefined =
    step.resume?.kind === 'create' ? { ...step.resume, kind: 'create', agentPool: pool.name } : yield* requestAgentPool(step, session);
  if (!operation) return 'was there already';
  try {
    await saveOperation({ kind: operation.kind, state: operation.state }, session);
    if (step.isLeft) return 'asked for, and left to Azure';
    const { failure } = yield* awaitCreation(operation, step, session);
    if (failure instanceof UnseenError) throw failure;
    if (failure !== undefined) {
      // A half-made pool must not stay behind. One that took too long, or that the Kubernetes API was away for, is still on its way.
      if (!session.signal.aborted) yield* removeFailedPool(step, 'which Azure could not complete', session);
      throw failure;
    }
    await saveOperation(undefined, session);
  } catch (error) {
    if (isRecordDeleted(error) && !session.signal.aborted) yield* removeFailedPool(step, 'whose workspace was deleted meanwhile', session);
    throw error;
  }
  return step.resume ? 'taken up from an earlier run' : 'created';
}

/** Undefined: the pool of this name is ours and needs no operation. */
async function* requestAgentPool({ pool, timeoutMs }: CreateAgentPoolStep, session: Session): AsyncGenerator<Event, StartedOperation | undefined> {
  const { cloud, managedCluster } = azureOf(session);
  try {
    return await cloud.createAgentPool(managedCluster, pool, { signal: session.signal });
  } catch (error) {
    if (session.signal.aborted) throw error;
    if (error instanceof FailedError) yield requestIsUnknown(pool.name, session);
    else if (!(error instanceof ConflictError)) await saveReleased(session);
    if (!(error instanceof ConflictError)) throw error;
    // An earlier run may have asked for it and not lived to record the operation.
    const existing = await cloud.getAgentPool(managedCluster, pool.name, { signal: session.signal });
    if (!existing) throw error;
    if (!isOurs(existing, session)) {
      // What the record names is not there; it must not be looked for, paid for or deleted.
      await saveReleased(session);
      throw notOurs(existing);
    }
    if (existing.provisioningState === 'Succeeded') return undefined;
    yield { type: 'note', message: `Agent pool ${pool.name} is there already and is ${existing.provisioningState}.` };
    if (existing.provisioningState !== 'Deleting') return { kind: 'create', agentPool: pool.name, state: followsAgentPool };
    yield* awaitDeletion({ kind: 'delete', agentPool: pool.name, state: followsAgentPool }, timeoutMs, session);
    return await cloud.createAgentPool(managedCluster, pool, { signal: session.signal });
  }
}

/** Where the answer was lost, the pool may be on its way, and cost money. */
const requestIsUnknown = (pool: string, { plan }: Session): Event => ({
  type: 'warning',
  message: `It is not known whether Azure took the request for agent pool ${pool}.`,
  hints: ['The same command again finds out.', `kaito-ts delete ${plan.workspace.metadata.name}   # removes it if it is there`],
});

const isOurs = ({ tags }: AgentPool, { plan }: Session): boolean => isAgentPoolOf(tags, plan.workspace.metadata);

const notOurs = ({ name, tags }: AgentPool): ConflictError =>
  new ConflictError(`Agent pool ${name} exists and was not made by kaito-ts for this workspace.`, {
    reason: 'AgentPoolNotOurs',
    fact: `Its tags are ${JSON.stringify(tags)}.`,
    hints: ['Choose another workspace name: agent pools are named after it.'],
  });

const awaitCreation = (operation: StartedOperation, step: CreateAgentPoolStep, session: Session): AsyncGenerator<Event, OperationEnd> => {
  const nodes = new Tracked<'Node'>();
  return awaitOperation(operation, session, {
    what: `agent pool ${step.pool.name}`,
    firstState: 'Creating',
    timeoutMs: step.timeoutMs,
    // A plan that removes its pool at the end does so after a failure too.
    hints: session.plan.steps.some(({ kind }) => kind === 'delete-agent-pool') ? ['Allow more with --node-timeout.'] : [goesOn, `kaito-ts delete ${session.plan.workspace.metadata.name}`],
    alsoWatch: (signal) => [track(session.cluster, 'Node', { labelSelector: `agentpool=${step.pool.name}` }, nodes, signal)],
    describe: (state) => `Azure's operation is ${state}; ${describeNodes([...nodes.values()], step.pool.count)}`,
  });
};

async function* removeFailedPool({ pool, timeoutMs }: CreateAgentPoolStep, why: string, session: Session): AsyncGenerator<Event, void> {
  yield { type: 'note', message: `Removing agent pool ${pool.name}, ${why}.` };
  try {
    yield* removePool(pool.name, timeoutMs, session);
  } catch (error) {
    yield {
      type: 'warning',
      message: `Agent pool ${pool.name} could not be removed: ${error instanceof Error ? error.message : String(error)}`,
      hints: [`kaito-ts delete ${session.plan.workspace.metadata.name}`],
    };
  }
}

export async function* deleteAgentPool(step: DeleteAgentPoolStep, session: Session): AsyncGenerator<Event, string> {
  // A pool made anew by this very plan has nothing to do with a deletion that an earlier run began.
  const begun = session.record().nodePool?.operation;
  if (step.resume?.kind === 'delete' && begun?.state === step.resume.state) {
    yield* awaitDeletion({ ...step.resume, kind: 'delete', agentPool: step.name }, step.timeoutMs, session);
    await saveReleased(session);
    return 'removed';
  }
  return yield* removePool(step.name, step.timeoutMs, session);
}

async function* removePool(name: string, timeoutMs: number, session: Session): AsyncGenerator<Event, string> {
  const operation = yield* requestDeletion(name, timeoutMs, session);
  if (!operation) {
    await saveReleased(session);
    return 'was gone already';
  }
  // It is asked for, and is awaited whether the next run can read of it or not.
  const begun = withOperation({ kind: 'delete', state: operation.state }, session.record());
  if (begun) await session.noteEnd(begun);
  yield* awaitDeletion(operation, timeoutMs, session);
  await saveReleased(session);
  return 'removed';
}

/** Azure refuses a deletion while it is busy with the pool: creating it for a run that was interrupted, or deleting it already. */
async function* requestDeletion(name: string, timeoutMs: number, session: Session): AsyncGenerator<Event, StartedOperation | undefined> {
  const { cloud, managedCluster } = azureOf(session);
  const { clock, signal } = session;
  const startedAt = clock.now();
  let pauseMs = 1_000;
  let toldState = '';
  for (;;) {
    const pool = await cloud.getAgentPool(managedCluster, name, { signal });
    if (!pool) return undefined;
    if (!isOurs(pool, session)) throw notOurs(pool);
    const { provisioningState } = pool;
    if (provisioningState === 'Deleting') return { kind: 'delete', agentPool: name, state: followsAgentPool };
    try {
      return await cloud.deleteAgentPool(managedCluster, name, { signal });
    } catch (error) {
      const elapsedMs = clock.now() - startedAt;
      if (!(error instanceof ConflictError) || elapsedMs >= timeoutMs) throw error;
      if (provisioningState !== toldState) yield { type: 'waiting', what: `agent pool ${name} to go`, reason: `Azure is busy with it${provisioningState === 'Succeeded' ? '' : `: ${provisioningState}`}`, elapsedMs, timeoutMs };
      toldState = provisioningState;
    }
    await clock.sleep(pauseMs, signal);
    pauseMs = Math.min(2 * pauseMs, 10_000);
  }
}

async function* awaitDeletion(operation: StartedOperation, timeoutMs: number, session: Session): AsyncGenerator<Event, void> {
  const { failure } = yield* awaitOperation(operation, session, {
    what: `agent pool ${operation.agentPool} to go`,
    firstState: 'Deleting',
    timeoutMs,
    hints: [goesOn],
    alsoWatch: () => [],
    describe: (state) => `Azure's operation is ${state}`,
  });
  if (failure !== undefined) throw failure;
}

const goesOn = 'Azure goes on: the same command again waits on.';

interface OperationWait {
  what: string;
  firstState: string;
  timeoutMs: number;
  /** What helps when it takes too long. */
  hints: string[];
  alsoWatch(signal: AbortSignal): AsyncIterable<'changed'>[];
  describe(state: string): string;
}

/** What the cloud says of its operation. Everything else that ends the wait is thrown, and says nothing about the operation. */
interface OperationEnd {
  failure?: unknown;
}

async function* awaitOperation(operation: StartedOperation, session: Session, wait: OperationWait): AsyncGenerator<Event, OperationEnd> {
  const { cloud, managedCluster } = azureOf(session);
  const polls = createChannel<'changed'>();
  let state = wait.firstState;
  let ended: OperationEnd | undefined;
  const poll = async (signal: AbortSignal): Promise<void> => {
    try {
      await cloud.awaitOperation(managedCluster, operation, {
        signal,
        onPoll(polled) {
          state = polled;
          polls.push('changed');
        },
      });
      ended = {};
    } catch (failure) {
      ended = { failure };
    }
    polls.push('changed');
    polls.close();
  };
  return yield* waitFor({
    what: wait.what,
    timeoutMs: wait.timeoutMs,
    clock: session.clock,
    signal: session.signal,
    sources(signal) {
      void poll(signal);
      return [polls, ...wait.alsoWatch(signal)];
    },
    judge() {
      return ended ? { state: 'done', value: ended } : { state: 'waiting', reason: wait.describe(state) };
    },
    onTimeout: (reason) =>
      new TimeoutError(`Waited ${formatDuration(wait.timeoutMs)} for ${wait.what}, in vain.`, {
        reason: 'Timeout',
        fact: reason,
        hints: wait.hints,
      }),
  });
}

const azureOf = (session: Session) => {
  if (!session.azure) throw new BugError('The plan has an agent pool step, and no Azure was given to carry it out.');
  return session.azure;
};

type PoolOperation = { kind: 'create' | 'delete'; state: string };

const saveOperation = async (operation: PoolOperation | undefined, session: Session): Promise<void> => {
  const changed = withOperation(operation, session.record());
  if (changed) await session.saveRecord(changed);
};

const saveReleased = async (session: Session): Promise<void> => {
  const changed = withOperation(undefined, session.record());
  if (changed) await session.noteEnd({ ...changed, nodePool: { ...changed.nodePool, releasedAt: new Date(session.clock.now()).toISOString() } });
};

/** Undefined when the record names no pool: then there is nothing to note. */
const withOperation = (operation: PoolOperation | undefined, { nodePool, ...record }: OwnerRecord): (OwnerRecord & { nodePool: NodePoolRecord }) | undefined => {
  if (!nodePool) return undefined;
  const { operation: _, ...rest } = nodePool;
  return { ...record, nodePool: operation ? { ...rest, operation } : rest };
};
