import type { Cluster } from '../cluster/cluster.ts';
import type { Kinds } from '../cluster/kinds.ts';
import type { Event } from '../domain/event.ts';
import type { KubernetesObject } from '../domain/kubernetes.ts';
import type { DevicePlugin } from '../domain/requirement.ts';
import { allocatableGpus } from './nodes.ts';

type Toleration = NonNullable<NonNullable<Kinds['DaemonSet']['spec']>['template']['spec']>['tolerations'];

/** By image or by name, wherever it is: users, KAITO's chart and NVIDIA's GPU operator each put it somewhere else. */
export const listDevicePlugins = async (cluster: Cluster, signal: AbortSignal): Promise<DevicePlugin[]> =>
  (await cluster.list('DaemonSet', { allNamespaces: true, signal })).flatMap((set) => {
    const podSpec = set.spec?.template.spec;
    const image = podSpec?.containers.map((container) => container.image ?? '').find((candidate) => /(^|\/)k8s-device-plugin([:@]|$)/.test(candidate));
    const { name, namespace = '' } = set.metadata;
    if (image === undefined && !/nvidia.*device-plugin/.test(name)) return [];
    return [
      {
        name,
        namespace,
        image: image ?? podSpec?.containers[0]?.image ?? '',
        toleratesGpuTaint: toleratesGpuTaint(podSpec?.tolerations),
        hasTolerations: (podSpec?.tolerations ?? []).length > 0,
        readyCount: set.status?.numberReady ?? 0,
        nodeCount: set.status?.desiredNumberScheduled ?? 0,
      },
    ];
  });

/** https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/: an absent key with Exists tolerates everything, an absent effect every effect. */
const toleratesGpuTaint = (tolerations: Toleration = []): boolean =>
  tolerations.some(({ key = '', operator = 'Equal', value = '', effect = '' }) => {
    if (effect !== '' && effect !== 'NoSchedule') return false;
    if (operator === 'Exists') return key === '' || key === 'sku';
    return key === 'sku' && value === 'gpu';
  });

/** Applies it only where nothing makes GPUs allocatable: two of them on one node are in each other's way. */
export async function* installDevicePlugin(cluster: Cluster, daemonSet: KubernetesObject, signal: AbortSignal): AsyncGenerator<Event, void> {
  const [found] = await listDevicePlugins(cluster, signal);
  if (found) {
    yield { type: 'note', message: `There is a device plugin already: DaemonSet ${found.namespace}/${found.name} (${found.image}). Nothing was applied.` };
    return;
  }
  const withGpus = (await cluster.list('Node', { signal })).filter((node) => allocatableGpus(node) > 0);
  const [node] = withGpus;
  if (node) {
    yield { type: 'note', message: `Node ${node.metadata.name} has its GPUs allocatable without a DaemonSet: something else sees to that. Nothing was applied.` };
    return;
  }
  const { outcome } = await cluster.apply(daemonSet, { signal });
  const { name, namespace = '' } = daemonSet.metadata;
  yield { type: 'applied', object: { kind: daemonSet.kind, name, namespace }, outcome };
  yield { type: 'note', message: `DaemonSet ${namespace}/${name} is applied: GPU nodes get it as they come.`, hints: [`kubectl delete daemonset ${name} -n ${namespace}   # undo`] };
}
