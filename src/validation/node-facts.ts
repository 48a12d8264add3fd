import type { NodeFacts } from '../domain/facts.ts';
import { countOf, gpuMemoryOf, slicesOf } from '../domain/node-labels.ts';
import { isMap, text, textMap, type JsonMap } from './json.ts';

/** The Nodes among documents. What feature discovery wrote on one counts where its status does not say what is allocatable. */
export const toNodeFacts = (objects: readonly JsonMap[]): NodeFacts[] =>
  objects.filter(({ kind }) => kind === 'Node').map((node) => {
    const metadata = isMap(node['metadata']) ? node['metadata'] : {};
    const status = isMap(node['status']) ? node['status'] : {};
    const labels = textMap(metadata['labels']);
    const allocatable = isMap(status['allocatable']) ? status['allocatable'] : undefined;
    const inLabels = slicesOf(slicesInLabels(labels));
    return {
      name: text(metadata['name']),
      isReady: Array.isArray(status['conditions']) && status['conditions'].some((condition: unknown) => isMap(condition) && condition['type'] === 'Ready' && condition['status'] === 'True'),
      labels,
      taints: [],
      gpuCount: countOf(allocatable ? allocatable['nvidia.com/gpu'] : labels['nvidia.com/gpu.count']),
      ...gpuMemoryOf(labels),
      ...(allocatable ? { slices: slicesOf(allocatable) } : Object.keys(inLabels).length > 0 ? { slices: inLabels } : {}),
    };
  });

/** `nvidia.com/mig-3g.40gb.count`, as feature discovery writes it, under the name of the resource. */
const slicesInLabels = (labels: Record<string, string>): Record<string, string> => Object.fromEntries(Object.entries(labels).map(([name, value]) => [name.replace(/\.count$/, ''), value]));
