import { InterruptedError, KaitoError } from '../domain/errors.ts';
import type { Event } from '../domain/event.ts';
import type { ApplyStep, Plan, RecordStep, Step } from '../domain/plan.ts';
import type { OwnerRecord } from '../domain/record.ts';
import { createAgentPool, deleteAgentPool } from './agent-pool.ts';
import { awaitNodes } from './nodes.ts';
import { awaitGone, deleteObject } from './removal.ts';
import { awaitServer } from './serving.ts';
import { createSession, type Effects, type Session } from './session.ts';
import { followTuning } from './tuning.ts';

/**
 * Carries out a Plan, step by step, telling what happens. Returns the owner record as it is at the end. When a step fails,
 * the steps that stop spending are still done, and the failure is thrown afterwards.
 */
export async function* execute(plan: Plan, stored: { uid: string; record: OwnerRecord } | undefined, effects: Effects): AsyncGenerator<Event, OwnerRecord> {
  const session = createSession(plan, effects, stored);
  let failure: unknown;
  for (const [index, step] of plan.steps.entries()) {
    if (failure !== undefined && !stopsSpending(step)) continue;
    try {
      yield* carryOut(step, index, session);
    } catch (error) {
      if (session.signal.aborted) throw interrupted(error, step, session);
      // The first failure is the reason; what goes wrong while cleaning up after it is told beside it.
      if (failure === undefined) failure = error;
      else yield { type: 'warning', message: `${step.title} failed too: ${error instanceof Error ? error.message : String(error)}`, hints: error instanceof KaitoError ? error.hints : [] };
    }
  }
  if (failure !== undefined) throw failure;
  return session.record();
}

const stopsSpending = (step: Step): boolean => step.kind === 'delete-agent-pool';

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

async function* writeRecord(step: RecordStep, session: Session): AsyncGenerator<Event, string> {
  const { nodePool: recorded, createdAt } = session.record();
  const nodePool = step.nodePool && { ...step.nodePool, requestedAt: step.nodePool.requestedAt || new Date(session.clock.now()).toISOString() };
  const object = await session.saveRecord({
    workspace: session.plan.workspace,
    revision: step.revision,
    createdAt,
    ...(nodePool ? { nodePool } : recorded ? { nodePool: recorded } : {}),
  });
  yield { type: 'applied', object: { kind: object.kind, name: object.metadata.name }, outcome: step.revision > 1 ? 'configured' : 'created' };
  return `${object.kind}/${object.metadata.name}`;
}

async function* apply(step: ApplyStep, session: Session): AsyncGenerator<Event, string> {
  const object = step.owned ? { ...step.object, metadata: { ...step.object.metadata, ownerReferences: [session.ownerReference()] } } : step.object;
  const { outcome } = await session.cluster.apply(object, { signal: session.signal });
  yield { type: 'applied', object: { kind: object.kind, name: object.metadata.name }, outcome };
  return outcome;
}

/** Leaving is not undoing: what goes on, what it costs, how to come back and how to end it. */
const interrupted = (error: unknown, step: Step, session: Session): InterruptedError => {
  const { plan } = session;
  const { name, namespace } = plan.workspace.metadata;
  const { nodePool } = session.record();
  const isSpending = nodePool !== undefined && nodePool.releasedAt === undefined;
  const price = nodePool?.pricePerHourUsd === undefined ? '' : ` at about $${nodePool.pricePerHourUsd.toFixed(2)} an hour`;
  const signal = session.signal.reason instanceof InterruptedError && session.signal.reason.exitCode === 143 ? 'SIGTERM' : 'SIGINT';
  return new InterruptedError(signal, {
    fact: `${step.title}: this goes on without kaito-ts.${isSpending ? ` Agent pool ${nodePool.name} (${nodePool.count} x ${nodePool.instanceType}) runs${price}.` : ''}`,
    hints: [`The same command again goes on from here.`, `kaito-ts status ${name} -n ${namespace}`, `kaito-ts delete ${name} -n ${namespace}   # undo`],
    cause: error,
  });
};
