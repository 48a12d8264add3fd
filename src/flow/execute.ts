import { AccessError, FailedError, InterruptedError, KaitoError, TimeoutError, UnseenError, WorkloadError } from '../domain/errors.ts';
import type { Event } from '../domain/event.ts';
import type { ApplyStep, Plan, RecordStep, Step } from '../domain/plan.ts';
import { describeAdapter, type NodePoolRecord, type OwnerRecord } from '../domain/record.ts';
import { createAgentPool, deleteAgentPool } from './agent-pool.ts';
import { awaitNodes } from './nodes.ts';
import type { StoredRecord } from './record.ts';
import { awaitGone, deleteObject } from './removal.ts';
import { rehearse } from './rehearse.ts';
import { awaitServer } from './serving.ts';
import { createSession, type Effects, isRecordChanged, isRecordDeleted, type Session } from './session.ts';
import { followTuning } from './tuning.ts';

/**
 * Carries out a Plan, step by step, telling what happens. Returns the owner record as it is at the end. When a step fails,
 * the steps that stop spending are still done unless they could take nodes from what only cannot be seen, and the failure
 * is thrown afterwards.
 */
export async function* execute(plan: Plan, stored: StoredRecord | undefined, effects: Effects): AsyncGenerator<Event, OwnerRecord> {
  const session = createSession(plan, effects, stored);
  if (plan.steps.some(({ kind }) => kind === 'create-agent-pool')) await rehearse(plan, effects);
  let failure: Failure | undefined;
  for (const [index, step] of plan.steps.entries()) {
    if (failure && (failure.unseen || !stopsSpending(step, session))) continue;
    try {
      yield* carryOut(step, index, session);
    } catch (error) {
      if (session.signal.aborted) throw interrupted(error, step, session);
      // Whatever is there now is somebody else's.
      if (isRecordChanged(error)) throw error;
      // The first failure is the reason; what goes wrong while cleaning up after it is told beside it.
      if (!failure) failure = { error, unseen: await findUnseen(step, index, error, session) };
      else yield { type: 'warning', message: `${step.title} failed too: ${error instanceof Error ? error.message : String(error)}`, hints: error instanceof KaitoError ? error.hints : [] };
    }
  }
  // The Kubernetes API may be back.
  if (session.unwritten()) await session.noteEnd(session.record());
  const unwritten = session.unwritten();
  if (failure) {
    // Whoever deleted the workspace has seen to its nodes.
    const deletion = await session.findDeletion(failure.error);
    if (deletion) throw deletion;
    if (unwritten) yield { type: 'warning', message: `What came of it could not be recorded: ${unwritten.message}`, hints: unwritten.hints };
    yield* warnOfSpending(failure, session);
    throw failure.error;
  }
  if (unwritten) throw onlyUnwritten(unwritten, session);
  return session.record();
}

interface Failure {
  error: unknown;
  /** What the failure says nothing about, because it could not be looked at: it is left as it is. */
  unseen: 'job' | 'agent pool' | undefined;
}

const findUnseen = async (step: Step, index: number, error: unknown, session: Session): Promise<Failure['unseen']> => {
  if (error instanceof UnseenError) return 'agent pool';
  return (await mayRunUnseen(step, index, error, session)) ? 'job' : undefined;
};

/**
 * Losing the connection, or the login, while a Job runs is not its end: hours of training, or an adapter that is being
 * pushed, must not be thrown away for it. Where no Job was submitted, nothing can be lost.
 */
const mayRunUnseen = async (step: Step, index: number, error: unknown, { plan, cluster, signal }: Session): Promise<boolean> => {
  if (step.kind === 'follow-tuning') return !(error instanceof WorkloadError) && !(error instanceof TimeoutError) && !isRecordDeleted(error);
  const later = plan.steps.slice(index + 1);
  if (!later.some(({ kind }) => kind === 'follow-tuning') || later.some(appliesJob)) return false;
  if (!appliesJob(step)) return error instanceof FailedError || error instanceof AccessError;
  if (!(error instanceof FailedError)) return false;
  // The answer was lost, and the Job may be there all the same.
  try {
    return (await cluster.get('Job', step.object.metadata.name, { namespace: plan.workspace.metadata.namespace, signal })) !== undefined;
  } catch {
    return true;
  }
};

const appliesJob = (step: Step): step is ApplyStep => step.kind === 'apply' && step.object.kind === 'Job';

/** A failure leaves the nodes to look at; nobody must believe that they are gone. */
function* warnOfSpending({ unseen }: Failure, session: Session): Generator<Event, void> {
  const pool = spendingPool(session);
  const price = pool?.pricePerHourUsd === undefined ? 'money' : `about $${pool.pricePerHourUsd.toFixed(2)} an hour`;
  const nodes = pool && `Agent pool ${pool.name} (${pool.count} x ${pool.instanceType})`;
  if (unseen === 'job') yield { type: 'warning', message: `The tuning Job is out of sight and goes on.${nodes ? ` ${nodes} is left to it, and costs ${price} until it is removed.` : ''}`, hints: againHints(session) };
  else if (unseen === 'agent pool') yield { type: 'warning', message: `${nodes ?? 'The agent pool'} is left to Azure. While it is there it costs ${price}.`, hints: againHints(session) };
  else if (nodes) yield { type: 'warning', message: `${nodes} is still there and costs ${price}.`, hints: [deleteCommand(session)] };
}

/** All is done that was to be done, and only this machine knows. */
const onlyUnwritten = (error: KaitoError, session: Session): KaitoError => {
  const { result } = session.record();
  const Same = error instanceof AccessError ? AccessError : FailedError;
  const outcome = result?.adapter ? `The tuning has succeeded, and its adapter is ${describeAdapter(result.adapter)}` : 'All is done';
  return new Same(`${outcome}; only the record of it could not be written.`, {
    reason: error.reason,
    fact: [error.message, error.fact].filter(Boolean).join('\n'),
    hints: ['The same command again writes it.', ...error.hints],
    cause: error,
  });
};

/** What must still be done after a failure: nobody would do it otherwise. */
const stopsSpending = (step: Step, session: Session): boolean => step.kind === 'delete-agent-pool' && spendingPool(session) !== undefined;

/** The pool that was asked for and is not known to be gone. */
const spendingPool = (session: Session): NodePoolRecord | undefined => {
  const { nodePool } = session.record();
  return nodePool?.releasedAt === undefined ? nodePool : undefined;
};

const againHints = (session: Session): string[] => {
  const { name, namespace } = session.plan.workspace.metadata;
  return ['The same command again goes on from here.', `kaito-ts status ${name} -n ${namespace}`, `${deleteCommand(session)}   # undo`];
};

const deleteCommand = ({ plan }: Session): string => `kaito-ts delete ${plan.workspace.metadata.name} -n ${plan.workspace.metadata.namespace}`;

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
  const object = await session.beginRecord({
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
