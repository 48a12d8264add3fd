import { createHash } from 'node:crypto';
import type { Workspace } from '../domain/workspace.ts';

/**
 * An agent pool's name, the same on every run and machine, so that a pool can be found again even when its record was
 * never written: AKS allows `^[a-z][a-z0-9]{0,11}$`.
 * https://learn.microsoft.com/azure/aks/create-node-pools#limitations
 */
export const agentPoolName = ({ metadata: { name, namespace } }: Workspace, instanceType: string): string => {
  const readable = name.replaceAll(/[^a-z0-9]/g, '').slice(0, 5);
  const digest = createHash('sha256').update(`${namespace}/${name}/${instanceType.toLowerCase()}`).digest('hex');
  return `k${readable}${digest.slice(0, 6)}`;
};
