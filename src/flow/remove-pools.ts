import { agentPoolTags } from '../domain/agent-pool-tags.ts';
import { InterruptedError, KaitoError } from '../domain/errors.ts';
import type { Event } from '../domain/event.ts';
import type { DeleteAgentPoolStep, Plan } from '../domain/plan.ts';
import type { Workspace } from '../domain/workspace.ts';
import { deleteAgentPool } from './agent-pool.ts';
import type { StoredRecord } from './record.ts';
import { createSession, type Effects } from './session.ts';

export interface PoolRemoval {
  pool: { name: string; instanceType: string; count: number };
  workspace: { name: string; namespace: string };
}

export interface RemovalRules {
  timeoutMs: number;
  /** Asked right before each: time has passed since the pools were judged. Why a pool stays after all; else its record, if that names it. */
  recheck(removal: PoolRemoval): Promise<{ keep: string } | { keep?: never; stored?: StoredRecord }>;
}

/**
 * Removes agent pools one after the other, since Azure changes one at a time. What fails is told and the rest still done;
 * the first failure is thrown at the end. Returns the names of those that are gone.
 */
export async function* removePools(removals: readonly PoolRemoval[], effects: Effects, { timeoutMs, recheck }: RemovalRules): AsyncGenerator<Event, string[]> {
  const { clock, signal } = effects;
  const removed: string[] = [];
  const failures: unknown[] = [];
  for (const [index, removal] of removals.entries()) {
    const { pool } = removal;
    const step: DeleteAgentPoolStep = { kind: 'delete-agent-pool', title: `Remove agent pool ${pool.name} (${pool.count} x ${pool.instanceType})`, name: pool.name, timeoutMs };
    try {
      const verdict = await recheck(removal);
      if (verdict.keep !== undefined) {
        yield { type: 'note', message: `Agent pool ${pool.name} stays: ${verdict.keep}.` };
        continue;
      }
      const startedAt = clock.now();
      yield { type: 'stepStarted', index, total: removals.length, step };
      const session = createSession(toPlan(removal, step, effects), effects, verdict.stored);
      const detail = yield* deleteAgentPool(step, session);
      yield { type: 'stepDone', index, total: removals.length, step, detail, elapsedMs: clock.now() - startedAt };
      removed.push(pool.name);
      const unwritten = session.unwritten();
      if (unwritten) yield { type: 'warning', message: `Agent pool ${pool.name} is gone, and the record of workspace ${removal.workspace.name} does not say so: ${unwritten.message}`, hints: unwritten.hints };
    } catch (error) {
      if (signal.aborted) throw interrupted(pool.name, signal, error);
      if (!(error instanceof KaitoError)) throw error;
      failures.push(error);
      yield { type: 'warning', message: `Agent pool ${pool.name} could not be removed: ${error.message}`, hints: error.hints };
    }
  }
  if (failures.length > 0) throw failures[0];
  return removed;
}

/** What the step is part of, for whoever carries it out. */
const toPlan = ({ workspace, pool }: PoolRemoval, step: DeleteAgentPoolStep, { cluster: { target } }: Effects): Plan => ({
  version: 1,
  command: 'delete',
  workspace: toWorkspace(workspace),
  target: { context: target.contextName, server: target.server, namespace: workspace.namespace },
  choices: [],
  checks: [],
  nodes: { provisioner: 'aks', count: pool.count, gpusPerNode: 0, instanceType: pool.instanceType },
  steps: [step],
  warnings: [],
});

/** Of a workspace that is gone only the name is left, which the pool's tags hold. */
const toWorkspace = (metadata: { name: string; namespace: string }): Workspace => ({ apiVersion: 'kaito.sh/v1beta1', kind: 'Workspace', metadata, resource: { labelSelector: { matchLabels: agentPoolTags(metadata) } } });

const interrupted = (pool: string, { reason }: AbortSignal, cause: unknown): InterruptedError =>
  new InterruptedError(reason instanceof InterruptedError && reason.exitCode === 143 ? 'SIGTERM' : 'SIGINT', {
    fact: `Once asked, Azure goes on removing agent pool ${pool} by itself.`,
    hints: ['kaito-ts gc   # shows what is left'],
    cause,
  });
