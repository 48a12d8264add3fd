import { defineCommand } from '../cli/command.ts';
import { duration, toggle } from '../cli/options.ts';
import { NotFoundError, UsageError } from '../domain/errors.ts';
import { recordName } from '../domain/record.ts';

export default defineCommand({
  summary: 'Delete a workspace: its workload, its GPU nodes, its record',
  description: 'The agent pool is awaited until it is gone, because it costs money until then. A claim that holds a tuned adapter is kept unless --delete-adapter is given.',
  usesCluster: true,
  arguments: [{ usage: '<name>', description: 'the workspace' }],
  options: {
    dryRun: toggle('--dry-run', 'show the plan and write nothing'),
    deleteAdapter: toggle('--delete-adapter', 'also delete the claim that holds the tuned adapter'),
    timeout: duration('--timeout <duration>', 'how long each step may take', 30 * 60_000),
  },
  examples: ['delete my-tuning', 'delete my-tuning --dry-run'],
  async *run({ arguments: [name = ''], options }, context) {
    const [{ observe, findManagedCluster }, { parseRecord }, { planDeletion }, { execute }, { azureHint }] = await Promise.all([
      import('../flow/observe.ts'),
      import('../flow/record.ts'),
      import('../plan/plan-deletion.ts'),
      import('../flow/execute.ts'),
      import('../cli/azure-hint.ts'),
    ]);
    if (name === '') throw new UsageError('Name the workspace to delete.');
    const { signal, clock } = context;
    const cluster = await context.cluster();
    const object = await cluster.get('ConfigMap', recordName(name), { signal });
    const stored = object && parseRecord(object);
    if (!stored) {
      throw new NotFoundError(`There is no workspace ${name} in namespace ${cluster.target.namespace}.`, {
        reason: 'WorkspaceNotFound',
        fact: `No ConfigMap/${recordName(name)} at ${cluster.target.server} (context ${cluster.target.contextName}).`,
        hints: ['kaito-ts status -A'],
      });
    }
    const facts = await observe(stored.record.workspace, cluster, { kinds: ['Job', 'Deployment', 'StatefulSet', 'PersistentVolumeClaim'], secrets: [] }, signal);
    const plan = planDeletion({ record: stored.record, deleteAdapter: options.deleteAdapter, timeoutMs: options.timeout }, facts);
    yield { type: 'planned', plan, dryRun: options.dryRun };
    if (options.dryRun) return;
    const needsAzure = plan.steps.some(({ kind }) => kind === 'delete-agent-pool');
    const cloud = needsAzure ? await context.cloud() : undefined;
    const { nodePool } = stored.record;
    const azure =
      cloud && nodePool
        ? {
            cloud,
            managedCluster: await findManagedCluster(cloud, cluster, [], { ...azureHint(context.globals), subscriptionId: nodePool.subscriptionId, resourceGroup: nodePool.resourceGroup, name: nodePool.cluster }, signal),
          }
        : undefined;
    yield* execute(plan, stored, { cluster, ...(azure ? { azure } : {}), clock, signal });
    yield { type: 'result', result: { name, namespace: cluster.target.namespace, deleted: true }, summary: [`workspace ${name} deleted`] };
  },
});
