import { InterruptedError, KaitoError, TimeoutError, WorkloadError } from '../domain/errors.ts';
import type { Event } from '../domain/event.ts';
import type { ApplyStep, Plan, RecordStep, Step } from '../domain/plan.ts';
import type { NodePoolRecord, OwnerRecord } from '../domain/record.ts';
import { createAgentPool, deleteAgentPool } from './agent-pool.ts';
import { awaitNodes } from './nodes.ts';
import { awaitGone, deleteObject } from './removal.ts';
import { rehearse } from './rehearse.ts';
import { awaitServer } from './serving.ts';
import { createSession, type Effects, isRecordDeleted, type Session } from './session.ts';
import { followTuning } from './tuning.ts';

/**
 * Carries out a Plan, step by step, telling what happens. Returns the owner record as it is at the end. When a step fails,
 * the steps that stop spending are still done, and the failure is thrown afterwards.
 */
export async function* execute(plan: Plan, stored: { uid: string; record: OwnerRecord } | undefined, effects: Effects): AsyncGenerator<Event, OwnerRecord> {
  const session = createSession(plan, effects, stored);
  if (plan.steps.some(({ kind }) => kind === 'create-agent-pool')) await rehearse(plan, effects);
  let failure: unknown;
  for (const [index, step] of plan.steps.entries()) {
    if (failure !== undefined && !stopsSpending(step, session)) continue;
    try {
      yield* carryOut(step, index, session);
    } catch (error) {
      if (session.signal.aborted) throw interrupted(error, step, session);
      if (isOutOfSight(step, error)) {
        yield { type: 'warning', message: 'The tuning Job is out of sight and goes on; its nodes are left to it.', hints: againHints(session) };
        throw error;
      }
      // The first failure is the reason; what goes wrong while cleaning up after it is told beside it.
      if (failure === undefined) failure = error;
      else yield { type: 'warning', message: `${step.title} failed too: ${error instanceof Error ? error.message : String(error)}`, hints: error instanceof KaitoError ? error.hints : [] };
    }
  }
  if (failure !== undefined) {
    // Whoever deleted the workspace has seen to its nodes.
    const deletion = await session.findDeletion(failure);
    if (deletion) throw deletion;
    yield* warnOfSpending(session);
    throw failure;
  }
  return session.record();
}

/** A failure leaves the nodes to look at; nobody must believe that they are gone. */
function* warnOfSpending(session: Session): Generator<Event, void> {
  const pool = spendingPool(session);
  if (!pool) return;
  const { name, namespace } = session.plan.workspace.metadata;
  const price = pool.pricePerHourUsd === undefined ? '' : ` and costs about $${pool.pricePerHourUsd.toFixed(2)} an hour`;
  yield { type: 'warning', message: `Agent pool ${pool.name} (${pool.count} x ${pool.instanceType}) is still there${price}.`, hints: [`kaito-ts delete ${name} -n ${namespace}`] };
}

/** What must still be done after a failure: nobody would do it otherwise. */
const stopsSpending = (step: Step, session: Session): boolean => step.kind === 'delete-agent-pool' && spendingPool(session) !== undefined;

/** The pool that was asked for and is not known to be gone. */
const spendingPool = (session: Session): NodePoolRecord | undefined => {
  const { nodePool } = session.record();
  return nodePool?.releasedAt === undefined ? nodePool : undefined;
};

/** Losing the connection, or the login, while a Job runs is not its end: hours of training must not be thrown away for it. */
const isOutOfSight = (step: Step, error: unknown): boolean => step.kind === 'follow-tuning' && !(error instanceof WorkloadError) && !(error instanceof TimeoutError) && !isRecordDeleted(error);

const againHints = ({ plan }: Session): string[] => {
  const { name, namespace } = plan.workspace.metadata;
  return ['The same command again goes on from here.', `kaito-ts status ${name} -n ${namespace}`, `kaito-ts delete ${name} -n ${namespace}   # undo`];
};

