import { defineCommand } from '../cli/command.ts';
import { duration, toggle } from '../cli/options.ts';
import { formatDuration } from '../domain/duration.ts';
import { exitCodes, UsageError } from '../domain/errors.ts';
import type { Event } from '../domain/event.ts';
import type { Garbage, GarbageReport } from '../plan/find-garbage.ts';

export default defineCommand({
  summary: 'Find GPU nodes that kaito-ts made and that nothing needs any more',
  description: [
    'Looks at the agent pools of the AKS cluster that carry the tags of kaito-ts, and at the records of their workspaces in all namespaces. Pools of others, and pools on which a pod runs, are never touched.',
    'Nothing is deleted without --delete. Exit code 1 when something was found and is still there.',
  ].join('\n\n'),
  usesCluster: true,
  arguments: [],
  options: {
    delete: toggle('--delete', 'delete what is found'),
    yes: toggle('-y, --yes', 'delete without asking; needed where nobody can be asked'),
    timeout: duration('--timeout <duration>', 'how long the removal of one pool may take', 30 * 60_000),
  },
  examples: ['gc', 'gc --delete --yes', 'gc -o json'],
  async *run({ options }, context) {
    const { signal, clock, terminal, globals } = context;
    if (options.delete && !options.yes && !terminal.isInteractive) {
      throw new UsageError('Nobody can be asked here whether to delete.', { reason: 'ConfirmationRequired', fact: 'stdin and stderr are not both a terminal, or CI is set', hints: ['kaito-ts gc --delete --yes'] });
    }
    const [{ observePools }, { findGarbage }, { removePools }, { azureHint }] = await Promise.all([
      import('../flow/observe-pools.ts'),
      import('../plan/find-garbage.ts'),
      import('../flow/remove-pools.ts'),
      import('../cli/azure-hint.ts'),
    ]);
    const [cluster, cloud] = await Promise.all([context.cluster(), context.cloud()]);
    const look = async () => {
      const { facts, stored } = await observePools(cluster, cloud, azureHint(globals), signal);
      return { facts, stored, report: findGarbage(facts, clock.now()) };
    };
    const { facts, report } = await look();
    const { garbage } = report;
    yield* describe(report, clock.now());
    const saving = savingText(garbage);
    if (!options.delete || garbage.length === 0) {
      if (garbage.length === 0) return;
      yield { type: 'note', message: saving, hints: ['kaito-ts gc --delete'] };
      yield { type: 'exit', exitCode: exitCodes.failed };
      return;
    }
    const names = garbage.map(({ pool }) => pool.name).join(', ');
    if (!options.yes && !(await terminal.confirm(`Delete ${garbage.length === 1 ? 'agent pool' : 'agent pools'} ${names} with all nodes? ${saving}`, { yesFlag: '--yes', signal }))) {
      yield { type: 'exit', exitCode: exitCodes.failed };
      return;
    }
    const removed = yield* removePools(garbage, { cluster, azure: { cloud, managedCluster: facts.cluster }, clock, signal }, {
      timeoutMs: options.timeout,
      async recheck({ pool, workspace }) {
        const now = await look();
        const isStill = now.report.garbage.some((candidate) => candidate.pool.name === pool.name);
        if (!isStill) return { keep: now.report.kept.find((candidate) => candidate.pool.name === pool.name)?.why ?? 'it is gone already' };
        const stored = now.stored.get(`${workspace.namespace}/${workspace.name}`);
        return stored?.record.nodePool?.name === pool.name ? { stored } : {};
      },
    });
    yield { type: 'result', result: { deleted: removed, items: garbage.map(toItem), withoutPool: report.withoutPool, ...(savedPerDay(garbage) === undefined ? {} : { savedPerDayUsd: savedPerDay(garbage) }) }, summary: removed.map((name) => `agent pool ${name} deleted`) };
  },
});

function* describe(report: GarbageReport, now: number): Generator<Event, void> {
  const { garbage, kept, withoutPool } = report;
  const data = { items: garbage.map(toItem), withoutPool, kept: kept.map(({ pool, workspace, why }) => ({ pool: pool.name, workspace: workspace.name, namespace: workspace.namespace, why })) };
  if (garbage.length === 0) {
    const stay = kept.length === 0 ? '' : ` ${kept.length} of kaito-ts ${kept.length === 1 ? 'is' : 'are'} in use.`;
    yield { type: 'result', result: data, summary: [`No agent pool is left over.${stay}`] };
  } else {
    yield {
      type: 'table',
      columns: ['POOL', 'WORKSPACE', 'NODES', 'INSTANCE TYPE', 'STATE', 'AGE', '$/HOUR', 'WHY'],
      rows: garbage.map(({ pool, workspace, since, perHourUsd, why }) => [
        pool.name,
        `${workspace.namespace}/${workspace.name}`,
        String(pool.count),
        pool.instanceType,
        pool.provisioningState,
        since === undefined ? '<unknown>' : formatDuration(now - Date.parse(since)),
        perHourUsd === undefined ? '<unknown>' : perHourUsd.toFixed(2),
        why,
      ]),
      data,
    };
  }
  for (const { pool, workspace, why } of kept.filter(({ isUnknown }) => isUnknown)) {
    yield { type: 'warning', message: `Whether agent pool ${pool.name} of ${workspace.namespace}/${workspace.name} is needed cannot be told: ${why}` };
  }
  for (const { workspace, pool } of withoutPool) {
    yield { type: 'warning', message: `Workspace ${workspace.name} in namespace ${workspace.namespace} is recorded with agent pool ${pool}, which is gone.`, hints: [`kaito-ts delete ${workspace.name} -n ${workspace.namespace}`] };
  }
}

const toItem = ({ pool, workspace, why, since, perHourUsd }: Garbage) => ({
  pool: pool.name,
  workspace: workspace.name,
  namespace: workspace.namespace,
  nodeCount: pool.count,
  instanceType: pool.instanceType,
  state: pool.provisioningState,
  spot: pool.spot,
  ...(since === undefined ? {} : { since }),
  ...(perHourUsd === undefined ? {} : { pricePerHourUsd: perHourUsd }),
  why,
});

/** Undefined when no price is known at all. */
const savedPerDay = (garbage: readonly Garbage[]): number | undefined => {
  const prices = garbage.flatMap(({ perHourUsd }) => (perHourUsd === undefined ? [] : [perHourUsd]));
  return prices.length === 0 ? undefined : prices.reduce((sum, price) => sum + 24 * price, 0);
};

const savingText = (garbage: readonly Garbage[]): string => {
  const perDayUsd = savedPerDay(garbage);
  if (perDayUsd === undefined) return 'What that saves is not known: there is no list price.';
  const isSpot = garbage.some(({ pool }) => pool.spot);
  return `That saves about $${perDayUsd.toFixed(2)} a day at list prices${isSpot ? ', less for Spot' : ''}.`;
};
