import { randomBytes } from 'node:crypto';
import { patienceMs, waitFor } from '../cluster/real/waiting.ts';
import { putFile } from '../cluster/registries/control.ts';
import { trainingRows } from './data.ts';
import type { GpuNode } from './gpu-node.ts';
import type { RigHandle } from './rig.ts';

/** A small tuning on a node that is there, which takes seconds. */
export interface Tuning {
  /** As no other test's is: stand-ins and registries are told by it how to behave. */
  name: string;
  args: string[];
}

export const aTuning = async (rig: RigHandle, node: GpuNode, { url, rows = 10, more = [] }: { url?: string; rows?: number; more?: readonly string[] } = {}): Promise<Tuning> => {
  const name = `t-${randomBytes(4).toString('hex')}`;
  const dataset = url ?? (await putFile(rig().registries, `${name}.jsonl`, trainingRows(rows)));
  return { name, args: ['tune', name, '--preset', 'phi-3-mini', '--method', 'qlora', '--nodes', node.selector, '--time-limit', '5m', '--input-url', dataset, ...more] };
};

/** What `status` says of one workspace. */
export const statusOf = async (rig: RigHandle, name: string): Promise<{ state?: string; why?: string; next?: string; workerNodes?: string[]; nodePool?: Record<string, unknown> }> => {
  const { stdout } = await rig.run(['status', name, '-o', 'json']);
  const { items }: { items: object[] } = JSON.parse(stdout);
  return items[0] ?? {};
};

/** Whatever happened: no pod of the workspace takes up room. One whose Job is deleted goes a moment after it. */
export const untilNoPodRuns = async (rig: RigHandle, name: string): Promise<void> => {
  const running = async (): Promise<string[]> => {
    const { items } = await rig().api.core.listNamespacedPod({ namespace: rig().namespace, labelSelector: `kaito.sh/workspace=${name}` });
    return items.filter(({ metadata, status }) => metadata?.deletionTimestamp === undefined && status?.phase !== 'Failed' && status?.phase !== 'Succeeded').map(({ metadata }) => metadata?.name ?? '');
  };
  await waitFor(`the end of the pods of ${name}`, patienceMs, async () => (await running()).length === 0, async () => (await running()).join(', '));
};