async function* carryOut(step: Step, index: number, session: Session): AsyncGenerator<Event, void> {
  const total = session.plan.steps.length;
  const startedAt = session.clock.now();
  session.signal.throwIfAborted();
  yield { type: 'stepStarted', index, total, step };
  const detail = yield* runStep(step, session);
  yield { type: 'stepDone', index, total, step, ...(detail === undefined ? {} : { detail }), elapsedMs: session.clock.now() - startedAt };
}

const runStep = (step: Step, session: Session): AsyncGenerator<Event, string | undefined> => {
  switch (step.kind) {
    case 'record':
      return writeRecord(step, session);
    case 'apply':
      return apply(step, session);
    case 'create-agent-pool':
      return createAgentPool(step, session);
    case 'await-nodes':
      return awaitNodes(step, session);
    case 'follow-tuning':
      return followTuning(step, session);
    case 'await-server':
      return awaitServer(step, session);
    case 'delete-object':
      return deleteObject(step, session);
    case 'delete-agent-pool':
      return deleteAgentPool(step, session);
    case 'await-gone':
      return awaitGone(step, session);
  }
};

async function* writeRecord(step: RecordStep, session: Session): AsyncGenerator<Event, undefined> {
  const { nodePool: recorded, createdAt } = session.record();
  const nodePool = step.nodePool && { ...step.nodePool, requestedAt: step.nodePool.requestedAt || new Date(session.clock.now()).toISOString() };
  const object = await session.saveRecord({
    workspace: session.plan.workspace,
    revision: step.revision,
    createdAt,
    ...(nodePool ? { nodePool } : recorded ? { nodePool: recorded } : {}),
  });
  yield { type: 'applied', object: { kind: object.kind, name: object.metadata.name }, outcome: step.revision > 1 ? 'configured' : 'created' };
  return undefined;
}

async function* apply(step: ApplyStep, session: Session): AsyncGenerator<Event, string> {
  const object = step.owned ? { ...step.object, metadata: { ...step.object.metadata, ownerReferences: [session.ownerReference()] } } : step.object;
  const { outcome } = await session.cluster.apply(object, { signal: session.signal });
  yield { type: 'applied', object: { kind: object.kind, name: object.metadata.name }, outcome };
  return outcome;
}

/** Leaving is not undoing: what goes on, what it costs, how to come back and how to end it. */
const interrupted = (error: unknown, step: Step, session: Session): InterruptedError => {
  const pool = spendingPool(session);
  const signal = session.signal.reason instanceof InterruptedError && session.signal.reason.exitCode === 143 ? 'SIGTERM' : 'SIGINT';
  const price = pool?.pricePerHourUsd === undefined ? 'money' : `about $${pool.pricePerHourUsd.toFixed(2)} an hour`;
  return new InterruptedError(signal, {
    fact: [
      isUnderway(step, pool) ? `${step.title}: this goes on without kaito-ts.` : `${step.title}: this was left undone.`,
      ...(pool && isAskedFor(step, session) ? [`Agent pool ${pool.name} (${pool.count} x ${pool.instanceType}) costs ${price} until it is removed.`] : []),
    ].join(' '),
    hints: againHints(session),
    cause: error,
  });
};

/** Whether the cluster or Azure does it without us, once begun. */
const isUnderway = (step: Step, pool: NodePoolRecord | undefined): boolean => {
  switch (step.kind) {
    case 'record':
    case 'apply':
      return false;
    case 'create-agent-pool':
    case 'delete-agent-pool':
      return pool?.operation !== undefined;
    default:
      return true;
  }
};

/** The record comes before the request: a pool that is recorded may not have been asked for yet. */
const isAskedFor = (step: Step, { plan }: Session): boolean => plan.steps.indexOf(step) >= plan.steps.findIndex(({ kind }) => kind === 'create-agent-pool');
