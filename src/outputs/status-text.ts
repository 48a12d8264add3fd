import type { WorkspaceStatus } from '../domain/status.ts';
import { formatAge } from './time-text.ts';
import type { Chalk } from './style.ts';
import { renderTable } from './table.ts';

/**
 * The operator's own columns (https://github.com/kaito-project/kaito/blob/056b8280/api/v1beta1/workspace_types.go#L290),
 * and under the table one line for each workspace: why it is so, and what helps next.
 */
export const renderStatuses = (statuses: readonly WorkspaceStatus[], options: { wide: boolean; namespace: string | undefined; now: number }, style: Chalk): string => {
  if (statuses.length === 0) return `No workspaces found${options.namespace === undefined ? '' : ` in namespace ${options.namespace}`}.\n`;
  const columns = [
    ...(options.namespace === undefined ? ['NAMESPACE'] : []),
    'NAME', 'INSTANCE', 'RESOURCEREADY', 'INFERENCEREADY', 'JOBSTARTED', 'WORKSPACESUCCEEDED', 'TARGETNODECOUNT', 'STATE', 'AGE',
    ...(options.wide ? ['PRESET', 'NODES', 'AGENTPOOL', 'ENDPOINT', 'MANAGEDBY'] : []),
  ];
  const rows = statuses.map((status) => [
    ...(options.namespace === undefined ? [status.namespace] : []),
    status.name,
    status.instanceType,
    condition(status, 'ResourceReady'),
    condition(status, 'InferenceReady'),
    condition(status, 'JobStarted'),
    condition(status, 'WorkspaceSucceeded'),
    String(status.targetNodeCount),
    status.state,
    formatAge(status.createdAt, options.now),
    ...(options.wide ? [status.preset, status.workerNodes.join(',') || '<none>', status.nodePool?.name ?? '<none>', status.endpoint ?? '<none>', status.managedBy] : []),
  ]);
  const reasons = statuses.flatMap((status) => [
    `${style.bold(status.name)}: ${status.why}`,
    ...(status.progress === undefined ? [] : [`  ${status.progress}`]),
    ...(status.next === undefined ? [] : [`  ${style.cyan('next:')} ${status.next}`]),
  ]);
  return `${renderTable(columns, rows)}\n${reasons.join('\n')}\n`;
};

/** An absent condition prints empty, as kubectl prints it. */
const condition = (status: WorkspaceStatus, type: string): string => status.conditions.find((candidate) => candidate.type === type)?.status ?? '';
