import { defineCommand } from '../cli/command.ts';
import { clusterOptions } from '../cli/globals.ts';
import { toggle } from '../cli/options.ts';
import { AccessError, KaitoError, NotFoundError } from '../domain/errors.ts';

const askAgainMs = 2_000;
/** How long `-w` does without answers that it had before. */
const outageMs = 5 * 60_000;
const refusalMs = 30_000;

export default defineCommand({
  summary: 'Show what each workspace is doing, why, and what to do next',
  description: 'Columns and conditions are those of the KAITO operator, computed from the live objects. With -w the table is shown again whenever it changes.',
  usesCluster: true,
  arguments: [{ usage: '[name]', description: 'one workspace; default: all of the namespace' }],
  options: {
    allNamespaces: toggle('-A, --all-namespaces', 'workspaces of all namespaces'),
    watch: toggle('-w, --watch', 'go on until interrupted'),
  },
  examples: ['status', 'status my-tuning -o json', 'status -A -o wide'],
  async *run({ arguments: [name], options: { allNamespaces, watch } }, context) {
    const { observeStatuses } = await import('../flow/observe-status.ts');
    const cluster = await context.cluster();
    const { signal, clock, globals } = context;
    const namespace = cluster.target.namespace;
    const scope = { ...(allNamespaces ? { allNamespaces } : { namespace }), ...(name === undefined ? {} : { name }) };
    let shown: string | undefined;
    let answeredAt = clock.now();
    let isMissed = false;
    do {
      let statuses;
      try {
        statuses = await observeStatuses(cluster, scope, signal);
      } catch (error) {
        signal.throwIfAborted();
        // An API server that restarts is away for a while, and then refuses everybody until it knows their roles.
        if (shown === undefined || !(error instanceof KaitoError) || clock.now() - answeredAt > (error instanceof AccessError ? refusalMs : outageMs)) throw error;
        if (!isMissed) yield { type: 'warning', message: 'The cluster cannot be asked at the moment; what stands here may be old.', hints: [error.fact ?? error.message] };
        isMissed = true;
        await clock.sleep(askAgainMs, signal);
        continue;
      }
      answeredAt = clock.now();
      isMissed = false;
      if (name !== undefined && statuses.length === 0) {
        throw new NotFoundError(`There is no workspace ${name} in ${allNamespaces ? 'any namespace' : `namespace ${namespace}`}.`, {
          reason: 'WorkspaceNotFound',
          fact: `Looked at ${cluster.target.server} (context ${cluster.target.contextName}).`,
          hints: ['kaito-ts status -A', `Another namespace is named with ${clusterOptions.namespace.flags.split(' <')[0]}.`],
        });
      }
      // Only who watches needs to know whether it has changed.
      const current = watch ? JSON.stringify(statuses) : undefined;
      if (current === undefined || current !== shown) yield { type: 'statuses', statuses, wide: globals.output === 'wide', namespace: allNamespaces ? undefined : namespace };
      shown = current;
      if (watch) await clock.sleep(askAgainMs, signal);
    } while (watch);
  },
});
