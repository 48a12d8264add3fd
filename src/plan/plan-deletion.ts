import type { Facts } from '../domain/facts.ts';
import type { DeleteAgentPoolStep, Plan, Step } from '../domain/plan.ts';
import type { NodePoolRecord, OwnerRecord } from '../domain/record.ts';
import { recordName } from '../domain/record.ts';

export interface DeletionRequest {
  record: OwnerRecord;
  /** Also what is kept otherwise: the claim that holds a tuned adapter. */
  deleteAdapter: boolean;
  timeoutMs: number;
}

/**
 * The workload first, then its nodes, then the record: whoever interrupts this finds the record still there, and with it
 * what is left to remove.
 */
export const planDeletion = ({ record, deleteAdapter, timeoutMs }: DeletionRequest, facts: Facts): Plan => {
  const { workspace, nodePool } = record;
  const { name, namespace } = workspace.metadata;
  const workloads = facts.existing.filter(({ kind }) => ['Job', 'Deployment', 'StatefulSet'].includes(kind));
  const claims = facts.existing.filter(({ kind, metadata }) => kind === 'PersistentVolumeClaim' && (metadata.ownerReferences ?? []).length === 0);
  const isPoolThere = nodePool !== undefined && nodePool.releasedAt === undefined;
  const steps: Step[] = [
    ...workloads.map(({ kind, metadata }) => ({ kind: 'delete-object' as const, title: `Delete ${kind}/${metadata.name} and its pods`, object: { kind, name: metadata.name, namespace }, timeoutMs })),
    { kind: 'await-gone', title: 'Wait for the pods to end', labelSelector: `kaito.sh/workspace=${name}`, timeoutMs },
    ...(isPoolThere ? [removeAgentPool(nodePool, timeoutMs)] : []),
    ...(deleteAdapter ? claims.map(({ kind, metadata }) => ({ kind: 'delete-object' as const, title: `Delete ${kind}/${metadata.name}, which holds the adapter`, object: { kind, name: metadata.name, namespace }, timeoutMs })) : []),
    { kind: 'delete-object', title: `Delete ConfigMap/${recordName(name)}, and what hangs on it`, object: { kind: 'ConfigMap', name: recordName(name), namespace }, timeoutMs },
  ];
  return {
    version: 1,
    command: 'delete',
    workspace,
    target: facts.target,
    choices: [],
    checks: [],
    nodes: { provisioner: isPoolThere ? 'aks' : 'byo', count: 0, gpusPerNode: 0 },
    steps,
    warnings: deleteAdapter ? [] : claims.map(({ metadata }) => `PersistentVolumeClaim/${metadata.name} is kept, because it holds the adapter: --delete-adapter deletes it too.`),
  };
};

/** Takes up a deletion that was begun already. */
export const removeAgentPool = ({ name, count, instanceType, operation }: NodePoolRecord, timeoutMs: number): DeleteAgentPoolStep => ({
  kind: 'delete-agent-pool',
  title: `Remove agent pool ${name} (${count} x ${instanceType})`,
  name,
  timeoutMs,
  ...(operation?.kind === 'delete' ? { resume: operation } : {}),
});
