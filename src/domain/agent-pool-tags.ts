import { managedBy } from './annotations.ts';
import type { WorkspaceMetadata } from './workspace.ts';

/** What an agent pool is known by as one of ours, and of which workspace: names of pools are short, and may be the same. */
export const agentPoolTags = ({ name, namespace }: Pick<WorkspaceMetadata, 'name' | 'namespace'>): Record<string, string> => ({
  'managed-by': managedBy,
  'kaito-workspace': name,
  'kaito-namespace': namespace,
});

export const isAgentPoolOf = (tags: Readonly<Record<string, string>>, workspace: Pick<WorkspaceMetadata, 'name' | 'namespace'>): boolean =>
  Object.entries(agentPoolTags(workspace)).every(([key, value]) => tags[key] === value);
