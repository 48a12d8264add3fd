import { CoreV1Api, type V1ContainerStateTerminated, type V1PodSpec } from '@kubernetes/client-node';
import type { RealCluster } from '../cluster/real/cluster.ts';
import { configOf } from '../cluster/real/pods.ts';
import { patienceMs, waitFor } from '../cluster/real/waiting.ts';

/** What a test does with pods of its own, beside the command that it tries. */
export interface Pods {
  /** Runs a pod to its end: the log of each container by its name, and whether all succeeded. */
  run(name: string, spec: Omit<V1PodSpec, 'restartPolicy'>): Promise<{ succeeded: boolean; logs: Record<string, string> }>;
  start(name: string, spec: V1PodSpec, labels?: Record<string, string>): Promise<void>;
  /** Until a container waits for that reason; the kubelet's text. */
  waitingReason(name: string, reason: RegExp): Promise<string>;
  /** How the only container ended the last time. */
  lastEnd(name: string): Promise<V1ContainerStateTerminated | undefined>;
  createPullSecret(name: string, registry: string, user: { name: string; password: string }): Promise<void>;
}

export const podsIn = (cluster: RealCluster, namespace: string): Pods => {
  const api = configOf(cluster).makeApiClient(CoreV1Api);
  const read = (name: string) => api.readNamespacedPod({ namespace, name });
  const start = async (name: string, spec: V1PodSpec, labels: Record<string, string> = {}): Promise<void> => {
    await api.createNamespacedPod({ namespace, body: { metadata: { name, labels }, spec: { terminationGracePeriodSeconds: 0, ...spec } } });
  };
  return {
    start,
    run: async (name, spec) => {
      await start(name, { restartPolicy: 'Never', ...spec });
      const phase = await waitFor(
        `the end of pod ${name}`,
        patienceMs,
        async () => {
          const { status } = await read(name);
          return ['Succeeded', 'Failed'].includes(status?.phase ?? '') && status?.phase;
        },
        async () => JSON.stringify((await read(name)).status, undefined, 2),
      );
      const containers = [...(spec.initContainers ?? []), ...spec.containers].map((container) => container.name);
      const logs = await Promise.all(containers.map(async (container) => [container, await api.readNamespacedPodLog({ namespace, name, container }).catch(() => '')] as const));
      return { succeeded: phase === 'Succeeded', logs: Object.fromEntries(logs) };
    },
    waitingReason: (name, reason) =>
      waitFor(`${reason} of pod ${name}`, patienceMs, async () => {
        const { status } = await read(name);
        const waiting = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].map((container) => container.state?.waiting).find((state) => reason.test(state?.reason ?? ''));
        return waiting?.message;
      }),
    lastEnd: async (name) => (await read(name)).status?.containerStatuses?.[0]?.lastState?.terminated,
    createPullSecret: async (name, registry, user) => {
      const auth = Buffer.from(`${user.name}:${user.password}`).toString('base64');
      await api.createNamespacedSecret({ namespace, body: { metadata: { name }, type: 'kubernetes.io/dockerconfigjson', stringData: { '.dockerconfigjson': JSON.stringify({ auths: { [registry]: { username: user.name, password: user.password, auth } } }) } } });
    },
  };
};
